"""Image messages -> arrays: colour as a view that is resized before anything is copied, depth in metres.

Works on rclpy's messages and on those of `rosbags` alike, and imports no ROS itself.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import ImageError
from redwood_depth.images.compressed import check_size, decode_depth_png, decode_image
from redwood_depth.images.converter import convert_to_rgb

# Encodings that a view can show: (channels, code that turns them into RGB, None where they are RGB).
_VIEWED = {
    "rgb8": (3, None),
    "8UC3": (3, cv2.COLOR_BGR2RGB),  # OpenCV's own order, as cv_bridge takes it
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "8UC1": (1, cv2.COLOR_GRAY2RGB),
}
# 16-bit encodings, by the 8-bit one they are reduced to.
_SIXTEEN_BIT = {
    "mono16": "mono8",
    "16UC1": "mono8",
    "rgb16": "rgb8",
    "bgr16": "bgr8",
    "rgba16": "rgba8",
    "bgra16": "bgra8",
    **{f"bayer_{pattern}16": f"bayer_{pattern}8" for pattern in ("rggb", "bggr", "gbrg", "grbg")},
}
# Encodings that cv_bridge or rosbags-image turns into RGB: (channels, the name that both know).
_CONVERTED = {
    "yuv422": (2, "yuv422"),
    "uyvy": (2, "yuv422"),
    "yuv422_yuy2": (2, "yuv422_yuy2"),
    "yuyv": (2, "yuv422_yuy2"),
    **{f"bayer_{pattern}8": (1, f"bayer_{pattern}8") for pattern in ("rggb", "bggr", "gbrg", "grbg")},
}
COLOR_ENCODINGS = (*_VIEWED, *_SIXTEEN_BIT, *_CONVERTED)
# 16UC1 is millimetres, 32FC1 metres (REP 118); mono16 is how some drivers name 16UC1.
_DEPTH_TYPES = {"16UC1": "u2", "mono16": "u2", "32FC1": "f4"}
_METRES_OF_MM = np.arange(1 << 16, dtype=np.float32) * np.float32(1e-3)
_METRES_OF_MM[0] = np.nan


@dataclass(frozen=True)
class ColorImage:
    """A colour image as the camera sent it: `pixels` uint8 (H, W) or (H, W, C), and the OpenCV code to RGB."""

    pixels: NDArray[np.uint8]
    to_rgb: int | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def resized_rgb(self, height: int, width: int) -> NDArray[np.uint8]:
        """RGB (height, width, 3), contiguous: area-averaged as in training, resized before converted."""
        small: Any = area_resized(self.pixels, height, width)
        if self.to_rgb is not None:
            small = cv2.cvtColor(small, self.to_rgb)
        return np.ascontiguousarray(small)

    def rgb(self) -> NDArray[np.uint8]:
        """RGB (H, W, 3) at full size."""
        return self.resized_rgb(*self.size)


def area_resized(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """`pixels` (H, W) or (H, W, C) averaged down to `height` x `width`, in half the time that INTER_AREA alone takes.

    They are halved first as often as that leaves enough: OpenCV has a fast way for exactly two by two. The result is
    one or two grey levels off on average, and not shifted.
    """
    rows, columns = pixels.shape[:2]
    while rows >= 2 * height and columns >= 2 * width and not (rows % 2 or columns % 2):
        rows, columns = rows // 2, columns // 2
        pixels = _area(pixels, rows, columns)
    return pixels if (rows, columns) == (height, width) else _area(pixels, height, width)


def _area(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def color_from_message(message: Any) -> ColorImage:
    """ColorImage of a sensor_msgs Image or CompressedImage; where possible a view of the message's own bytes.

    Raises:
        ImageError: unknown encoding, absurd size, data shorter than height x step, undecodable data.
    """
    if hasattr(message, "format"):
        return ColorImage(decode_image(message.data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    encoding = _SIXTEEN_BIT.get(message.encoding, message.encoding)
    dtype = "u1" if encoding == message.encoding else "u2"
    if encoding in _VIEWED:
        channels, to_rgb = _VIEWED[encoding]
        return ColorImage(_eight_bit(_rows(message, channels, dtype)), to_rgb)
    if encoding in _CONVERTED:
        channels, name = _CONVERTED[encoding]
        if channels == 2 and message.width % 2:
            raise ImageError(f"{encoding} image has an odd width of {message.width}")
        return ColorImage(convert_to_rgb(np.ascontiguousarray(_eight_bit(_rows(message, channels, dtype))), name))
    raise ImageError(f"unknown colour encoding {message.encoding!r}; known: {', '.join(COLOR_ENCODINGS)}")


def _eight_bit(rows: NDArray[Any]) -> NDArray[np.uint8]:
    """uint8 as it is; uint16 scaled by 255 / 65535 and rounded, which (x + 128) // 257 is in integers."""
    if rows.dtype == np.uint8:
        return rows
    return ((rows.astype(np.uint32) + 128) // 257).astype(np.uint8)


def depth_from_message(message: Any) -> NDArray[np.float32]:
    """Depth float32 (H, W) in metres, NaN where there is none, of an Image (16UC1, 32FC1) or a compressedDepth image.

    Raises:
        ImageError: as `color_from_message`.
    """
    if hasattr(message, "format"):
        return depth_in_meters(decode_depth_png(message.format, message.data))
    if message.encoding not in _DEPTH_TYPES:
        raise ImageError(f"unknown depth encoding {message.encoding!r}; known: {', '.join(_DEPTH_TYPES)}")
    return depth_in_meters(_rows(message, 1, _DEPTH_TYPES[message.encoding]))


def depth_in_meters(values: NDArray[Any]) -> NDArray[np.float32]:
    """Depth float32 (H, W) in meters, NaN where there is none, of millimeters (uint16) or of meters."""
    if values.dtype == np.uint16:
        return _METRES_OF_MM.take(values)  # 0 is NaN there: a third of the time of a product and a mask
    depth_m = values.astype(np.float32)
    depth_m[~((depth_m > 0) & (depth_m < np.inf))] = np.nan
    return depth_m


def _rows(message: Any, channels: int, dtype: str) -> NDArray[Any]:
    """View (H, W) or (H, W, C) of an Image's bytes, padding of the rows left out, in this machine's byte order."""
    height, width, step = int(message.height), int(message.width), int(message.step)
    row_bytes = width * channels * np.dtype(dtype).itemsize
    check_size(height, width)
    if step < row_bytes:
        raise ImageError(f"step {step} is shorter than a row of {width} {message.encoding} pixels ({row_bytes} bytes)")
    data = np.frombuffer(message.data, np.uint8)
    if data.size < height * step:
        raise ImageError(f"{data.size} bytes of data, but height {height} x step {step} needs {height * step}")
    byte_order = ">" if message.is_bigendian else "<"
    shape = (height, width) if channels == 1 else (height, width, channels)
    item = np.dtype(byte_order + dtype)
    strides = (step, item.itemsize) if channels == 1 else (step, channels * item.itemsize, item.itemsize)
    rows = np.ndarray(shape, item, data, strides=strides)
    return rows if item.isnative else rows.astype(item.newbyteorder("="))
