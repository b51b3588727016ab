"""JPEG and PNG bytes -> arrays, checked before anything large is allocated."""

import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from redwood_depth.errors import ImageError

MAX_SIDE_PX = 16384
MAX_PIXELS = 64_000_000  # a 64-megapixel camera; what claims more is damage or an attack
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_END = b"\xff\xd9"  # never within the pixels' data, where a 0 follows every 255
_PNG_CHUNK_FRAME_BYTES = 12  # length, kind, checksum
_DEPTH_HEADER_BYTES = 12  # compressed_depth_image_transport: format (int32), quantisation A and B (float32)


def check_size(height: int, width: int) -> None:
    """Raise ImageError for an empty or an absurd image."""
    if height < 1 or width < 1:
        raise ImageError(f"empty image: {width}x{height}")
    if height > MAX_SIDE_PX or width > MAX_SIDE_PX or height * width > MAX_PIXELS:
        raise ImageError(f"absurd image size {width}x{height}; at most {MAX_SIDE_PX} a side and {MAX_PIXELS} pixels")


def decode_image(data: Any, flags: int) -> NDArray[Any]:
    """Decode JPEG or PNG with OpenCV's `flags`, after its header's size is checked: a few bytes may claim gigabytes.

    Raises:
        ImageError: not a JPEG or PNG, an absurd size, or damaged beyond decoding.
    """
    buffer = np.frombuffer(data, np.uint8)
    try:
        with PillowImage.open(io.BytesIO(buffer.data), formats=("JPEG", "PNG")) as header:
            width, height = header.size
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise ImageError(f"not a JPEG or PNG image ({buffer.size} bytes)") from error
    check_size(height, width)
    if buffer[:8].tobytes() == _PNG_SIGNATURE:
        _check_chunks(buffer)
    elif _JPEG_END not in buffer.tobytes():  # OpenCV 5 refuses it, OpenCV 4 fills the rest with grey
        raise ImageError(f"undecodable image ({buffer.size} bytes): a JPEG that is cut short")
    try:
        pixels = cv2.imdecode(buffer, flags)
    except cv2.error as error:
        raise ImageError(f"undecodable image ({buffer.size} bytes)") from error
    if pixels is None:
        raise ImageError(f"undecodable image ({buffer.size} bytes)")
    return pixels


def _check_chunks(png: NDArray[np.uint8]) -> None:
    """Raise ImageError where a chunk of a PNG claims more bytes than there are: OpenCV 5 would allocate up to 4 GB."""
    view, position = png.data, len(_PNG_SIGNATURE)
    while position < png.size:
        length = int.from_bytes(view[position : position + 4], "big")
        position += length + _PNG_CHUNK_FRAME_BYTES
        if position > png.size:
            raise ImageError(f"undecodable image ({png.size} bytes): a PNG that is damaged or cut short")
        if bytes(view[position - length - 8 : position - length - 4]) == b"IEND":
            return


def decode_depth_png(image_format: str, data: Any) -> NDArray[Any]:
    """Millimetres (uint16) or metres (float) of a depth image that compressed_depth_image_transport wrote as PNG.

    16UC1 holds millimetres. 32FC1 travels as quantised inverse depth: depth = A / (value - B), 0 where there is none.

    Raises:
        ImageError: another format (RVL among them), or bytes that are not a 16-bit PNG of one channel.
    """
    encoding, _, transport = (part.strip() for part in image_format.partition(";"))
    if encoding not in ("16UC1", "mono16", "32FC1", "png") or "rvl" in transport:
        raise ImageError(
            f"unknown compressed depth format {image_format!r}; known: 16UC1 and 32FC1 as compressedDepth png"
        )
    buffer = np.frombuffer(data, np.uint8)
    header = 0 if buffer[: len(_PNG_SIGNATURE)].tobytes() == _PNG_SIGNATURE else _DEPTH_HEADER_BYTES
    pixels = decode_image(buffer[header:], cv2.IMREAD_UNCHANGED)
    if pixels.dtype != np.uint16 or pixels.ndim != 2:
        raise ImageError(f"compressed depth must be one channel of 16 bits, not {pixels.dtype} {pixels.shape}")
    if encoding != "32FC1":
        return pixels
    if not header:
        raise ImageError("compressed 32FC1 depth lacks its header of 12 bytes")
    quant_a, quant_b = buffer[4:header].view("<f4")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(pixels == 0, 0.0, quant_a / (pixels - quant_b))
