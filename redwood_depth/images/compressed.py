"""JPEG, PNG, TIFF, WebP and AVIF bytes -> arrays, checked before anything large is allocated."""

import io
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from redwood_depth.errors import ImageError
from redwood_depth.images.tiff_header import as_stored, is_tiff, tiff_sizes

MAX_SIDE_PX = 16384
MAX_PIXELS = 64_000_000  # a 64-megapixel camera; what claims more is damage or an attack
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_END = b"\xff\xd9"  # never within the pixels' data, where a 0 follows every 255
_PNG_CHUNK_FRAME_BYTES = 12  # length, kind, checksum
_READ = ("JPEG", "PNG", "WEBP", "AVIF")
_VIDEO_MARKS = ("h264", "h.264", "avc", "h265", "hevc", "av1", "vp9", "mpeg")


def check_size(height: int, width: int) -> None:
    """Raise ImageError for an empty or an absurd image."""
    if height < 1 or width < 1:
        raise ImageError(f"empty image: {width}x{height}")
    if height > MAX_SIDE_PX or width > MAX_SIDE_PX or height * width > MAX_PIXELS:
        raise ImageError(f"absurd image size {width}x{height}; at most {MAX_SIDE_PX} a side and {MAX_PIXELS} pixels")


def decode_image(data: NDArray[np.uint8]) -> NDArray[Any]:
    """The pixels of a JPEG, PNG, TIFF, WebP or AVIF image as they are stored, after its header's size is checked.

    Gray is (H, W), color (H, W, 3) BGR or (H, W, 4) BGRA, of whatever depth the file has. An orientation in EXIF is
    not applied: depth, calibration and labels are of the pixels as the camera gave them.

    Raises:
        ImageError: none of these formats, an absurd size (a few bytes may claim gigabytes), damaged beyond decoding.
    """
    kind, _ = _checked(data)
    if kind == "PNG":
        _check_chunks(data)
    elif kind == "JPEG" and _JPEG_END not in data.tobytes():  # OpenCV 5 refuses it, OpenCV 4 fills the rest with gray
        raise ImageError(f"undecodable image ({data.size} bytes): a JPEG that is cut short")
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"undecodable {kind} image ({data.size} bytes)") from error
    if pixels is None:
        raise ImageError(f"undecodable {kind} image ({data.size} bytes): {_cause(kind)}")
    return as_stored(pixels, data) if kind == "TIFF" else pixels


def image_size(data: NDArray[np.uint8]) -> tuple[int, int]:
    """(height, width) that an image's header says. Raises ImageError."""
    return _checked(data)[1][0]


def video_remedy(image_format: str) -> str:
    """What to do about a format that is a video's, empty for any other."""
    if not any(mark in image_format.lower() for mark in _VIDEO_MARKS):
        return ""
    return f"; {image_format!r} is video, whose frames need each other: republish it as raw or JPEG images"


def _checked(data: NDArray[np.uint8]) -> tuple[str, list[tuple[int, int]]]:
    """Which format it is, and the sizes that it claims, seen to be possible."""
    try:
        kind, sizes = ("TIFF", tiff_sizes(data)) if is_tiff(data) else _opened(data)
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise ImageError(f"not a JPEG, PNG, TIFF, WebP or AVIF image ({data.size} bytes)") from error
    for height, width in sizes:
        check_size(height, width)
    return kind, sizes


def _opened(data: NDArray[np.uint8]) -> tuple[str, list[tuple[int, int]]]:
    with PillowImage.open(io.BytesIO(data.data), formats=_known()) as header:
        return str(header.format), [(header.height, header.width)]


@lru_cache(maxsize=1)
def _known() -> list[str]:
    """What the installed Pillow opens of `_READ`: AVIF only since 11.3."""
    PillowImage.init()
    return [name for name in _READ if name in PillowImage.OPEN]


def _cause(kind: str) -> str:
    if kind in ("JPEG", "PNG"):
        return "damaged"
    return f"damaged, or an OpenCV without {kind} ({cv2.__version__} here)"


def _check_chunks(png: NDArray[np.uint8]) -> None:
    """Raise ImageError where a chunk of a PNG claims more bytes than there are: OpenCV 5 would allocate up to 4 GB."""
    view, position = png.data, len(PNG_SIGNATURE)
    while position < png.size:
        length = int.from_bytes(view[position : position + 4], "big")
        position += length + _PNG_CHUNK_FRAME_BYTES
        if position > png.size:
            raise ImageError(f"undecodable image ({png.size} bytes): a PNG that is damaged or cut short")
        if bytes(view[position - length - 8 : position - length - 4]) == b"IEND":
            return
