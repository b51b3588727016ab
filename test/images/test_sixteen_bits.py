"""16-bit color images of cameras that fill 10 or 12 bits, and of those that fill all."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_messages import compressed, message

from redwood_depth.images.decode import color_from_message
from redwood_depth.images.sixteen_bits import SixteenBits

RAMP = np.linspace(0, 255, 64).round().astype(np.uint16).reshape(8, 8)


def seen(gray: np.ndarray, bits: int, shift: int = 0) -> np.ndarray:
    """What a camera of `bits` makes of `gray` 0..255, in 16 bits."""
    return (np.rint(gray.astype(float) * ((1 << bits) - 1) / 255).astype(np.uint16) << shift).astype(np.uint16)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("encoding", ["mono16", "rgb16", "bgra16", "bayer_grbg16"])
def test_real_bits_are_found_and_said(bits: int, encoding: str) -> None:
    camera, pixels = SixteenBits(), seen(RAMP, bits)
    if encoding in ("rgb16", "bgra16"):
        pixels = np.repeat(pixels[..., None], 3 if encoding == "rgb16" else 4, axis=2)
    rgb = color_from_message(message(pixels, encoding), camera).rgb()
    if not encoding.startswith("bayer"):  # its edges are made of their neighbors
        np.testing.assert_allclose(rgb, np.repeat(RAMP[..., None], 3, axis=2), atol=1)
    assert rgb.max() > 200
    assert camera.bits == bits
    assert (camera.note is None) == (bits == 16)
    assert bits == 16 or f"taken as {bits} bits" in str(camera.note)
    assert camera.news() == camera.note
    assert camera.news() is None


@pytest.mark.parametrize(("bits", "shift"), [(12, 4), (10, 6)])
def test_bits_shifted_to_the_upper_end_stay_there_in_the_dark(bits: int, shift: int) -> None:
    camera = SixteenBits()
    dark = color_from_message(message(seen(RAMP // 20, bits, shift), "mono16"), camera).rgb()
    assert camera.bits == 16
    assert dark.max() <= 13


def test_eight_bits_said_twice_are_full() -> None:
    camera = SixteenBits()
    rgb = color_from_message(message((RAMP // 20 * 257).astype(np.uint16), "mono16"), camera).rgb()
    assert (rgb.max(), camera.note) == (12, None)


def test_png_of_sixteen_bits_is_scaled_alike() -> None:
    camera = SixteenBits()
    png = cv2.imencode(".png", seen(RAMP, 12))[1].tobytes()
    rgb = color_from_message(compressed("mono16; png compressed ", png), camera).rgb()
    np.testing.assert_allclose(rgb[..., 0], RAMP, atol=1)


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=12))
def test_the_scale_only_ever_grows(largest: list[int]) -> None:
    camera, before = SixteenBits(), 0
    for index, value in enumerate(largest):
        color_from_message(message(np.array([[value, min(value, 1 + index)]], np.uint16), "mono16"), camera)
        if camera.seen:
            assert camera.bits >= before
            before = camera.bits


def test_a_dark_image_after_a_bright_one_stays_dark() -> None:
    camera = SixteenBits()
    camera.count(seen(RAMP, 16))
    dark = color_from_message(message(np.array([[900, 901, 333]], np.uint16), "mono16"), camera).rgb()
    assert dark.max() <= 4
    assert camera.note is None
