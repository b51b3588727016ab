"""Mosaics and YUV: planes, steps, both converters; and what `data` may be."""

import sys
from array import array
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_messages import message, planes

from redwood_depth.errors import ImageError
from redwood_depth.images import converter
from redwood_depth.images.decode import color_from_message
from redwood_depth.images.encodings import ENCODINGS

COLOR = np.array([200, 100, 30], np.uint8)


def video_range(rgb: np.ndarray) -> tuple[int, int, int]:
    """Y, U, V of BT.601 in video range, by its definition."""
    red, green, blue = (float(value) for value in rgb)
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    u, v = 0.564 * (blue - brightness), 0.713 * (red - brightness)
    return round(16 + brightness * 219 / 255), round(128 + u * 224 / 255), round(128 + v * 224 / 255)


@pytest.mark.parametrize("size", [(4, 6), (48, 64)])
@pytest.mark.parametrize("padding", [0, 10])
@pytest.mark.parametrize("encoding", ["nv12", "nv21", "nv24"])
def test_planes_of_color_below_those_of_brightness(encoding: str, padding: int, size: tuple[int, int]) -> None:
    (height, width), (y, u, v) = size, video_range(COLOR)
    chroma = np.tile(np.uint8([u, v] if encoding != "nv21" else [v, u]), height * width)
    chroma = chroma[: int(height * ENCODINGS[encoding].chroma_rows) * width].reshape(-1, width)
    pixels = np.vstack((np.full((height, width), y, np.uint8), chroma))
    image = color_from_message(planes(pixels, encoding, height, padding))
    assert image.size == size
    np.testing.assert_allclose(image.rgb(), np.broadcast_to(COLOR, (*size, 3)), atol=3)


def test_nv24_shares_no_color_between_neighbors() -> None:
    colors = np.uint8([[[250, 20, 20], [20, 250, 20], [20, 20, 250], [128, 128, 128]]]).repeat(2, axis=0)
    yuv = np.array([[video_range(color) for color in row] for row in colors], np.uint8)
    pixels = np.vstack((yuv[..., 0], yuv[..., 1:].reshape(4, 4)))
    np.testing.assert_allclose(color_from_message(planes(pixels, "nv24", 2)).rgb(), colors, atol=4)


@pytest.mark.parametrize(("encoding", "height", "width"), [("nv12", 5, 6), ("nv21", 4, 7), ("yuyv", 4, 5)])
def test_odd_sizes_that_cannot_share_color_are_refused(encoding: str, height: int, width: int) -> None:
    channels = ENCODINGS[encoding].channels
    pixels = np.zeros((2 * height, width, channels) if channels > 1 else (2 * height, width), np.uint8)
    with pytest.raises(ImageError, match=r"odd (width|height)"):
        color_from_message(planes(pixels, encoding, height))


def test_planes_that_are_missing_are_named() -> None:
    with pytest.raises(ImageError, match="height 6 x step 6 needs 36"):
        color_from_message(planes(np.zeros((4, 6), np.uint8), "nv12", 4))


@given(st.sampled_from(sorted(ENCODINGS)), st.integers(0, 9))
def test_padding_of_rows_makes_no_difference(encoding: str, padding: int) -> None:
    row = ENCODINGS[encoding]
    rows = 8 + int(8 * row.chroma_rows)
    shape = (rows, 10) if row.channels == 1 else (rows, 10, row.channels)
    pixels = np.random.default_rng(1).integers(0, 1 << row.bits, shape).astype(f"u{row.bits // 8}")
    plain, padded = (color_from_message(planes(pixels, encoding, 8, more)).rgb() for more in (0, padding))
    np.testing.assert_array_equal(plain, padded)


# ------------------------------------------------------------------------------------- cv_bridge, a double of it


