"""The layout of a Redwood scan: rgb/NNNNNNN-TTTTTTTTTTTT.jpg, depth/NNNNNNN-TTTTTTTTTTTT.png, and our info.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import ScanError
from redwood_depth.files import write_whole


@dataclass(frozen=True)
class Stamp:
    """A frame's number, counted from 1 in its own stream, and its time in microseconds."""

    number: int
    time_us: int

    @property
    def name(self) -> str:
        """The file name without its ending."""
        return f"{self.number:07d}-{self.time_us:012d}"

    @property
    def time_s(self) -> float:
        """The time in seconds."""
        return self.time_us / 1e6


def color_file(scan: Path, stamp: Stamp) -> Path:
    """Where a color frame lies."""
    return scan / "rgb" / f"{stamp.name}.jpg"


def depth_file(scan: Path, stamp: Stamp) -> Path:
    """Where a depth frame lies."""
    return scan / "depth" / f"{stamp.name}.png"


def write_color(file: Path, image_rgb: NDArray[np.uint8], quality: int) -> None:
    """Write (H, W, 3) RGB as JPEG, whole or not at all."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    write_whole(file, _encoded(".jpg", image_rgb[..., ::-1], flags))


def write_depth(file: Path, depth_mm: NDArray[np.uint16]) -> None:
    """Write (H, W) millimeters, 0 = missing, as 16-bit PNG, whole or not at all."""
    write_whole(
        file,
        _encoded(
            ".png", depth_mm, [cv2.IMWRITE_PNG_COMPRESSION, 9, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]
        ),
    )


def write_info(scan: Path, info: dict[str, Any]) -> None:
    """Write what the pictures do not say: camera, units, origin, labels."""
    write_whole(scan / "info.json", (json.dumps(info, indent=1) + "\n").encode())


def _encoded(ending: str, image: NDArray[Any], flags: list[int]) -> bytes:
    done, data = cv2.imencode(ending, np.ascontiguousarray(image), flags)
    if not done:
        raise ScanError(f"cannot encode an image of shape {image.shape} as {ending}")
    return data.tobytes()
