"""A Redwood scan as a source of RGB-D frames."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

from redwood_depth.camera import Intrinsics
from redwood_depth.errors import CameraError, ImageError, ScanError
from redwood_depth.images.decode import ColorImage, depth_in_meters
from redwood_depth.rgbd import RgbdFrame, Skipped
from redwood_depth.scans.redwood import RedwoodScan, check_registered, decode_color, decode_depth

US = 1000  # nanoseconds


def is_scan(path: Path) -> bool:
    """Whether `path` is a zip or lies in one, or a folder with rgb/ and depth/: no bag has either."""
    if any(part.suffix.lower() == ".zip" and part.is_file() for part in path.parents):
        return True
    return path.suffix.lower() == ".zip" or ((path / "rgb").is_dir() and (path / "depth").is_dir())


class ScanSource:
    """The FrameSource of a scan, a folder or a zip. Raises ScanError where nothing of it can be read."""

    damage: str | None = None
    lacks_depth: str | None = None

    def __init__(self, path: Path, registered: bool = False, depth_unit_m: float | None = None) -> None:
        """`registered`: depth is of the color image, whatever their sizes; `depth_unit_m`: of the PNGs, None: 0.001."""
        self.path = path
        self._registered = registered
        self._depth_factor = np.float32(1.0 if depth_unit_m is None else depth_unit_m * 1000.0)
        self._scan = RedwoodScan.open(path)
        self.expected = len(self._scan.frames)
        self.skipped = Skipped(self._scan.unpaired, self._scan.unpaired_depth)
        self.warnings = list(self._scan.warnings)

    @property
    def taken(self) -> Mapping[str, str | None]:
        return {"color": "rgb/", "depth": "depth/", "camera_info": "info.json" if self._scan.info else None}

    def __iter__(self) -> Iterator[RgbdFrame]:
        for frame in self._scan.frames:
            try:
                color = decode_color(self._scan.color_bytes(frame))
                depth_m = depth_in_meters(decode_depth(self._scan.depth_bytes(frame))) * self._depth_factor
            except (ScanError, ImageError) as error:
                self.skipped.count_corrupt(error)
                continue
            if not self._registered:
                check_registered(str(self.path), color.shape, depth_m.shape)
            intrinsics = self._fitted(*color.shape[:2])
            stamps_ns = frame.color_stamp_us * US, frame.depth_stamp_us * US
            yield RgbdFrame(ColorImage(color), depth_m, intrinsics, *stamps_ns)

    def __enter__(self) -> "ScanSource":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._scan.close()

    def _fitted(self, height: int, width: int) -> Intrinsics | None:
        """The camera at the images' size, None where it is another's; what is assumed of it is said once."""
        camera, size = self._scan.intrinsics, f"{width}x{height}"
        try:
            fitted = camera.fitted(height, width)
        except CameraError:
            whose = (
                "info.json describes" if self._scan.info else "there is no info.json, and Redwood's PrimeSense gives"
            )
            self._say(
                f"depth is not corrected for the focal length: {whose} {camera.width}x{camera.height}, not {size}"
            )
            return None
        if not self._scan.info and width > camera.width:
            self._say(f"no info.json: the PrimeSense's focal length is assumed for {size}, {fitted.fx:.0f} px")
        return fitted

    def _say(self, words: str) -> None:
        if words not in self.warnings:
            self.warnings.append(words)
