"""Scans that `python -m training prepare` made smaller, as sources of RGB-D frames.

A folder of such data holds index.json, splits.json and CLASS/SCAN_ID/{image,depth}.npy. This half of the package reads
them by itself, for it does not know the other half.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bundle import NO_CLASS
from redwood_depth.camera import Intrinsics
from redwood_depth.errors import ScanError
from redwood_depth.images.decode import ColorImage, depth_in_meters
from redwood_depth.rgbd import RgbdFrame, Skipped

SPLIT = "test"
_INDEX, _SPLITS = "index.json", "splits.json"
_FORMAT = 1


def is_prepared_data(path: Path) -> bool:
    """Whether `path` is a whole folder of prepared scans."""
    return (path / _INDEX).is_file() and (path / _SPLITS).is_file()


def is_prepared_scan(path: Path) -> bool:
    """Whether `path` is DATA/CLASS/SCAN_ID."""
    return (path / "image.npy").is_file() and (path / "depth.npy").is_file()


def scans_of_test_split(data: Path) -> list[Path]:
    """The scans of the test split of a folder of prepared scans, in order of their names.

    Raises:
        ScanError: splits.json is damaged, or has no test scan.
    """
    names = _read(data / _SPLITS).get(SPLIT)
    if not isinstance(names, list) or not names:
        raise ScanError(f"{data} has no scan in its {SPLIT} split; name single ones: {data}/CLASS/SCAN_ID")
    return [data / str(name) for name in sorted(names)]


def class_of(scan: Path, classes: Collection[str]) -> str | None:
    """The class folder of a prepared scan where it is one of `classes`, or says "none"; None: not known."""
    name = scan.resolve().parent.name
    return name if classes and name in (*classes, NO_CLASS) and is_prepared_scan(scan) else None


class PreparedSource:
    """The FrameSource of a prepared scan.

    Color and depth of a frame have the color's stamp: they were paired when they were prepared.
    """

    damage: str | None = None
    lacks_depth: str | None = None
    warnings: Sequence[str] = ()
    taken: Mapping[str, str | None] = {"color": "image.npy", "depth": "depth.npy", "camera_info": _INDEX}

    def __init__(self, path: Path) -> None:
        """Raises ScanError: the scan is not in the index, or its arrays are not what that says."""
        self.path = path
        self.skipped = Skipped()
        path = path.resolve()
        record = _record(path)
        try:
            self._camera = Intrinsics(**record["intrinsics"])
            self._stamps_us = [int(stamp) for stamp in record["color_stamps_us"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ScanError(f"{path.parents[1] / _INDEX} is damaged ({error!r}); prepare again") from error
        size = self.expected, self._camera.height, self._camera.width
        self._images = _map(path / "image.npy", (*size, 3), np.uint8)
        self._depths = _map(path / "depth.npy", size, np.uint16)

    @property
    def expected(self) -> int:
        return len(self._stamps_us)

    def __iter__(self) -> Iterator[RgbdFrame]:
        for stamp_us, image, depth in zip(self._stamps_us, self._images, self._depths, strict=True):
            stamp_ns = stamp_us * 1000
            color = ColorImage(np.ascontiguousarray(image))
            yield RgbdFrame(color, depth_in_meters(np.asarray(depth)), self._camera, stamp_ns, stamp_ns)

    def __enter__(self) -> "PreparedSource":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing is held open but memory maps."""


def _record(path: Path) -> dict[str, Any]:
    """What index.json says of a scan."""
    index_path, name = path.parents[1] / _INDEX, f"{path.parent.name}/{path.name}"
    index = _read(index_path)
    if index.get("format") != _FORMAT:
        raise ScanError(f"{index_path} is not of format {_FORMAT}; prepare it again")
    for record in index.get("scans", ()):
        if record.get("name") == name:
            return dict(record)
    raise ScanError(f"{index_path} knows no scan {name}")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ScanError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise ScanError(f"{path} is damaged: it holds no JSON object")
    return content


def _map(path: Path, shape: tuple[int, ...], dtype: type) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ScanError(f"cannot read {path}: {error}") from error
    if array.shape != shape or array.dtype != dtype:
        raise ScanError(f"{path} is {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape} as the index says")
    return array
