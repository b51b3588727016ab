"""One scan -> arrays of its frames at the size of the network: image.npy, depth.npy, scan.json."""

import errno
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from redwood_depth.bags.bag_source import is_bag
from redwood_depth.errors import BagError, ScanError
from redwood_depth.images.decode import area_resized
from redwood_depth.scans.layouts.table import is_layout
from redwood_depth.scans.redwood import MAX_GAP_US, zip_of
from training.data.npy_writer import NpyWriter
from training.data.prepared_data import FORMAT, ScanRecord
from training.data.recording_frames import RecordingFrames, ScanFrames, SourceFrames
from training.data.scan_sources import ScanSource
from training.data.whole_files import remove_leftover, whole_folder
from training.errors import PreparedDataError

PAIRINGS = ("stamp", "position")


@dataclass(frozen=True)
class PrepareSettings:
    """Size in pixels, frames a scan (0: all), and the longest gap between the stamps of a pair in microseconds.

    `pairing` "position" is the paper's first mistake, for the study: frame i of the one listing with frame i of the
    other, whatever their stamps. `depth_unit_m` is how many meters a unit of depth is; None: as the recording says,
    else a millimeter.
    """

    height: int = 96
    width: int = 128
    frames_per_scan: int = 300
    max_gap_us: int = MAX_GAP_US
    pairing: str = "stamp"
    depth_unit_m: float | None = None


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
        origin = {"format": FORMAT, **_given(settings), **_source_state(source.path)}
        if record := _finished(folder / "scan.json", origin):
            remove_leftover(folder)
            return record
        with _open(source.path, settings) as recording:
            return _write(recording, folder, source.name, origin, settings)
    except (ScanError, BagError) as error:
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


def resize_color(color: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """(H, W, 3) -> (height, width, 3) by area, exactly as the robot's estimator resizes; always a copy."""
    resized = area_resized(color, height, width)
    return resized.copy() if resized is color else resized


def resize_depth(depth: npt.NDArray[np.uint16], height: int, width: int) -> npt.NDArray[np.uint16]:
    """(H, W) -> (height, width): the measurement at each new pixel's center, never a mean over edges or holes."""
    return np.asarray(cv2.resize(depth, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint16)


def _write(
    recording: RecordingFrames, folder: Path, name: str, origin: dict[str, Any], settings: PrepareSettings
) -> ScanRecord:
    with whole_folder(folder) as partial:
        kept = _write_arrays(recording, partial, settings)
        if not kept:
            why = recording.corrupt[0] if recording.corrupt else "it has none"
            raise ScanError(f"none of {recording.sampled} frames can be used; the first: {why}")
        record = ScanRecord(
            name=name,
            intrinsics=recording.intrinsics.scaled(settings.height, settings.width),
            color_stamps_us=[color_us for color_us, _ in kept],
            depth_stamps_us=[depth_us for _, depth_us in kept],
            sampled=recording.sampled,
            unpaired_color=recording.unpaired_color,
            unpaired_depth=recording.unpaired_depth,
            corrupt=recording.corrupt,
            evaluation_only=recording.evaluation_only,
            notes=recording.notes,
        )
        (partial / "scan.json").write_text(json.dumps({"origin": origin, "record": record.to_json()}), "utf-8")
    return record


def _write_arrays(recording: RecordingFrames, folder: Path, settings: PrepareSettings) -> list[tuple[int, int]]:
    """Stamps of color and depth of the frames that were written, in microseconds."""
    kept, size = [], (settings.height, settings.width)
    with (
        NpyWriter(folder / "image.npy", (*size, 3), np.uint8) as images,
        NpyWriter(folder / "depth.npy", size, np.uint16) as depths,
    ):
        for frame in recording.frames():
            images.append(resize_color(frame.color, *size))
            depths.append(resize_depth(frame.depth, *size))
            kept.append((frame.color_stamp_us, frame.depth_stamp_us))
    return kept


def _open(path: Path, settings: PrepareSettings) -> RecordingFrames:
    by_position = settings.pairing == "position"
    if not _is_other(path):
        return ScanFrames(path, settings.frames_per_scan, settings.max_gap_us, by_position, settings.depth_unit_m)
    if by_position:
        raise ScanError("pairing by position is for the study of Redwood scans; all others are paired by their stamps")
    return SourceFrames(path, settings.frames_per_scan, settings.depth_unit_m)


def _given(settings: PrepareSettings) -> dict[str, Any]:
    """Without what was not asked for: data of before that could be asked stays what it is."""
    return {name: value for name, value in asdict(settings).items() if value is not None}


def _is_other(path: Path) -> bool:
    """Whether a recording is not a Redwood scan."""
    return is_bag(path) or is_layout(path)


def _source_state(path: Path) -> dict[str, Any]:
    """What changes when a recording gets other files: size and times, of a file or of the folder's parts."""
    try:
        parts = [path / "rgb", path / "depth", path / "info.json"] if not _is_other(path) else sorted(path.glob("*"))
        file = zip_of(path)
        parts = [file] if file else parts
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
