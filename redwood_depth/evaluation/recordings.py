"""Whatever a path is that holds RGB-D frames, as a FrameSource."""

from collections.abc import Sequence
from pathlib import Path

from redwood_depth.bags.source import BagSource
from redwood_depth.errors import ScanError
from redwood_depth.rgbd import FrameSource
from redwood_depth.scans.prepared import PreparedSource, is_prepared_data, is_prepared_scan, scans_of_test_split
from redwood_depth.scans.source import ScanSource, is_scan


def open_recording(
    path: Path | str,
    *,
    color_topic: str | None = None,
    depth_topic: str | None = None,
    camera_info_topic: str | None = None,
    predicted_topic: str | None = None,
    may_lack_depth: bool = False,
) -> FrameSource:
    """The frames of a bag, a Redwood scan or a prepared scan; topics are a bag's, and found where they are None.

    Raises:
        BagError: no bag, it cannot be read, or it lacks a topic.
        ScanError: the same of a scan; a folder of prepared scans without a test split.
    """
    path = Path(path)
    if is_prepared_scan(path):
        return PreparedSource(path)
    if is_prepared_data(path):
        scans_of_test_split(path)  # says why it could not be expanded
    if is_scan(path):
        return ScanSource(path)
    return BagSource(
        path,
        color=color_topic,
        depth=depth_topic,
        camera_info=camera_info_topic,
        predicted=predicted_topic,
        may_lack_depth=may_lack_depth,
    )


def expanded(paths: Sequence[Path]) -> list[Path]:
    """Each folder of prepared scans replaced by its test scans; one that has none stays, to fail by itself."""
    result: list[Path] = []
    for path in paths:
        try:
            result += scans_of_test_split(path) if is_prepared_data(path) else [path]
        except ScanError:
            result.append(path)
    return result
