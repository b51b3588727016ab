"""Depth in a CompressedImage: RVL, formats that say little, 32FC1's code, 16-bit pictures on /compressed."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from image_messages import compressed, message
from rvl_samples import encode_rvl

from redwood_depth.errors import ImageError
from redwood_depth.images.decode import depth_from_message
from redwood_depth.images.inverse_depth import InverseDepthCode
from redwood_depth.images.rvl import decode_rvl

HEAD = bytes(12)
DEPTH_MM = np.array([[0, 500, 501, 0], [1500, 65535, 1, 0]], np.uint16)
QUANT_A, QUANT_B = 100 * 101.0, 1 - 100 * 101.0 / 10  # image_transport's defaults: quantization 100, at most 10 m


def array(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


def picture(pixels: np.ndarray, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


def in_mm(image_format: str, data: bytes) -> np.ndarray:
    return np.rint(np.nan_to_num(depth_from_message(compressed(image_format, data))) * 1000)


@settings(deadline=None)
@given(
    hnp.arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 9, 65535]))
)
def test_rvl_gives_back_what_was_coded(pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(decode_rvl(array(encode_rvl(pixels))), pixels)


@pytest.mark.parametrize("share_of_holes", [0.0, 0.5, 1.0])
def test_rvl_of_a_camera_s_size(share_of_holes: float) -> None:
    random = np.random.default_rng(4)
    pixels = np.clip(np.cumsum(random.integers(-9, 10, (480, 640)), axis=1) + 2000, 1, 65535).astype(np.uint16)
    pixels[random.random(pixels.shape) < share_of_holes] = 0
    np.testing.assert_array_equal(decode_rvl(array(encode_rvl(pixels))), pixels)


@settings(deadline=None)
@given(st.binary(max_size=80), st.integers(0, 40))
def test_whatever_comes_as_rvl_is_an_image_or_an_image_error(code: bytes, cut: int) -> None:
    for data in (code, struct.pack("<II", 3, 2) + code, encode_rvl(DEPTH_MM)[:-cut] + code):
        try:
            pixels = decode_rvl(array(data))
        except ImageError:
            continue
        assert pixels.dtype == np.uint16


@pytest.mark.parametrize("size", [(1 << 31, 1 << 31), (16384, 16384), (0, 5)])
def test_an_absurd_size_in_rvl_is_refused_before_anything_is_allocated(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match=r"absurd image size|empty image"):
        decode_rvl(array(struct.pack("<II", *size) + bytes(64)))


@pytest.mark.parametrize(
    ("image_format", "data"),
    [
        ("16UC1; compressedDepth rvl", HEAD + encode_rvl(DEPTH_MM)),
        ("16UC1; compressedDepth", HEAD + encode_rvl(DEPTH_MM)),
        ("", HEAD + encode_rvl(DEPTH_MM)),
        ("", HEAD + picture(DEPTH_MM)),
        ("16UC1", HEAD + picture(DEPTH_MM)),
        ("png", picture(DEPTH_MM)),
        ("mono16; compressedDepth png", HEAD + picture(DEPTH_MM)),
        ("16UC1; compressedDepth png", b"\x07\x00\x00\x00" + bytes(range(200, 208)) + picture(DEPTH_MM)),
        ("16UC1; png compressed ", picture(DEPTH_MM)),
        ("mono16; tiff compressed ", picture(DEPTH_MM, ".tiff")),
    ],
)
def test_millimeters_in_whatever_they_are_wrapped(image_format: str, data: bytes) -> None:
    np.testing.assert_array_equal(in_mm(image_format, data), DEPTH_MM)


@pytest.mark.parametrize("image_format", ["32FC1; compressedDepth rvl", "32FC1; compressedDepth png", ""])
def test_meters_in_inverse_code(image_format: str) -> None:
    ground_truth_m = np.array([[0.0, 2.0], [4.0, 0.5]], np.float32)
    codes = np.where(ground_truth_m > 0, QUANT_A / np.maximum(ground_truth_m, 0.1) + QUANT_B, 0).astype(np.uint16)
    body = encode_rvl(codes) if "rvl" in image_format else picture(codes)
    sent = compressed(image_format, struct.pack("<iff", 0, QUANT_A, QUANT_B) + body)
    np.testing.assert_allclose(np.nan_to_num(depth_from_message(sent)), ground_truth_m, rtol=2e-3)


def test_meters_as_tiff_of_floats() -> None:
    ground_truth_m = np.array([[0.25, np.nan], [7.5, 0.0]], np.float32)
    depth_m = depth_from_message(compressed("32FC1; tiff compressed ", picture(ground_truth_m, ".tiff")))
    np.testing.assert_array_equal(np.nan_to_num(depth_m), np.nan_to_num(ground_truth_m))


def test_what_the_inverse_code_holds() -> None:
    code = InverseDepthCode(QUANT_A, QUANT_B)
    assert code.nearest_m == pytest.approx(0.152, abs=1e-3)
    assert code.farthest_m == pytest.approx(10.0)
    assert code.step_m(10.0) == pytest.approx(0.0099, abs=1e-4)
    far = code.decoded(np.array([[1, 2]], np.uint16))
    assert far[0, 0] - far[0, 1] == pytest.approx(code.step_m(10.0), rel=0.01)
    assert code.decoded(np.array([[65535]], np.uint16))[0, 0] == 0  # what a recorder made of anything nearer


@given(hnp.arrays(np.int16, (3, 4)), st.booleans())
def test_signed_millimeters(depth_mm: np.ndarray, big_endian: bool) -> None:
    depth_m = depth_from_message(message(depth_mm, "16SC1", 2, big_endian))
    np.testing.assert_array_equal(np.isnan(depth_m), depth_mm <= 0)
    np.testing.assert_allclose(np.nan_to_num(depth_m) * 1000, np.maximum(depth_mm, 0), rtol=1e-6)


@given(hnp.arrays(np.float64, (3, 4)), st.booleans())
def test_meters_of_double_precision(values: np.ndarray, big_endian: bool) -> None:
    with np.errstate(over="ignore"):
        wanted = values.astype(np.float32)
    wanted[~((wanted > 0) & (wanted < np.inf))] = np.nan
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(depth_from_message(message(values, "64FC1", 8, big_endian)), wanted)


@pytest.mark.parametrize(
    ("image_format", "data", "words"),
    [
        ("16UC1; jpeg compressed mono8", picture(np.zeros((4, 4), np.uint8), ".jpg"), "JPEG is lossy.*compressedDepth"),
        ("32FC1; compressedDepth png", HEAD + picture(DEPTH_MM), "impossible quanti[sz]ation"),
        ("32FC1; png compressed ", picture(DEPTH_MM), "lacks its header"),
        ("16UC1; compressedDepth zstd", HEAD, "known: 16UC1 and 32FC1 as compressedDepth png or rvl"),
        ("16UC1; png compressed ", picture(np.zeros((4, 4), np.uint8)), "one channel of 16 bits, not uint8"),
        ("16UC1; compressedDepth rvl", HEAD + encode_rvl(DEPTH_MM)[:-4], "damaged RVL image"),
        ("h264", b"\0\0\0\1", "is video"),
    ],
)
def test_what_is_not_depth_is_named_with_its_remedy(image_format: str, data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words) as failure:
        depth_from_message(compressed(image_format, data))
    assert "corrupt" not in str(failure.value)
