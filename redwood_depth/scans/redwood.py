"""RGB-D scans in the Redwood layout, a folder or a zip: color and depth paired by time stamp, zips read in place."""

import json
import math
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from redwood_depth.camera import Intrinsics
from redwood_depth.errors import ImageError, ScanError
from redwood_depth.images.compressed import decode_image
from redwood_depth.images.decode import color_from_picture
from redwood_depth.registration import View, why_unregistered
from redwood_depth.rgbd import MAX_GAP_NS, pair_stamps
from redwood_depth.scans.stamp_units import unit_of

MAX_GAP_US = MAX_GAP_NS // 1000
MAX_MEMBER_BYTES = 64 << 20
PRIMESENSE = Intrinsics(width=640, height=480, fx=525.0, fy=525.0, cx=319.5, cy=239.5)  # Redwood's own camera

_COLOR = re.compile(r"(?P<top>(?:[^/]+/)*)rgb/[0-9]+-(?P<stamp>[0-9]{1,19})\.jpe?g", re.IGNORECASE)
_DEPTH = re.compile(r"(?P<top>(?:[^/]+/)*)depth/[0-9]+-(?P<stamp>[0-9]{1,19})\.png", re.IGNORECASE)
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)  # RuntimeError: encrypted


@dataclass(frozen=True)
class ScanFrame:
    """One color image and its depth image: member names inside the scan, stamps in microseconds."""

    color: str
    depth: str
    color_stamp_us: int
    depth_stamp_us: int


class RedwoodScan:
    """An open scan; a context manager. `frames` are in order of time, `unpaired` counts color frames without depth.

    `unpaired_depth` counts depth frames without color; `colors` and `depths` list all frames of a stream as (stamp in
    microseconds, member name), ascending; `info` is what info.json says, empty where there is none; `warnings` is what
    a user must know of how it was read.
    """

    def __init__(self, path: Path, members: "_Folder | _Zip", max_gap_us: int, top: str | None = None) -> None:
        self._members = members
        self.name = path.stem if path.suffix.lower() == ".zip" else path.resolve().name
        names = members.names()
        color_tops, depth_tops = _stamped(names, _COLOR), _stamped(names, _DEPTH)
        others = sorted(color_tops.keys() & depth_tops.keys())
        top = _largest(color_tops) if top is None else top
        colors, depths = color_tops.get(top, []), depth_tops.get(top, [])
        if not colors:
            raise ScanError(f"{path} is not a Redwood scan: it has no rgb/NNNNNNN-TTTTTTTTTTTT.jpg")
        if not depths:
            raise ScanError(f"{path} is not a Redwood scan: it has no depth/NNNNNNN-TTTTTTTTTTTT.png beside rgb/")
        unit, said = unit_of([stamp for stamp, _ in colors])
        colors, depths = ([(unit.us(stamp), name) for stamp, name in stream] for stream in (colors, depths))
        self.warnings = [said] if said else []
        if len(others) > 1:
            self.warnings.append(f"one of {len(others)} scans in its zip: {', '.join(other[:-1] for other in others)}")
        pairs = pair_stamps([stamp for stamp, _ in colors], [stamp for stamp, _ in depths], max_gap_us)
        if not pairs:
            raise ScanError(
                f"{path}: none of {len(colors)} color frames has a depth frame within {max_gap_us / 1000:g} ms"
            )
        self.colors, self.depths = colors, depths
        self.frames = [ScanFrame(colors[i][1], depths[j][1], colors[i][0], depths[j][0]) for i, j in pairs]
        self.unpaired = len(colors) - len(pairs)
        self.unpaired_depth = len(depths) - len(pairs)
        info = f"{top}info.json"
        self.info = _read_info(f"{path}/{info}", members.read(info)) if info in names else {}
        self.intrinsics = _read_intrinsics(f"{path}/{info}", self.info) if info in names else PRIMESENSE

    @classmethod
    def open(cls, path: Path | str, max_gap_us: int = MAX_GAP_US) -> "RedwoodScan":
        """Open a scan folder or .zip.

        Raises:
            ScanError: no such scan, not in the Redwood layout, no pair within `max_gap_us`, a corrupt zip or info.json.
        """
        path = Path(path).expanduser()
        if path.is_dir():
            return cls(path, _Folder(path), max_gap_us)
        archive = zip_of(path)
        if archive is None:
            raise ScanError(f"no scan at {path}")
        members = _Zip(archive)
        try:
            inside = path.relative_to(archive).as_posix()
            return cls(path, members, max_gap_us, None if archive == path else f"{inside}/")
        except ScanError:
            members.close()
            raise

    def color_bytes(self, frame: ScanFrame) -> bytes:
        """The encoded color image (JPEG). Raises ScanError where it cannot be read."""
        return self._members.read(frame.color)

    def depth_bytes(self, frame: ScanFrame) -> bytes:
        """The encoded depth image (16-bit PNG, mm). Raises ScanError where it cannot be read."""
        return self._members.read(frame.depth)

    def close(self) -> None:
        self._members.close()

    def __enter__(self) -> "RedwoodScan":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def decode_color(data: bytes) -> npt.NDArray[np.uint8]:
    """Color image (H, W, 3) uint8 RGB from encoded bytes, as stored. Raises ScanError where they are not an image."""
    try:
        return color_from_picture("", np.frombuffer(data, np.uint8)).rgb()
    except ImageError as error:
        raise ScanError(f"a color image of the scan cannot be read: {error}") from error


