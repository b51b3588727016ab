"""Image messages -> arrays: color as a view that is resized before anything is copied, depth in meters.

Works on rclpy's messages and on those of `rosbags` alike, and imports no ROS itself.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import ImageError
from redwood_depth.images.compressed import check_size, decode_image, video_remedy
from redwood_depth.images.compressed_depth import decode_depth
from redwood_depth.images.converter import convert_to_rgb
from redwood_depth.images.encodings import COLOR_ENCODINGS, ENCODINGS, Encoding
from redwood_depth.images.payload import payload
from redwood_depth.images.sixteen_bits import SixteenBits, scaled_to_eight_bits
from redwood_depth.images.wrapped_depth import WrappedDepth

# 16UC1 is millimeters, 32FC1 meters (REP 118); mono16 is how some drivers name 16UC1.
_DEPTH_TYPES = {"16UC1": "u2", "mono16": "u2", "16SC1": "i2", "32FC1": "f4", "64FC1": "f8"}
_STORED = {1: ENCODINGS["mono8"], 3: ENCODINGS["bgr8"], 4: ENCODINGS["bgra8"]}  # a decoded picture's, by its channels
_METERS_OF_MM = np.arange(1 << 16, dtype=np.float32) * np.float32(1e-3)
_METERS_OF_MM[0] = np.nan


@dataclass(frozen=True)
class ColorImage:
    """A color image as the camera sent it: `pixels` uint8 (H, W) or (H, W, C), and the OpenCV code to RGB."""

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
    one or two gray levels off on average, and not shifted.
    """
    rows, columns = pixels.shape[:2]
    while rows >= 2 * height and columns >= 2 * width and not (rows % 2 or columns % 2):
        rows, columns = rows // 2, columns // 2
        pixels = _area(pixels, rows, columns)
    return pixels if (rows, columns) == (height, width) else _area(pixels, height, width)


