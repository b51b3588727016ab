"""Small Redwood scans for tests: members by name, written as a folder or a zip."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

PERIOD_US = 33_333
SIZE = (48, 64)  # (height, width)


def png(depth: np.ndarray) -> bytes:
    return cv2.imencode(".png", depth)[1].tobytes()


def jpeg(color_bgr: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", color_bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def flat_pair(level: int, size: tuple[int, int] = SIZE) -> tuple[bytes, bytes]:
    """Color of one gray level and depth of ten times as many millimeters, so that partners know each other."""
    return jpeg(np.full((*size, 3), level, np.uint8)), png(np.full(size, 10 * level, np.uint16))


def info(size: tuple[int, int] = SIZE, **extra: object) -> bytes:
    height, width = size
    camera = {"width": width, "height": height, "fx": width, "fy": width, "cx": width / 2, "cy": height / 2}
    return json.dumps(camera | extra).encode()


def scan_members(
    frames: int = 6,
    depth_lost: Sequence[int] = (),
    depth_late_us: int = 4_000,
    size: tuple[int, int] = SIZE,
    **extra: object,
) -> dict[str, bytes]:
    """A scan whose frame i has the gray level 20 + i and 10 times as many millimeters; some depth frames are lost."""
    files = {"info.json": info(size, **extra)}
    kept = [i for i in range(frames) if i not in depth_lost]
    for i in range(frames):
        files[f"rgb/{i + 1:07d}-{i * PERIOD_US:012d}.jpg"] = flat_pair(20 + i, size)[0]
    for number, i in enumerate(kept):
        files[f"depth/{number + 1:07d}-{i * PERIOD_US + depth_late_us:012d}.png"] = flat_pair(20 + i, size)[1]
    return files


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zip_bytes(files))
    return path
