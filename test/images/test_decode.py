"""Color and depth messages -> arrays: encodings, steps, byte orders, damage."""

import struct
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from image_messages import message

from redwood_depth.errors import ImageError
from redwood_depth.images.decode import COLOR_ENCODINGS, area_resized, color_from_message, depth_from_message

RGB = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


@given(RGB, st.integers(0, 7))
def test_orders_of_channels_and_padding_make_no_difference(rgb: np.ndarray, padding: int) -> None:
    alpha = np.full((*rgb.shape[:2], 1), 77, np.uint8)
    for encoding, pixels in {
        "rgb8": rgb,
        "bgr8": rgb[..., ::-1],
        "8UC3": rgb[..., ::-1],
        "rgba8": np.dstack((rgb, alpha)),
        "bgra8": np.dstack((rgb[..., ::-1], alpha)),
    }.items():
        np.testing.assert_array_equal(color_from_message(message(pixels, encoding, padding)).rgb(), rgb)


@given(RGB, st.integers(0, 7), st.booleans())
def test_sixteen_bits_become_eight(rgb: np.ndarray, padding: int, big_endian: bool) -> None:
    wide = rgb.astype(np.uint16) * 257
    for encoding, pixels in {"rgb16": wide, "bgr16": wide[..., ::-1]}.items():
        image = color_from_message(message(pixels, encoding, padding, big_endian))
        np.testing.assert_array_equal(image.rgb(), rgb)
    gray = color_from_message(message(wide[..., 0], "mono16", padding, big_endian)).rgb()
    np.testing.assert_array_equal(gray, np.repeat(rgb[..., :1], 3, axis=2))


def test_common_encodings_are_views_of_the_message() -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    for encoding, channels in {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}.items():
        sent = message(np.zeros((4, 6, channels), np.uint8), encoding, padding=2)
        sent.data = bytearray(sent.data)
        image = color_from_message(sent)
        sent.data[0] = 200
        assert image.pixels.flat[0] == 200, encoding
    assert pixels.any() == np.False_


@pytest.mark.parametrize("encoding", ["bayer_rggb8", "bayer_bggr8", "bayer_gbrg8", "bayer_grbg8"])
def test_bayer_finds_the_color(encoding: str) -> None:
    channel_of = {"r": 0, "g": 1, "b": 2}
    color = np.array([200, 100, 30], np.uint8)
    pattern = encoding.removeprefix("bayer_").removesuffix("8")
    tile = np.array([color[channel_of[letter]] for letter in pattern], np.uint8).reshape(2, 2)
    rgb = color_from_message(message(np.tile(tile, (8, 8)), encoding, padding=3)).rgb()
    np.testing.assert_allclose(rgb[4:-4, 4:-4], np.broadcast_to(color, (8, 8, 3)), atol=1)
    wide = color_from_message(message(np.tile(tile, (8, 8)).astype(np.uint16) * 257, encoding[:-1] + "16")).rgb()
    np.testing.assert_array_equal(wide, rgb)


@pytest.mark.parametrize("encoding", ["yuv422", "uyvy", "yuv422_yuy2", "yuyv"])
def test_yuv_finds_the_color(encoding: str) -> None:
    y, u, v = (int(value) for value in cv2.cvtColor(np.uint8([[[200, 100, 30]]]), cv2.COLOR_RGB2YUV)[0, 0])
    # OpenCV's 4:2:2 codes are of video range, its RGB2YUV of full range: a loose tolerance covers the difference.
    first, second = ((u, y), (v, y)) if encoding in ("yuv422", "uyvy") else ((y, u), (y, v))
    row = np.tile(np.uint8([first, second]), (4, 1))
    rgb = color_from_message(message(np.tile(row[None], (6, 1, 1)), encoding, padding=4)).rgb()
    np.testing.assert_allclose(rgb, np.broadcast_to([200, 100, 30], rgb.shape), atol=35)


def test_resizing_averages_areas_and_costs_no_full_size_copy() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[::2] = 200
    small = color_from_message(message(pixels, "bgr8")).resized_rgb(10, 10)
    np.testing.assert_array_equal(small, 100)
    assert small.flags.c_contiguous


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"encoding": "yuv999"}, "unknown color encoding 'yuv999'"),
        ({"encoding": ""}, "unknown color encoding ''"),
        ({"height": 0}, "empty image"),
        ({"width": 0, "step": 0}, "empty image"),
        ({"height": 2**31, "width": 2**31}, "absurd image size"),
        ({"height": 5}, "height 5 x step 18 needs 90"),
        ({"step": 17}, "step 17 is shorter than a row"),
        ({"data": b""}, "0 bytes of data"),
    ],
)
def test_bad_images_are_refused_in_one_line(change: dict[str, Any], words: str) -> None:
    bad = message(np.zeros((4, 6, 3), np.uint8), "rgb8")
    vars(bad).update(change)
    with pytest.raises(ImageError, match=words) as failure:
        color_from_message(bad)
    assert "\n" not in str(failure.value)


