"""One scan -> arrays of its frames at the size of the network: image.npy, depth.npy, scan.json."""

import errno
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from redwood_depth.errors import CameraError, RedwoodDepthError, ScanError
from redwood_depth.images.decode import area_resized
from redwood_depth.scans.redwood import MAX_GAP_US, RedwoodScan, ScanFrame, decode_color, decode_depth
from training.data.npy_writer import NpyWriter
from training.data.prepared_data import FORMAT, ScanRecord
from training.data.scan_sources import ScanSource
from training.data.whole_files import remove_leftover, whole_folder
from training.errors import PreparedDataError

PAIRINGS = ("stamp", "position")
EVALUATION_ONLY = "evaluation only"  # how `use` in info.json begins where a licence forbids training


@dataclass(frozen=True)
class PrepareSettings:
    """Size in pixels, frames a scan (0: all), and the longest gap between the stamps of a pair in microseconds.

    `pairing` "position" is the paper's first mistake, for the study: frame i of the one listing with frame i of the
    other, whatever their stamps.
    """

    height: int = 96
    width: int = 128
    frames_per_scan: int = 300
    max_gap_us: int = MAX_GAP_US
    pairing: str = "stamp"


@dataclass(frozen=True)
class ScanFailure:
    """A scan that could not be prepared, and why."""

    name: str
    reason: str


def prepare_scan(source: ScanSource, data: Path, settings: PrepareSettings) -> ScanRecord | ScanFailure:
    """Write DATA/CLASS/SCAN_ID, whole or not at all; what is there already and made the same way is left as it is.

    Raises:
        PreparedDataError: it cannot be written; a scan that cannot be read is a ScanFailure instead.
    """
    cv2.setNumThreads(1)  # scans are what runs in parallel
    folder = data / source.name
    try:
        origin = {"format": FORMAT, **asdict(settings), **_source_state(source.path)}
        if record := _finished(folder / "scan.json", origin):
            remove_leftover(folder)
            return record
        with RedwoodScan.open(source.path, settings.max_gap_us) as scan:
            return _write(scan, folder, source.name, origin, settings)
    except ScanError as error:
        return ScanFailure(source.name, str(error))
    except OSError as error:
        remedy = "make room and run again; finished scans stay" if error.errno == errno.ENOSPC else "run again"
        raise PreparedDataError(f"cannot write {folder}: {error.strerror}; {remedy}") from error


