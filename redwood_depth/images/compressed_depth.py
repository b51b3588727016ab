"""Depth in a CompressedImage: what compressed_depth_image_transport writes, and 16-bit pictures on /compressed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import ImageError
from redwood_depth.images.compressed import PNG_SIGNATURE, decode_image, video_remedy
from redwood_depth.images.inverse_depth import InverseDepthCode
from redwood_depth.images.rvl import decode_rvl
from redwood_depth.images.wrapped_depth import WrappedDepth

_HEADER_BYTES = 12  # compressed_depth_image_transport: format (int32), quantization A and B (float32)
_TRANSPORT = "compressedDepth"
_ENCODINGS = ("16UC1", "mono16", "16SC1", "32FC1", "png", "")
_KNOWN = "16UC1 and 32FC1 as compressedDepth png or rvl, and as PNG or TIFF on /compressed"
_JPEG = b"\xff\xd8"
_SIGNATURES = (PNG_SIGNATURE, _JPEG, b"II*\0", b"MM\0*")  # the last two: TIFF


def decode_depth(image_format: str, data: NDArray[np.uint8], wrapped: WrappedDepth | None = None) -> NDArray[Any]:
    """Depth (H, W) of a CompressedImage: millimeters where it is an integer, meters where it is a float.

    16UC1 holds millimeters, 32FC1 travels as `InverseDepthCode` or as a TIFF of floats. An empty or an old format says
    nothing of the encoding or the code: then the data is looked at. What `wrapped` finds is skipped.

    Raises:
        ImageError: another encoding or code, or data that is damaged.
    """
    encoding, transport = _parts(image_format)
    begin = _begin(transport, data)
    body = data[begin:]
    if body[: len(_JPEG)].tobytes() == _JPEG:
        raise ImageError("depth as JPEG is lossy and of 8 bits, depth no more: record it raw or as compressedDepth")
    code = inverse_depth_code(image_format, data)
    pixels = decode_rvl(body) if begin and _may_be_rvl(transport, body) else decode_image(body)
    if pixels.ndim != 2 or pixels.dtype not in (np.uint16, np.float32):
        raise ImageError(f"compressed depth must be one channel of 16 bits, not {pixels.dtype} {pixels.shape}")
    if code is not None:
        return code.decoded(wrapped.without(pixels, code) if wrapped else pixels)
    if encoding == "32FC1" and pixels.dtype == np.uint16:
        raise ImageError("compressed 32FC1 depth lacks its header of 12 bytes, which says what its values mean")
    return pixels.view(np.int16) if encoding == "16SC1" else pixels


def inverse_depth_code(image_format: str, data: NDArray[np.uint8]) -> InverseDepthCode | None:
    """The code of 32FC1 in a compressedDepth image, None of any other. Raises ImageError where it cannot be one."""
    encoding, transport = _parts(image_format)
    if encoding not in ("32FC1", "") or _begin(transport, data) < _HEADER_BYTES:
        return None
    quant_a, quant_b = (float(value) for value in data[4:_HEADER_BYTES].view("<f4"))
    code = InverseDepthCode(quant_a, quant_b)
    if not code.is_plausible and encoding == "32FC1":
        raise ImageError(f"compressed 32FC1 depth has an impossible quantization in its header: {quant_a}, {quant_b}")
    return code if code.is_plausible else None


def _parts(image_format: str) -> tuple[str, str]:
    """The encoding and the transport's words, of a format that is understood."""
    encoding, _, transport = (part.strip() for part in image_format.partition(";"))
    code = transport.removeprefix(_TRANSPORT).strip() if transport.startswith(_TRANSPORT) else ""
    if encoding not in _ENCODINGS or code not in ("", "png", "rvl"):
        remedy = video_remedy(image_format)
        raise ImageError(f"unknown compressed depth format {image_format!r}; known: {_KNOWN}{remedy}")
    return encoding, transport


def _begin(transport: str, data: NDArray[np.uint8]) -> int:
    """Where the picture begins: behind the transport's header, or at once on /compressed and with some drivers."""
    if _is_picture(data) or (transport and not transport.startswith(_TRANSPORT)):
        return 0
    return min(_HEADER_BYTES, data.size)


def _may_be_rvl(transport: str, body: NDArray[np.uint8]) -> bool:
    return "png" not in transport and not _is_picture(body)


def _is_picture(data: NDArray[np.uint8]) -> bool:
    return data[: len(PNG_SIGNATURE)].tobytes().startswith(_SIGNATURES)
