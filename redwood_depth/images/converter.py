"""Bayer and YUV to RGB: cv_bridge where it is installed, rosbags-image elsewhere; one function, same result.

Both get a packed 8-bit image: cv_bridge miscounts padded rows of several channels and fails on foreign byte orders
under NumPy 2, rosbags-image knows no padding, and the two round 16 bits to 8 differently.
"""

import importlib
import importlib.util
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import ImageError


@lru_cache(maxsize=1)
def converter_name() -> str:
    """Which library converts: "cv_bridge", "rosbags-image", or "none"."""
    for package, module, name in (("cv_bridge",) * 3, ("rosbags", "rosbags.image", "rosbags-image")):
        if importlib.util.find_spec(package) and importlib.util.find_spec(module):
            return name
    return "none"


def convert_to_rgb(pixels: NDArray[np.uint8], encoding: str) -> NDArray[np.uint8]:
    """RGB uint8 (H, W, 3) of packed uint8 `pixels` (H, W) or (H, W, 2) in a ROS Bayer or YUV 4:2:2 `encoding`.

    Raises:
        ImageError: the library refuses the image, or neither library is installed.
    """
    name = converter_name()
    height, width = pixels.shape[:2]
    image = SimpleNamespace(
        encoding=encoding, height=height, width=width, step=pixels.strides[0], is_bigendian=0, data=pixels
    )
    try:
        if name == "cv_bridge":
            rgb: NDArray[np.uint8] = _cv_bridge().imgmsg_to_cv2(image, "rgb8")
        elif name == "rosbags-image":
            rgb = _rosbags_image().message_to_cvimage(image, "rgb8")
        else:
            raise ImageError(f"{encoding} needs cv_bridge (ROS) or rosbags-image (pip) to become rgb8")
    except (cv2.error, ImportError, RuntimeError, TypeError, ValueError, _library_error()) as error:
        raise ImageError(f"{name} cannot convert {encoding} to rgb8: {' '.join(str(error).split())}") from error
    return rgb


@lru_cache(maxsize=1)
def _cv_bridge() -> Any:
    from cv_bridge import CvBridge

    return CvBridge()


@lru_cache(maxsize=1)
def _rosbags_image() -> Any:
    from rosbags import image

    return image


@lru_cache(maxsize=1)
def _library_error() -> type[Exception]:
    module = importlib.import_module("cv_bridge" if converter_name() == "cv_bridge" else "rosbags.image.image")
    error: type[Exception] = module.CvBridgeError if converter_name() == "cv_bridge" else module.ImageError
    return error