def _area(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def color_from_message(message: Any, sixteen_bits: SixteenBits | None = None) -> ColorImage:
    """ColorImage of a sensor_msgs Image or CompressedImage; where possible a view of the message's own bytes.

    Args:
        message: of rclpy or of rosbags.
        sixteen_bits: of the camera, to know how many bits its 16-bit images fill; None takes them as full.

    Raises:
        ImageError: unknown encoding, absurd size, data shorter than height x step, undecodable data.
    """
    if hasattr(message, "format"):
        return color_from_picture(message.format, payload(message.data), sixteen_bits)
    encoding = ENCODINGS.get(message.encoding)
    if encoding is None:
        raise ImageError(f"unknown color encoding {message.encoding!r}; known: {', '.join(COLOR_ENCODINGS)}")
    if encoding.shared:
        _check_shared(message, encoding)
    rows = _rows(message, encoding.channels, f"u{encoding.bits // 8}", encoding.chroma_rows)
    return _color(rows, encoding, sixteen_bits)


def color_from_picture(
    image_format: str, data: NDArray[np.uint8], sixteen_bits: SixteenBits | None = None
) -> ColorImage:
    """ColorImage of a JPEG, PNG, TIFF, WebP or AVIF image, as stored: EXIF turns nothing.

    `image_format` is a CompressedImage's, such as "bayer_rggb8; png compressed"; its encoding says which pictures of
    one channel are a mosaic.

    Raises:
        ImageError: undecodable data, or pixels of floats.
    """
    try:
        pixels = decode_image(data)
    except ImageError as error:
        raise ImageError(f"{error}{video_remedy(image_format)}") from error
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ImageError(f"a color image must be of 8 or 16 bits, not {pixels.dtype}")
    encoding = _STORED[1 if pixels.ndim == 2 else pixels.shape[2]]
    named = ENCODINGS.get(image_format.partition(";")[0].strip())
    if named is not None and named.mosaic and pixels.ndim == 2 and _is_mosaic(image_format, pixels):
        encoding = named
    return _color(pixels, encoding, sixteen_bits)


def _color(rows: NDArray[Any], encoding: Encoding, sixteen_bits: SixteenBits | None) -> ColorImage:
    if rows.dtype == np.uint8:
        pixels: NDArray[np.uint8] = rows
    else:
        pixels = sixteen_bits.eight_bits(rows) if sixteen_bits else scaled_to_eight_bits(rows)
    if encoding.mosaic or encoding.shared:
        return ColorImage(convert_to_rgb(np.ascontiguousarray(pixels), encoding))
    return ColorImage(pixels, encoding.to_rgb)


def _is_mosaic(image_format: str, pixels: NDArray[Any]) -> bool:
    """Whether a picture of one channel is the mosaic itself: image_transport's JPEG of one is gray ("mono8") by then.

    There its word is not enough, for drivers write that as well: in a mosaic of anything colored, pixels are more like
    the next but one than like their neighbors.
    """
    if "mono8" not in image_format.partition(";")[2]:
        return True
    values = pixels[:, : pixels.shape[1] // 4 * 4].astype(np.float32)
    neighbors, next_but_one = np.abs(np.diff(values)).mean(), np.abs(values[:, 2:] - values[:, :-2]).mean()
    return bool(neighbors > next_but_one)


def _check_shared(message: Any, encoding: Encoding) -> None:
    """Raise ImageError for an odd size where two pixels share a color."""
    if message.width % 2 and encoding.chroma_rows != 2.0:
        raise ImageError(f"{message.encoding} image has an odd width of {message.width}")
    if message.height % 2 and encoding.chroma_rows == 0.5:
        raise ImageError(f"{message.encoding} image has an odd height of {message.height}")


def depth_from_message(message: Any, wrapped: WrappedDepth | None = None) -> NDArray[np.float32]:
    """Depth float32 (H, W) in meters, NaN where there is none, of an Image or a CompressedImage of depth.

    What wrapped round because it was too near for the recorder's code is skipped where `wrapped` of the recording is
    given and finds it.

    Raises:
        ImageError: as `color_from_message`.
    """
    if hasattr(message, "format"):
        return depth_in_meters(decode_depth(message.format, payload(message.data), wrapped))
    if message.encoding not in _DEPTH_TYPES:
        raise ImageError(f"unknown depth encoding {message.encoding!r}; known: {', '.join(_DEPTH_TYPES)}")
    return depth_in_meters(_rows(message, 1, _DEPTH_TYPES[message.encoding]))


def depth_in_meters(values: NDArray[Any]) -> NDArray[np.float32]:
    """Depth float32 (H, W) in meters, NaN where there is none, of millimeters (integers) or of meters (floats)."""
    if values.dtype == np.uint16:
        return _METERS_OF_MM.take(values)  # 0 is NaN there: a third of the time of a product and a mask
    depth_m = values.astype(np.float32)
    if values.dtype.kind == "i":
        depth_m *= np.float32(1e-3)
    depth_m[~((depth_m > 0) & (depth_m < np.inf))] = np.nan
    return depth_m


def _rows(message: Any, channels: int, dtype: str, chroma_rows: float = 0.0) -> NDArray[Any]:
    """View (H, W) or (H, W, C) of an Image's bytes, padding of the rows skipped, in this machine's byte order.

    With `chroma_rows`, H is that much larger: planes of color below the brightness.
    """
    height, width, step = int(message.height), int(message.width), int(message.step)
    check_size(height, width)
    item = np.dtype((">" if message.is_bigendian else "<") + dtype)
    row_bytes = width * channels * item.itemsize
    if step < row_bytes:
        raise ImageError(f"step {step} is shorter than a row of {width} {message.encoding} pixels ({row_bytes} bytes)")
    height += int(height * chroma_rows)
    data = payload(message.data)
    if data.size < height * step:
        raise ImageError(f"{data.size} bytes of data, but height {height} x step {step} needs {height * step}")
    shape = (height, width) if channels == 1 else (height, width, channels)
    strides = (step, item.itemsize) if channels == 1 else (step, channels * item.itemsize, item.itemsize)
    rows = np.ndarray(shape, item, data, strides=strides)
    return rows if item.isnative else rows.astype(item.newbyteorder("="))
