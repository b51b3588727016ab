"""Small scans and bags that tests make for themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from redwood_depth.bags import driver_messages
from redwood_depth.bags.message_types import typestore
from redwood_depth.bags.writer import BagWriter
from redwood_depth.camera import Intrinsics

PERIOD_US = 33_333
HEIGHT, WIDTH = 24, 32
CAMERA = Intrinsics(WIDTH, HEIGHT, 26.25, 26.25, 15.5, 11.5)


def color_pixels(brightness: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), brightness, np.uint8)


def depth_pixels(depth_mm: int) -> np.ndarray:
    """Some depth everywhere but in the first column, where there is none."""
    pixels = np.full((HEIGHT, WIDTH), depth_mm, np.uint16)
    pixels[:, 0] = 0
    return pixels


def write_scan(folder: Path, frames: int = 3, depth_late_us: int = 4_000, first_us: int = 0) -> Path:
    """A scan in the Redwood layout whose depth stream lags."""
    for part in ("rgb", "depth"):
        (folder / part).mkdir(parents=True)
    for i in range(frames):
        stamp_us = first_us + i * PERIOD_US
        cv2.imwrite(str(folder / f"rgb/{i + 1:07d}-{stamp_us:012d}.jpg"), color_pixels(40 * i % 256))
        late_us = stamp_us + depth_late_us
        cv2.imwrite(str(folder / f"depth/{i + 1:07d}-{late_us:012d}.png"), depth_pixels(1000 + 100 * i))
    return folder


def rgbd_messages(
    frames: int = 3,
    depths: Sequence[np.ndarray] | None = None,
    depth_late_us: int = 4_000,
    encoding: str = "16UC1",
    camera: Intrinsics | None = CAMERA,
    brightness: int = 100,
) -> list[tuple[str, Any]]:
    """(topic, message) of an RGB-D camera, in order of stamps within each topic."""
    messages = []
    for i in range(frames):
        stamp_us = 1_000_000 + i * PERIOD_US
        depth = depths[i] if depths is not None else depth_pixels(2000)
        if camera:
            messages.append((driver_messages.COLOR_INFO_TOPIC, driver_messages.camera_info(camera, stamp_us)))
        messages.append(
            (driver_messages.COLOR_TOPIC, driver_messages.image(color_pixels(brightness), "rgb8", stamp_us))
        )
        messages.append((driver_messages.DEPTH_TOPIC, driver_messages.image(depth, encoding, stamp_us + depth_late_us)))
    return messages


def write_bag(path: Path, messages: Sequence[tuple[str, Any]]) -> Path:
    with BagWriter(path) as writer:
        for topic, message in messages:
            writer.write_stamped(topic, message)
    return path


def write_sqlite_bag(path: Path, messages: Sequence[tuple[str, Any]]) -> Path:
    return write_compressed_bag(path, messages, StoragePlugin.SQLITE3, CompressionMode.NONE)


def write_compressed_bag(
    path: Path, messages: Sequence[tuple[str, Any]], storage: StoragePlugin, mode: CompressionMode
) -> Path:
    writer = Writer(path, version=9, storage_plugin=storage)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, Any] = {}
        for topic, message in messages:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=typestore())
            stamp = message.header.stamp
            data = bytes(typestore().serialize_cdr(message, kind))
            writer.write(connections[topic], stamp.sec * 1_000_000_000 + stamp.nanosec, data)
    return path


def cut(path: Path, share: float) -> Path:
    """Cut the bag's storage file down to this share of its length."""
    (file,) = [file for file in path.iterdir() if file.suffix in (".mcap", ".db3")]
    with file.open("r+b") as storage:
        storage.truncate(int(file.stat().st_size * share))
    return file
