"""Image messages as a driver sends them, made of arrays."""

from types import SimpleNamespace
from typing import Any

import numpy as np


def message(pixels: np.ndarray, encoding: str, padding: int = 0, big_endian: bool = False) -> Any:
    """An Image: rows padded, values in the byte order asked for."""
    height = pixels.shape[0]
    rows = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">" if big_endian else "<")))
    rows = rows.view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    return SimpleNamespace(
        encoding=encoding,
        height=height,
        width=pixels.shape[1],
        step=rows.shape[1],
        is_bigendian=int(big_endian),
        data=rows.tobytes(),
    )


def planes(pixels: np.ndarray, encoding: str, height: int, padding: int = 0) -> Any:
    """An Image whose rows of color follow those of brightness: `height` is the image's."""
    sent = message(pixels, encoding, padding)
    sent.height = height
    return sent


def compressed(image_format: str, data: bytes) -> Any:
    """A CompressedImage."""
    return SimpleNamespace(format=image_format, data=data)
