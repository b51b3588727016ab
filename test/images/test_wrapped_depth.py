"""32FC1 as compressedDepth of what is too near for its code: skipped where it shows, told where it may be."""

import struct

import cv2
import numpy as np
import pytest
from image_messages import compressed

from redwood_depth.images.decode import depth_from_message
from redwood_depth.images.inverse_depth import InverseDepthCode
from redwood_depth.images.wrapped_depth import WrappedDepth


def recorded(depth_m: np.ndarray, quantization: float = 100.0, depth_max_m: float = 10.0) -> object:
    """A message as compressed_depth_image_transport makes it, its conversion to 16 bits included."""
    a = quantization * (quantization + 1)
    b = 1 - a / depth_max_m
    with np.errstate(divide="ignore"):
        codes = np.where((depth_m > 0) & (depth_m < depth_max_m), a / depth_m + b, 0)
    png = cv2.imencode(".png", (codes.astype(np.int64) & 0xFFFF).astype(np.uint16))[1].tobytes()
    return compressed("32FC1; compressedDepth png", struct.pack("<iff", 0, a, b) + png)


def approaching(nearest_m: float) -> np.ndarray:
    """A table that comes nearer from row to row, before a wall."""
    depth_m = np.repeat(np.geomspace(1.0, nearest_m, 480)[:, None], 640, axis=1)
    depth_m[:, :200] = 2.5
    return depth_m


@pytest.mark.parametrize(("quantization", "depth_max_m"), [(100.0, 10.0), (60.0, 6.0)])
def test_a_surface_that_comes_too_near_is_left_out_there(quantization: float, depth_max_m: float) -> None:
    a = quantization * (quantization + 1)
    limit_m = InverseDepthCode(a, 1 - a / depth_max_m).nearest_m
    wrapped, depth_m = WrappedDepth(), approaching(0.9 * limit_m)
    found = depth_from_message(recorded(depth_m, quantization, depth_max_m), wrapped)
    held = depth_m >= 1.001 * limit_m
    held[:, :200] = False  # the wall has the codes of something that wrapped round beside it: it may be skipped too
    np.testing.assert_allclose(found[held], depth_m[held], rtol=0.01)
    wall = found[:, :200]
    np.testing.assert_allclose(wall[np.isfinite(wall)], 2.5, rtol=0.01)
    assert np.isnan(found[depth_m < limit_m]).all()
    assert f"nearer than {limit_m:.3f} m wraps round" in str(wrapped.warning)
    assert "skipped, in 1 images" in str(wrapped.warning)


def test_coming_close_is_told_and_nothing_taken_away() -> None:
    wrapped, depth_m = WrappedDepth(), approaching(0.16)
    np.testing.assert_allclose(depth_from_message(recorded(depth_m), wrapped), depth_m, rtol=0.01)
    assert "perhaps unseen" in str(wrapped.warning)


@pytest.mark.parametrize("nearest_m", [0.2, 0.3, 0.6])
def test_a_usual_camera_s_depth_gets_no_word(nearest_m: float) -> None:
    wrapped = WrappedDepth()
    depth_from_message(recorded(approaching(nearest_m)), wrapped)
    assert wrapped.warning is None


def test_the_code_says_what_it_holds_and_how_finely() -> None:
    words = InverseDepthCode(10100.0, 1 - 1010.0).words
    assert words.startswith("32FC1 in 16 bits: 0.152 to 10 m (nearer is wrong), in steps of 0.099 mm at 1 m")
    assert words.endswith("9.9 mm at 10 m")