@given(
    st.sampled_from(COLOR_ENCODINGS), st.integers(0, 5), st.integers(0, 5), st.integers(0, 40), st.binary(max_size=99)
)
def test_whatever_comes_is_an_image_or_an_image_error(
    encoding: str, height: int, width: int, step: int, data: bytes
) -> None:
    sent = SimpleNamespace(encoding=encoding, height=height, width=width, step=step, is_bigendian=0, data=data)
    try:
        rgb = color_from_message(sent).rgb()
    except ImageError:
        return
    assert rgb.shape == (height, width, 3)


@given(hnp.arrays(np.uint16, (3, 4)), st.booleans(), st.integers(0, 3))
def test_millimeters_become_meters_and_zero_nothing(depth_mm: np.ndarray, big_endian: bool, padding: int) -> None:
    depth_m = depth_from_message(message(depth_mm, "16UC1", 2 * padding, big_endian))
    assert depth_m.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(depth_m), depth_mm == 0)
    np.testing.assert_allclose(np.nan_to_num(depth_m) * 1000, depth_mm, rtol=1e-6)


def test_what_is_no_distance_becomes_nan() -> None:
    values = np.array([[1.5, 0.0, -2.0], [np.nan, np.inf, 3.0]], np.float32)
    depth_m = depth_from_message(message(values, "32FC1"))
    np.testing.assert_array_equal(depth_m, np.array([[1.5, np.nan, np.nan], [np.nan, np.nan, 3.0]], np.float32))


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def test_compressed_depth_of_both_encodings() -> None:
    depth_mm = np.array([[0, 500], [1500, 65535]], np.uint16)
    header = struct.pack("<iff", 0, 0.0, 0.0)
    sent = SimpleNamespace(format="16UC1; compressedDepth png", data=header + png(depth_mm))
    np.testing.assert_allclose(np.nan_to_num(depth_from_message(sent)), depth_mm / 1000, rtol=1e-6)
    quant_a, quant_b = 100 * 101.0, 1 - 101.0 / 10  # compressed_depth_image_transport: quantization 100, maximum 10 m
    truth_m = np.array([[0.0, 2.0], [4.0, 1.0]], np.float32)
    inverse = np.where(truth_m > 0, quant_a / np.maximum(truth_m, 0.1) + quant_b, 0).astype(np.uint16)
    sent = SimpleNamespace(
        format="32FC1; compressedDepth", data=struct.pack("<iff", 0, quant_a, quant_b) + png(inverse)
    )
    np.testing.assert_allclose(np.nan_to_num(depth_from_message(sent)), truth_m, rtol=2e-3)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0 not a jpeg", png(np.zeros((4, 4, 3), np.uint8))[:-30]])
def test_damaged_compressed_images_are_refused(data: bytes) -> None:
    with pytest.raises(ImageError):
        color_from_message(SimpleNamespace(format="jpeg", data=data))
    with pytest.raises(ImageError):
        depth_from_message(SimpleNamespace(format="16UC1; compressedDepth png", data=data))


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    bomb = bytearray(png(np.zeros((4, 4, 3), np.uint8)))
    bomb[16:24] = struct.pack(">II", 60000, 60000)  # IHDR's width and height; its checksum is now wrong, as it may be
    with pytest.raises(ImageError):
        color_from_message(SimpleNamespace(format="png", data=bytes(bomb)))
    huge = png(np.zeros((1, 20000), np.uint8))
    with pytest.raises(ImageError, match="absurd image size 20000x1"):
        color_from_message(SimpleNamespace(format="png", data=huge))


@pytest.mark.parametrize("size", [(480, 640), (481, 641), (720, 1280), (300, 400), (160, 192), (100, 120)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_averaging_in_steps_is_neither_shifted_nor_far_from_averaging_at_once(
    size: tuple[int, int], channels: int
) -> None:
    (height, width), shape = size, (*size, channels) if channels > 1 else size
    rows, columns = np.mgrid[:height, :width]
    ramp = 40.0 + 90.0 * columns / width + 80.0 * rows / height
    image = np.rint(np.broadcast_to(ramp[..., None] if channels > 1 else ramp, shape)).astype(np.uint8)
    wanted = cv2.resize(image, (192, 160), interpolation=cv2.INTER_AREA)
    assert np.abs(area_resized(image, 160, 192).astype(int) - wanted).max() <= 1
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    wanted = cv2.resize(noise, (192, 160), interpolation=cv2.INTER_AREA).astype(float)
    found = area_resized(noise, 160, 192)
    assert found.shape == wanted.shape
    assert abs(found.mean() - wanted.mean()) < 0.5
    assert np.abs(found - wanted).mean() < 10  # of noise, whose neighboring pixels have nothing in common