def pairing_of(folder: Path) -> str:
    """How the frames of a prepared scan's folder were paired, one of PAIRINGS.

    Raises:
        PreparedDataError: its scan.json is missing or damaged.
    """
    try:
        return str(json.loads((folder / "scan.json").read_text("utf-8"))["origin"].get("pairing", "stamp"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PreparedDataError(f"{folder / 'scan.json'} cannot be read ({error}); prepare it again") from error


def by_position(scan: RedwoodScan) -> list[ScanFrame]:
    """Pairs of the sorted listings, index by index, as the paper's code has it: wrong after the first lost frame."""
    return [
        ScanFrame(color, depth, color_us, depth_us)
        for (color_us, color), (depth_us, depth) in zip(scan.colors, scan.depths, strict=False)
    ]


def spread_in_time(frames: Sequence[ScanFrame], count: int) -> list[ScanFrame]:
    """`count` different frames (0: all) as evenly spread in time as the stamps allow, first and last among them."""
    if not count or count >= len(frames):
        return list(frames)
    stamps = np.array([frame.color_stamp_us for frame in frames], np.float64)
    wanted = np.linspace(stamps[0], stamps[-1], count) if count > 1 else stamps[[0, -1]].mean(keepdims=True)
    chosen: list[int] = []
    for i, time_us in enumerate(wanted):
        first = chosen[-1] + 1 if chosen else 0
        last = len(frames) - (count - i)  # so that enough are left for the rest
        chosen.append(first + int(np.abs(stamps[first : last + 1] - time_us).argmin()))
    return [frames[i] for i in chosen]


def resize_color(color: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """(H, W, 3) -> (height, width, 3) by area, exactly as the robot's estimator resizes; always a copy."""
    resized = area_resized(color, height, width)
    return resized.copy() if resized is color else resized


def resize_depth(depth: npt.NDArray[np.uint16], height: int, width: int) -> npt.NDArray[np.uint16]:
    """(H, W) -> (height, width): the measurement at each new pixel's centre, never a mean over edges or holes."""
    return np.asarray(cv2.resize(depth, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint16)


def _write(scan: RedwoodScan, folder: Path, name: str, origin: dict[str, Any], settings: PrepareSettings) -> ScanRecord:
    paired = scan.frames if settings.pairing == "stamp" else by_position(scan)
    frames = spread_in_time(paired, settings.frames_per_scan)
    with whole_folder(folder) as partial:
        kept, corrupt = _write_arrays(scan, frames, partial, settings)
        if not kept:
            raise ScanError(f"none of {len(frames)} frames can be used; the first: {corrupt[0]}")
        record = ScanRecord(
            name=name,
            intrinsics=scan.intrinsics.scaled(settings.height, settings.width),
            color_stamps_us=[frame.color_stamp_us for frame in kept],
            depth_stamps_us=[frame.depth_stamp_us for frame in kept],
            sampled=len(frames),
            unpaired_color=len(scan.colors) - len(paired),
            unpaired_depth=len(scan.depths) - len(paired),
            corrupt=corrupt,
            evaluation_only=str(scan.info.get("use", "")).startswith(EVALUATION_ONLY),
        )
        (partial / "scan.json").write_text(json.dumps({"origin": origin, "record": record.to_json()}), "utf-8")
    return record


def _write_arrays(
    scan: RedwoodScan, frames: Sequence[ScanFrame], folder: Path, settings: PrepareSettings
) -> tuple[list[ScanFrame], list[str]]:
    """The frames that were written, and a line for each that cannot be used."""
    kept, corrupt = [], []
    size = (settings.height, settings.width)
    with (
        NpyWriter(folder / "image.npy", (*size, 3), np.uint8) as images,
        NpyWriter(folder / "depth.npy", size, np.uint16) as depths,
    ):
        for frame in frames:
            try:
                color, depth = _read(scan, frame)
            except RedwoodDepthError as error:
                corrupt.append(f"{frame.color}, {frame.depth}: {error}")
                continue
            images.append(resize_color(color, *size))
            depths.append(resize_depth(depth, *size))
            kept.append(frame)
    return kept, corrupt


def _read(scan: RedwoodScan, frame: ScanFrame) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    """A frame's two images at their own sizes, which may differ as long as both show what the camera sees.

    Colour is decoded in full: JPEG's own half-size decoding saves 8 % of a frame's time, mostly spent on depth, and is
    off by 0.3 to 0.9 grey levels on average and by 35 at worst after the resize (quarter size: 1 to 2 on average).
    """
    color, depth = decode_color(scan.color_bytes(frame)), decode_depth(scan.depth_bytes(frame))
    for shape in (color.shape, depth.shape):
        try:
            scan.intrinsics.fitted(*shape[:2])
        except CameraError as error:
            camera = f"{scan.intrinsics.width}x{scan.intrinsics.height}"
            raise ScanError(f"an image of {shape[1]}x{shape[0]} is not what a camera of {camera} sees") from error
    return color, depth


def _source_state(path: Path) -> dict[str, Any]:
    """What changes when a scan gets other files: size and times, of a zip or of the folder's parts."""
    try:
        parts = [path] if path.is_file() else [path / "rgb", path / "depth", path / "info.json"]
        states = [(part.name, part.stat()) for part in parts if part.exists()]
    except OSError as error:
        raise ScanError(f"cannot read {path}: {error.strerror}") from error
    return {"source": [[name, state.st_size, state.st_mtime_ns] for name, state in states]}


def _finished(path: Path, origin: dict[str, Any]) -> ScanRecord | None:
    """The record of a finished scan that was made from the same files in the same way."""
    try:
        data = json.loads(path.read_text("utf-8"))
        return ScanRecord.from_json(data["record"]) if data["origin"] == origin else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