class BridgeDouble:
    """Converts as cv_bridge's compiled part does: of packed 8-bit images alone, in its own names."""

    codes: ClassVar = {
        "bayer_rggb8": cv2.COLOR_BayerBG2RGB,
        "bayer_bggr8": cv2.COLOR_BayerRG2RGB,
        "bayer_gbrg8": cv2.COLOR_BayerGR2RGB,
        "bayer_grbg8": cv2.COLOR_BayerGB2RGB,
        "yuv422": cv2.COLOR_YUV2RGB_UYVY,
        "yuv422_yuy2": cv2.COLOR_YUV2RGB_YUY2,
    }

    def __init__(self) -> None:
        self.asked: list[str] = []

    def imgmsg_to_cv2(self, image: Any, wanted: str) -> np.ndarray:
        assert wanted == "rgb8"
        if image.data.size != image.height * image.step:
            raise TypeError("Image is wrongly formed")
        self.asked.append(image.encoding)
        return cv2.cvtColor(image.data, self.codes[image.encoding])


@pytest.fixture
def bridge(monkeypatch: pytest.MonkeyPatch) -> Any:
    double, module, find = BridgeDouble(), ModuleType("cv_bridge"), converter._cv_bridge
    monkeypatch.setattr(module, "CvBridge", lambda: double, raising=False)
    monkeypatch.setitem(sys.modules, "cv_bridge", module)
    find.cache_clear()
    yield double
    find.cache_clear()


@pytest.mark.parametrize("name", [name for name, row in ENCODINGS.items() if row.mosaic or row.shared])
def test_both_converters_give_the_same_bits(bridge: BridgeDouble, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ENCODINGS[name]
    rows = 8 + int(8 * row.chroma_rows)
    shape = (rows, 10) if row.channels == 1 else (rows, 10, row.channels)
    pixels = np.random.default_rng(2).integers(0, 1 << row.bits, shape).astype(f"u{row.bits // 8}")
    sent = planes(pixels, name, 8, 6)
    assert converter.converter_name() == "cv_bridge"
    bridge.asked.clear()
    bridged = color_from_message(sent).rgb()
    assert bridge.asked == ([row.bridge_name] if row.bridge_name else [])
    monkeypatch.setattr(converter, "_cv_bridge", lambda: None)
    np.testing.assert_array_equal(color_from_message(sent).rgb(), bridged)


def test_a_cv_bridge_that_does_not_fit_this_numpy_is_not_used(
    bridge: BridgeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ImportError("numpy.core.multiarray failed to import")

    monkeypatch.setattr(bridge, "imgmsg_to_cv2", broken)
    assert converter.converter_name() == "OpenCV"
    assert color_from_message(message(np.zeros((4, 4), np.uint8), "bayer_rggb8")).size == (4, 4)


# ------------------------------------------------------------------------------------- what `data` may be


class DeviceBufferDouble:
    """Stands in for rosidl::Buffer of ROS 2 Lyrical: in a GPU's memory, so no buffer protocol; `to_bytes()` copies."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def to_bytes(self) -> bytes:
        return self._content


@pytest.mark.parametrize(
    "kind",
    [bytes, bytearray, memoryview, lambda b: array("B", b), lambda b: np.frombuffer(b, np.uint8), DeviceBufferDouble],
)
def test_whatever_holds_the_bytes_gives_the_same_picture(kind: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    sent = message(pixels, "rgb8", padding=2)
    sent.data = kind(sent.data)
    np.testing.assert_array_equal(color_from_message(sent).rgb(), pixels)
    png = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
    picture = SimpleNamespace(format="rgb8; png compressed bgr8", data=kind(png))
    np.testing.assert_array_equal(color_from_message(picture).rgb(), pixels)


@pytest.mark.parametrize("data", [[1, 2, 3], "text", None])
def test_data_that_is_not_bytes_is_an_image_error(data: Any) -> None:
    sent = message(np.zeros((1, 1, 3), np.uint8), "rgb8")
    sent.data = data
    with pytest.raises(ImageError, match=f"cannot be a {type(data).__name__}"):
        color_from_message(sent)
