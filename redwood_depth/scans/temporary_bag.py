"""Redwood scans as temporary bags, so that whatever takes a bag takes a scan as well. Nothing is decoded for it."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from redwood_depth.bags.writer import BagWriter
from redwood_depth.errors import CameraError, ScanError
from redwood_depth.scans import driver_messages
from redwood_depth.scans.driver_messages import COLOR_INFO_TOPIC, COLOR_TOPIC, DEPTH_TOPIC
from redwood_depth.scans.redwood import RedwoodScan, decode_color


def is_scan(path: Path) -> bool:
    """Whether `path` is a zip, or a folder with rgb/ and depth/: no bag has either."""
    return path.suffix.lower() == ".zip" or ((path / "rgb").is_dir() and (path / "depth").is_dir())


@contextlib.contextmanager
def scan_as_bag(path: Path) -> Iterator[Path]:
    """A bag of the scan's pairs, named after the scan, there until the context ends.

    Raises:
        ScanError: no scan, or nothing in it can be read.
        BagError: the temporary folder cannot be written.
    """
    with RedwoodScan.open(path) as scan, tempfile.TemporaryDirectory(prefix="redwood_scan.") as folder:
        bag = Path(folder) / (scan.name or "scan")
        with BagWriter(bag) as writer:
            _write(scan, writer)
        yield bag


def _write(scan: RedwoodScan, writer: BagWriter) -> None:
    info_size: tuple[int, ...] | None = None
    for frame in scan.frames:
        jpeg, color_us = scan.color_bytes(frame), frame.color_stamp_us
        with contextlib.suppress(ScanError, CameraError):  # a corrupt image is counted where it is read
            if info_size is None:
                info_size = decode_color(jpeg).shape[:2]
                info = driver_messages.camera_info(scan.intrinsics.fitted(*info_size), color_us)
                writer.write_stamped(COLOR_INFO_TOPIC, info)
        writer.write_stamped(f"{COLOR_TOPIC}/compressed", driver_messages.compressed_color(jpeg, color_us))
        png = driver_messages.compressed_depth(scan.depth_bytes(frame), frame.depth_stamp_us)
        writer.write_stamped(f"{DEPTH_TOPIC}/compressedDepth", png)
