"""Color and depth images that lie as files, paired in a list: the FrameSource that all layouts share."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from redwood_depth.camera import Intrinsics
from redwood_depth.errors import CameraError, ImageError, ScanError
from redwood_depth.images.compressed import decode_image
from redwood_depth.images.decode import color_from_picture
from redwood_depth.images.sixteen_bits import SixteenBits
from redwood_depth.rgbd import RgbdFrame, Skipped
from redwood_depth.scans.redwood import check_registered

NUMBERED_RATE_HZ = 30  # of frames that have numbers and no stamps
_NUMBER = re.compile(r"\d+")
_PICTURES = (".png", ".jpg", ".jpeg", ".ppm", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".pgm")
_MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class DepthValues:
    """What a depth image's 16-bit values mean: so many a meter, 0 and `invalid` none, perhaps with rotated bits."""

    per_m: float = 1000.0
    invalid: int = 0
    bits_rotated: bool = False

    def meters(self, values: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Depth float32 in meters, NaN where there is none."""
        if self.bits_rotated:
            values = ((values >> 3) | (values << 13)).astype(np.uint16)
        depth_m = values.astype(np.float32) / np.float32(self.per_m)
        depth_m[(values == 0) | (values == self.invalid)] = np.nan
        return depth_m


@dataclass(frozen=True)
class ListedFrame:
    """A color image's file, its depth image's, and when both were taken."""

    color: Path
    depth: Path
    color_stamp_ns: int
    depth_stamp_ns: int


class ListedSource:
    """The FrameSource of `frames`; `values` is what depth means, `intrinsics` the color camera's or None.

    `registered` says that depth is of the color image, whatever their sizes.

    Raises:
        ScanError: there are no frames.
    """

    damage: str | None = None
    lacks_depth: str | None = None
    registered = False

    def __init__(
        self,
        path: Path,
        frames: Sequence[ListedFrame],
        values: DepthValues,
        intrinsics: Intrinsics | None,
        *,
        skipped: Skipped | None = None,
        warnings: Iterable[str] = (),
        calibration: str | None = None,
    ) -> None:
        if not frames:
            raise ScanError(f"{path}: none of its color images has a depth image")
        self.path = path
        self.expected = len(frames)
        self.skipped = skipped or Skipped()
        self._frames, self._values, self._intrinsics = frames, values, intrinsics
        self._said, self._calibration = list(warnings), calibration
        self._sixteen_bits = SixteenBits()

    @property
    def taken(self) -> Mapping[str, str | None]:
        first = self._frames[0]
        return {
            "color": _folder_of(first.color, self.path),
            "depth": _folder_of(first.depth, self.path),
            "camera_info": self._calibration,
        }

    @property
    def warnings(self) -> Sequence[str]:
        note = self._sixteen_bits.note
        return [*self._said, *([note] if note else [])]

    def __iter__(self) -> Iterator[RgbdFrame]:
        for frame in self._frames:
            try:
                color = color_from_picture("", file_bytes(frame.color), self._sixteen_bits)
                depth_m = self._values.meters(_depth(frame.depth))
            except (OSError, ImageError) as error:
                self.skipped.count_corrupt(error)
                continue
            if not self.registered:
                check_registered(str(self.path), color.size, depth_m.shape)
            yield RgbdFrame(color, depth_m, self._fitted(color.size), frame.color_stamp_ns, frame.depth_stamp_ns)

    def _fitted(self, size: tuple[int, int]) -> Intrinsics | None:
        if self._intrinsics is None:
            return None
        try:
            return self._intrinsics.fitted(*size)
        except CameraError as error:
            if str(error) not in self._said:
                self._said.append(str(error))
            return None

    def __enter__(self) -> "ListedSource":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing is held open."""


def pictures(folder: Path, ending: str = "") -> list[Path]:
    """The images in a folder whose names without suffix end in `ending`, sorted. Raises ScanError."""
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in _PICTURES and path.stem.endswith(ending)]
    except OSError as error:
        raise ScanError(f"cannot list {folder}: {error.strerror}") from error
    return sorted(found)


def by_number(colors: Sequence[Path], depths: Sequence[Path]) -> tuple[list[ListedFrame], Skipped]:
    """Images of the same number, the last in their names, or of the same name where one has none; in that order."""
    of_depth = {_key(path): path for path in depths}
    of_color = {_key(path): path for path in colors}
    common = sorted(of_depth.keys() & of_color.keys())
    frames = []
    for index, key in enumerate(common):
        at_ns = (key[0] if key[0] >= 0 else index) * 1_000_000_000 // NUMBERED_RATE_HZ
        frames.append(ListedFrame(of_color[key], of_depth[key], at_ns, at_ns))
    return frames, Skipped(len(colors) - len(common), len(depths) - len(common))


def _key(path: Path) -> tuple[int, str]:
    numbers = _NUMBER.findall(path.stem)
    return (int(numbers[-1][-15:]), "") if numbers else (-1, path.stem)


def _folder_of(file: Path, path: Path) -> str:
    return f"{file.parent.relative_to(path).as_posix()}/" if file.is_relative_to(path) else str(file.parent)


def _depth(path: Path) -> NDArray[np.uint16]:
    pixels = decode_image(file_bytes(path))
    if pixels.ndim != 2 or pixels.dtype != np.uint16:
        raise ImageError(f"{path} must be one channel of 16 bits, not {pixels.dtype} {pixels.shape}")
    return pixels


def file_bytes(path: Path) -> NDArray[np.uint8]:
    """An image file's bytes. Raises OSError, and ImageError where it is too large for one."""
    if path.stat().st_size > _MAX_BYTES:
        raise ImageError(f"{path} has {path.stat().st_size >> 20} MB; an image has at most {_MAX_BYTES >> 20} MB")
    return np.frombuffer(path.read_bytes(), np.uint8)
