"""Conversions under whatever hypothesis thinks of: a result that makes sense, or the documented error, nothing else."""

import math
import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytest.importorskip("sensor_msgs.msg", reason="needs ROS 2 messages")

from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from redwood_depth.camera import Intrinsics, TrainingCamera
from redwood_depth.errors import CameraError, ImageError
from redwood_depth.images.decode import color_from_message, depth_from_message
from redwood_depth.node.messages import camera_info_message, depth_message

UINT32 = st.sampled_from((0, 1, 2, 3, 480, 640, 2**31, 2**32 - 1)) | st.integers(0, 2**32 - 1)
ANY_FLOAT = st.floats() | st.sampled_from((0.0, 1.0, 525.0, 1e-300, 1e300))
SIZES = st.tuples(st.integers(1, 16384), st.integers(1, 16384))


@given(
    st.tuples(UINT32, UINT32, UINT32, UINT32),
    st.lists(ANY_FLOAT, min_size=9, max_size=9),
    st.lists(ANY_FLOAT, min_size=12, max_size=12),
    st.tuples(UINT32, UINT32, UINT32, UINT32),
    SIZES,
)
def test_any_camera_info_is_a_camera_none_or_an_error(
    sizes: tuple[int, ...], k: list[float], p: list[float], region: tuple[int, ...], image: tuple[int, int]
) -> None:
    info = CameraInfo(height=sizes[0], width=sizes[1], binning_x=sizes[2], binning_y=sizes[3], k=k, p=p)
    info.roi = RegionOfInterest(x_offset=region[0], y_offset=region[1], height=region[2], width=region[3])
    try:
        intrinsics = Intrinsics.from_camera_info(info)
        fitted = intrinsics.fitted(*image) if intrinsics else None
    except CameraError:
        return
    with np.errstate(all="ignore"):
        scaled = camera_info_message(Header(), info, *image)
    assert (scaled.height, scaled.width) == image
    if fitted:
        assert (fitted.height, fitted.width) == image
        scale = fitted.depth_scale(TrainingCamera(0.8, 1.1))
        assert 0.0 < scale < 1e20  # far from where float32 overflows


def _pictures() -> list[bytes]:
    pixels = np.arange(24 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(24, 32, 3)
    return [cv2.imencode(kind, pixels)[1].tobytes() for kind in (".jpg", ".png")]


@given(st.sampled_from(_pictures()), st.data())
def test_an_altered_picture_is_a_picture_or_an_error(picture: bytes, data: st.DataObject) -> None:
    altered = bytearray(picture)
    for _ in range(data.draw(st.integers(1, 6))):
        altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
    try:
        rgb = color_from_message(SimpleNamespace(format="jpeg", data=bytes(altered))).rgb()
    except ImageError:
        return
    assert rgb.dtype == np.uint8
    assert rgb.shape[2] == 3


@given(hnp.arrays(np.uint16, (4, 5)), st.floats(width=32), st.floats(width=32))
def test_quantized_depth_with_any_parameters_is_meters_or_nan(values: np.ndarray, a: float, b: float) -> None:
    png = cv2.imencode(".png", values)[1].tobytes()
    message = SimpleNamespace(format="32FC1; compressedDepth png", data=struct.pack("<iff", 0, a, b) + png)
    try:
        depth_m = depth_from_message(message)
    except ImageError:  # of parameters that no recorder writes
        return
    assert depth_m.shape == (4, 5)
    assert (np.isnan(depth_m) | ((depth_m > 0) & np.isfinite(depth_m))).all()
    assert np.isnan(depth_m[values == 0]).all()


@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(width=32)), st.sampled_from(("32FC1", "16UC1")))
def test_any_depth_can_be_published_and_read_again(depth_m: np.ndarray, encoding: str) -> None:
    with np.errstate(all="ignore"):
        again = depth_from_message(depth_message(Header(), depth_m, encoding))
    valid = np.isfinite(again)
    assert (again[valid] > 0).all()
    expected = depth_m[valid] if encoding == "32FC1" else np.rint(depth_m[valid] * 1000) / 1000
    np.testing.assert_allclose(again[valid], expected, rtol=1e-5)
    assert not math.isinf(float(np.nanmax(again, initial=0.0)))
