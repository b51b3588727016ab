"""Color in a CompressedImage: every format, as stored, mosaics demosaiced."""

import io
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_messages import compressed, message
from PIL import Image, features

from redwood_depth.errors import ImageError
from redwood_depth.images.compressed import decode_image
from redwood_depth.images.decode import color_from_message
from redwood_depth.scans.redwood import decode_color

SCENE = cv2.resize(np.random.default_rng(5).integers(0, 256, (6, 8, 3), np.uint8), (64, 48))
PATTERNS = ("rggb", "bggr", "gbrg", "grbg")


def encoded(pixels: np.ndarray, suffix: str) -> bytes:
    """Of RGB (H, W, 3) or one channel (H, W)."""
    return cv2.imencode(suffix, pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1].tobytes()


def mosaic(rgb: np.ndarray, pattern: str) -> np.ndarray:
    height, width = rgb.shape[:2]
    letters = np.array(list(pattern)).reshape(2, 2)
    tiled = np.tile(letters, (height // 2, width // 2))
    return np.choose(np.vectorize("rgb".index)(tiled), np.moveaxis(rgb, 2, 0)).astype(rgb.dtype)


@pytest.mark.parametrize(("suffix", "atol"), [(".png", 0), (".tiff", 0), (".webp", 40), (".avif", 80), (".jpg", 40)])
def test_every_format_that_opencv_reads(suffix: str, atol: int) -> None:
    if suffix == ".avif" and not (features.check("avif") and "AVIF:" in cv2.getBuildInformation()):
        pytest.skip("Pillow or OpenCV without AVIF")
    rgb = color_from_message(compressed(f"rgb8; {suffix[1:]} compressed bgr8", encoded(SCENE, suffix))).rgb()
    assert np.abs(rgb.astype(int) - SCENE).mean() <= atol / 10


@pytest.mark.parametrize("suffix", [".tiff", ".webp", ".avif"])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_picture_that_is_cut_short_is_refused(suffix: str, share: float) -> None:
    data = encoded(SCENE, suffix)
    with pytest.raises(ImageError):
        color_from_message(compressed("", data[: int(share * len(data))]))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_that_claims_giant_tiles_is_refused(order: str) -> None:
    sizes = {256: 64, 257: 48, 322: 1 << 24, 323: 1 << 24}  # width and height, of the image and of a tile
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in sizes.items())
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(sizes))
    with pytest.raises(ImageError, match="absurd image size 16777216x16777216"):
        color_from_message(compressed("tiff", head + entries))


@given(st.binary(max_size=120))
def test_whatever_comes_as_tiff_is_an_image_error(content: bytes) -> None:
    with pytest.raises(ImageError):
        color_from_message(compressed("tiff", b"II*\0" + content))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_not_turned_by_its_orientation(orientation: int) -> None:
    """OpenCV turns it, whatever its flags say; depth must stay on its color image."""
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4) * 1000
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "TIFF", tiffinfo={274: orientation})
    np.testing.assert_array_equal(decode_image(np.frombuffer(file.getvalue(), np.uint8)), pixels)
