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
    if suffix == ".avif" and not (features.check("avif") and cv2.haveImageWriter("picture.avif")):
        pytest.skip("Pillow or OpenCV without AVIF")
    rgb = color_from_message(compressed(f"rgb8; {suffix[1:]} compressed bgr8", encoded(SCENE, suffix))).rgb()
    assert np.abs(rgb.astype(int) - SCENE).mean() <= atol / 10


@pytest.mark.parametrize("suffix", [".tiff", ".webp", ".avif"])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_picture_that_is_cut_short_is_refused(suffix: str, share: float) -> None:
    if not cv2.haveImageWriter(f"picture{suffix}"):
        pytest.skip(f"OpenCV without {suffix}")
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
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_turns_nothing(kind: str, orientation: int) -> None:
    tags, file = Image.Exif(), io.BytesIO()
    tags[0x0112] = orientation
    Image.fromarray(SCENE).save(file, kind, exif=tags, **({"quality": 95} if kind == "JPEG" else {}))
    for rgb in (color_from_message(compressed("jpeg", file.getvalue())).rgb(), decode_color(file.getvalue())):
        assert rgb.shape == SCENE.shape
        assert np.abs(rgb.astype(int) - SCENE).mean() < 8


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(
    ("words", "suffix"),
    [
        ("png compressed ", ".png"),
        ("jpeg compressed bgr8", ".jpg"),
        ("jpeg compressed", ".jpg"),
        ("jpeg compressed mono8", ".jpg"),
    ],
)
def test_a_mosaic_in_a_picture_is_demosaiced(pattern: str, words: str, suffix: str) -> None:
    flat = np.broadcast_to(np.uint8([200, 90, 40]), (48, 64, 3))
    data = cv2.imencode(suffix, mosaic(flat, pattern), [cv2.IMWRITE_JPEG_QUALITY, 98] if suffix == ".jpg" else [])[1]
    rgb = color_from_message(compressed(f"bayer_{pattern}8; {words}", data.tobytes())).rgb()
    np.testing.assert_allclose(rgb[4:-4, 4:-4], flat[4:-4, 4:-4], atol=4)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_mosaic_of_sixteen_bits_in_a_png(pattern: str) -> None:
    wide = mosaic(SCENE, pattern).astype(np.uint16) * 257
    rgb = color_from_message(compressed(f"bayer_{pattern}16; png compressed ", encoded(wide, ".png"))).rgb()
    raw = color_from_message(message(wide, f"bayer_{pattern}16")).rgb()
    np.testing.assert_array_equal(rgb, raw)


def test_what_image_transport_made_gray_or_colored_is_no_mosaic_any_more() -> None:
    gray = cv2.cvtColor(SCENE, cv2.COLOR_RGB2GRAY)
    rgb = color_from_message(compressed("bayer_rggb8; jpeg compressed mono8", encoded(gray, ".jpg"))).rgb()
    assert np.abs(rgb.astype(int) - gray[..., None]).mean() < 2
    rgb = color_from_message(compressed("bayer_rggb8; jpeg compressed bgr8", encoded(SCENE, ".jpg"))).rgb()
    assert np.abs(rgb.astype(int) - SCENE).mean() < 8


def test_floats_and_video_are_named() -> None:
    with pytest.raises(ImageError, match="8 or 16 bits, not float32"):
        color_from_message(compressed("32FC1; tiff compressed ", encoded(SCENE[..., 0].astype(np.float32), ".tiff")))
    with pytest.raises(ImageError, match=r"'h264' is video.*republish"):
        color_from_message(compressed("h264", b"\0\0\0\1gB"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_not_turned_by_its_orientation(orientation: int) -> None:
    """OpenCV turns it, whatever its flags say; depth must stay on its color image."""
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4) * 1000
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "TIFF", tiffinfo={274: orientation})
    np.testing.assert_array_equal(decode_image(np.frombuffer(file.getvalue(), np.uint8)), pixels)
