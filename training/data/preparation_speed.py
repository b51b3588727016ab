"""How fast a core prepares scans, beside decoding alone: python -m training.data.preparation_speed SCAN."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from redwood_depth.bundle import NO_CLASS
from redwood_depth.scans.redwood import RedwoodScan, decode_color, decode_depth
from training.data.scan_preparation import PrepareSettings, ScanFailure, prepare_scan
from training.data.scan_sources import ScanSource
from training.errors import PreparedDataError

ROUNDS = 3


def measure(scan_path: Path, settings: PrepareSettings) -> dict[str, float]:
    """Frames a second on one core, the best of three rounds: `prepare` with reading and writing, `decode` alone.

    Raises:
        PreparedDataError: the scan cannot be prepared.
        ScanError: it cannot be read.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with RedwoodScan.open(scan_path) as scan:
            encoded = [(scan.color_bytes(frame), scan.depth_bytes(frame)) for frame in scan.frames]
        decode_s = _best_s(lambda: [(decode_color(color), decode_depth(depth)) for color, depth in encoded])
        prepare_s = _best_s(lambda: _prepare(scan_path, settings))
    finally:
        cv2.setNumThreads(threads)
    count = len(encoded)
    return {"frames": count, "prepare_frames_per_s": count / prepare_s, "decode_frames_per_s": count / decode_s}


def _prepare(scan_path: Path, settings: PrepareSettings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        result = prepare_scan(ScanSource(scan_path, NO_CLASS, "scan"), Path(folder), settings)
    if isinstance(result, ScanFailure):
        raise PreparedDataError(f"{scan_path}: {result.reason}")


def _best_s(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start_s = time.perf_counter()
        work()
        times.append(time.perf_counter() - start_s)
    return min(times)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name, json.dumps(measure(Path(name), PrepareSettings(frames_per_scan=0))))
