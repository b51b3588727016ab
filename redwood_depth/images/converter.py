"""Bayer and YUV to RGB: by cv_bridge where it is installed, by OpenCV's own codes elsewhere, to the same bits.

cv_bridge gets a packed 8-bit image: it miscounts padded rows of several channels, fails on foreign byte orders under
NumPy 2, and rounds 16 bits to 8 in a way of its own.
"""

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import ImageError
from redwood_depth.images.encodings import Encoding

# A cv_bridge whose compiled part does not fit the installed NumPy is found out by its first conversion.
_FAILURES = (cv2.error, ImportError, AttributeError, RuntimeError, TypeError, ValueError)


def convert_to_rgb(pixels: NDArray[np.uint8], encoding: Encoding) -> NDArray[np.uint8]:
    """RGB uint8 (H, W, 3) of contiguous uint8 `pixels` in an `encoding` whose pixels share their neighbors' values.

    `pixels` is (H, W) of a mosaic, (H, W, 2) of YUV 4:2:2; of nv12, nv21 and nv24 brightness with the rows of chroma
    below it.

    Raises:
        ImageError: sizes that the encoding cannot have.
    """
    bridge = _cv_bridge() if encoding.bridge_name else None
    try:
        if bridge is not None:
            return _bridged(bridge, pixels, str(encoding.bridge_name))
        if encoding.chroma_rows == 2.0:
            pixels = _as_yuy2(pixels)
        rgb = np.asarray(cv2.cvtColor(pixels, encoding.to_rgb or 0), np.uint8)
        return rgb[:, ::2] if encoding.chroma_rows == 2.0 else rgb
    except _FAILURES as error:
        raise ImageError(f"{converter_name()} cannot convert to rgb8: {' '.join(str(error).split())}") from error


def converter_name() -> str:
    """Which library converts Bayer and YUV 4:2:2 here: "cv_bridge" or "OpenCV"."""
    return "OpenCV" if _cv_bridge() is None else "cv_bridge"


@lru_cache(maxsize=1)
def _cv_bridge() -> Any:
    """A CvBridge that works, None where there is none."""
    try:
        from cv_bridge import CvBridge

        bridge = CvBridge()
        _bridged(bridge, np.zeros((4, 4), np.uint8), "bayer_rggb8")
    except _FAILURES:
        return None
    return bridge


def _bridged(bridge: Any, pixels: NDArray[np.uint8], encoding: str) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    step = pixels.strides[0]
    image = SimpleNamespace(encoding=encoding, height=height, width=width, step=step, is_bigendian=0, data=pixels)
    return np.asarray(bridge.imgmsg_to_cv2(image, "rgb8"), np.uint8)


def _as_yuy2(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """YUY2 (H, 2 W, 2) of nv24 planes (3 H, W): each pixel twice, so that none shares its color with a neighbor."""
    height, width = planes.shape[0] // 3, planes.shape[1]
    pairs = np.empty((height, 2 * width, 2), np.uint8)
    pairs[:, :, 0] = np.repeat(planes[:height], 2, axis=1)
    pairs[:, :, 1] = planes[height:].reshape(height, 2 * width)
    return pairs
