"""Whatever a path is that holds RGB-D frames, as a FrameSource."""

from collections.abc import Sequence
from pathlib import Path

from redwood_depth.bags.bag_source import BagSource
from redwood_depth.errors import ScanError
from redwood_depth.rgbd import FrameSource
from redwood_depth.scans.layouts.table import open_layout
from redwood_depth.scans.prepared import PreparedSource, is_prepared_data, is_prepared_scan, scans_of_test_split
from redwood_depth.scans.redwood import has_redwood_names, scans_in_zip
from redwood_depth.scans.scan_source import ScanSource, is_scan


def open_recording(
    path: Path | str,
    *,
    color_topic: str | None = None,
    depth_topic: str | None = None,
    camera_info_topic: str | None = None,
    predicted_topic: str | None = None,
    may_lack_depth: bool = False,
    registered: bool = False,
    depth_unit_m: float | None = None,
) -> FrameSource:
    """The frames of a bag, a scan, a prepared scan or another layout; topics are a bag's, found where they are None.

    `registered` says that depth is of the color image, whatever the recording says; `depth_unit_m` how many meters a
    unit of its depth is.

    Raises:
        BagError: no bag, it cannot be read, or it lacks a topic.
        ScanError: the same of a scan; a folder of prepared scans without a test split.
    """
    path = Path(path)
    if is_prepared_scan(path):
        _check_no_unit(path, depth_unit_m, "prepared data is in millimeters")
        return PreparedSource(path)
    if is_prepared_data(path):
        scans_of_test_split(path)  # says why it could not be expanded
    if is_scan(path) and (not path.is_dir() or has_redwood_names(path)):
        return ScanSource(path, registered, depth_unit_m)
    if layout := open_layout(path, registered):
        _check_no_unit(path, depth_unit_m, "its layout says the unit")
        return layout
    if is_scan(path):
        return ScanSource(path, registered, depth_unit_m)  # says what it lacks
    return BagSource(
        path,
        color=color_topic,
        depth=depth_topic,
        camera_info=camera_info_topic,
        predicted=predicted_topic,
        may_lack_depth=may_lack_depth,
        registered=registered,
        depth_unit_m=depth_unit_m,
    )


def _check_no_unit(path: Path, depth_unit_m: float | None, why: str) -> None:
    if depth_unit_m is not None:
        raise ScanError(f"{path} takes no --depth-unit: {why}")


def expanded(paths: Sequence[Path]) -> list[Path]:
    """Each folder of prepared scans replaced by its test scans, each zip of several scans by these.

    One that has none or cannot be read stays, to fail by itself.
    """
    result: list[Path] = []
    for path in paths:
        try:
            if is_prepared_data(path):
                result += scans_of_test_split(path)
            else:
                result += scans_in_zip(path) if path.suffix.lower() == ".zip" and path.is_file() else [path]
        except ScanError:
            result.append(path)
    return result