def decode_depth(data: bytes) -> npt.NDArray[np.uint16]:
    """Depth image (H, W) uint16 mm, 0 = missing, from PNG bytes. Raises ScanError where they are not a 16-bit image."""
    try:
        image = decode_image(np.frombuffer(data, np.uint8))
    except ImageError as error:
        raise ScanError(f"a depth image of the scan cannot be read: {error}") from error
    if image.dtype != np.uint16 or image.ndim != 2:
        raise ScanError(f"a depth image of the scan must be 16-bit with one channel, not {image.dtype} {image.shape}")
    depth: npt.NDArray[np.uint16] = image
    return depth


def check_registered(path: str, color: tuple[int, ...], depth: tuple[int, ...]) -> None:
    """Raises ScanError where images of these shapes cannot be one view, with the sizes of both."""
    views = View("the color image", size=(color[0], color[1])), View("the depth image", size=(depth[0], depth[1]))
    if why := why_unregistered(*views):
        raise ScanError(
            f"{path}: depth is not of the color image: {why}; register it (Open3D, or the camera's own tool), or crop "
            "both to one view; evaluate_bag --registered takes it as it is"
        )


class _Folder:
    """The members of a scan that lies as files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        try:
            return [
                path.relative_to(self._folder).as_posix()
                for pattern in ("rgb/*", "depth/*", "info.json")
                for path in self._folder.glob(pattern)
            ]
        except OSError as error:
            raise ScanError(f"cannot list {self._folder}: {error.strerror}") from error

    def read(self, name: str) -> bytes:
        path = self._folder / name
        try:
            _check_size(str(path), path.stat().st_size)
            return path.read_bytes()
        except OSError as error:
            raise ScanError(f"cannot read {path}: {error.strerror}") from error

    def close(self) -> None:
        """Nothing is held open."""


class _Zip:
    """The members of a zipped scan; never extracted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (*_ZIP_ERRORS, OSError, ValueError) as error:
            raise ScanError(f"{path} is not a zip that can be read: {error}") from error

    def names(self) -> list[str]:
        return self._zip.namelist()

    def read(self, name: str) -> bytes:
        try:
            _check_size(f"{self._path}/{name}", self._zip.getinfo(name).file_size)
            return self._zip.read(name)
        except (*_ZIP_ERRORS, OSError, ValueError, KeyError) as error:
            raise ScanError(f"cannot read {name} in {self._path}: {error}") from error

    def close(self) -> None:
        self._zip.close()


def _check_size(name: str, size: int) -> None:
    if size > MAX_MEMBER_BYTES:
        raise ScanError(f"{name} has {size >> 20} MB; a scan's files have at most {MAX_MEMBER_BYTES >> 20} MB")


def zip_of(path: Path) -> Path | None:
    """The file that `path` is or, as in class.zip/00001, lies in; None: there is none."""
    return next((file for file in (path, *path.parents) if file.is_file()), None)


def scans_in_zip(path: Path) -> list[Path]:
    """class.zip/00001 and so on where a zip holds several scans, itself where it holds one or none.

    Raises:
        ScanError: not a zip that can be read.
    """
    members = _Zip(path)
    try:
        names = members.names()
    finally:
        members.close()
    tops = sorted(_stamped(names, _COLOR).keys() & _stamped(names, _DEPTH).keys())
    return [path / top for top in tops] if len(tops) > 1 else [path]


def has_redwood_names(path: Path) -> bool:
    """Whether a folder's images are called NNNNNNN-TTTTTTTTTTTT."""
    folder = path / "rgb"
    return folder.is_dir() and any(_COLOR.fullmatch(f"rgb/{file.name}") for file in folder.iterdir())


def _stamped(names: Sequence[str], pattern: re.Pattern[str]) -> dict[str, list[tuple[int, str]]]:
    """By top folder ("" or "scan/"), its (stamp, name) members, ascending."""
    tops: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        if match := pattern.fullmatch(name):
            tops.setdefault(match["top"], []).append((int(match["stamp"]), name))
    return {top: sorted(members) for top, members in tops.items()}


def _largest(tops: dict[str, list[tuple[int, str]]]) -> str:
    return max(tops, key=lambda top: len(tops[top]), default="")


def _read_info(name: str, data: bytes) -> dict[str, Any]:
    try:
        info = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ScanError(f"{name} is not a camera description: {error}") from error
    if not isinstance(info, dict):
        raise ScanError(f"{name} is not a camera description: it holds no JSON object")
    return info


def _read_intrinsics(name: str, info: dict[str, Any]) -> Intrinsics:
    try:
        camera = Intrinsics(
            width=int(info["width"]),
            height=int(info["height"]),
            fx=float(info["fx"]),
            fy=float(info["fy"]),
            cx=float(info["cx"]),
            cy=float(info["cy"]),
        )
    except KeyError as error:
        raise ScanError(f"{name} lacks {error}") from error
    except (ValueError, TypeError, OverflowError) as error:
        raise ScanError(f"{name} is not a camera description: {error}") from error
    finite = all(map(math.isfinite, (camera.fx, camera.fy, camera.cx, camera.cy)))
    if not finite or min(camera.width, camera.height) < 1 or min(camera.fx, camera.fy) <= 0:
        raise ScanError(f"{name} describes an impossible camera: {camera}")
    return camera
