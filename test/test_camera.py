"""Intrinsics: what resizing, binning and focal length do."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood_depth.camera import Intrinsics, TrainingCamera
from redwood_depth.errors import CameraError

CARMINE = Intrinsics(640, 480, 525.0, 525.0, 319.5, 239.5)
TRAINING = TrainingCamera(525 / 640, 525 / 480)


def info(width: int = 640, height: int = 480, fx: float = 525.0, fy: float = 525.0, **more: Any) -> Any:
    roi = SimpleNamespace(**{"width": 0, "height": 0, "x_offset": 0, "y_offset": 0, **more.pop("roi", {})})
    k = [fx, 0.0, 319.5, 0.0, fy, 239.5, 0.0, 0.0, 1.0]
    return SimpleNamespace(width=width, height=height, k=k, roi=roi, **{"binning_x": 0, "binning_y": 0, **more})


@given(st.integers(16, 4000), st.integers(16, 4000))
def test_resizing_the_image_does_not_change_the_correction(height: int, width: int) -> None:
    assert CARMINE.scaled(height, width).depth_scale(TRAINING) == pytest.approx(1.0)


@given(st.floats(0.2, 5.0))
def test_depth_scales_with_the_focal_length(zoom: float) -> None:
    camera = Intrinsics(640, 480, 525 * zoom, 525 * zoom, 319.5, 239.5)
    assert camera.depth_scale(TRAINING) == pytest.approx(zoom)


def test_camera_info_is_read_with_its_binning_and_region() -> None:
    assert Intrinsics.from_camera_info(info()) == CARMINE
    binned = Intrinsics.from_camera_info(info(binning_x=2, binning_y=2))
    assert binned == Intrinsics(320, 240, 262.5, 262.5, 159.75, 119.75)
    region = {"width": 320, "height": 240, "x_offset": 100, "y_offset": 50}
    cropped = Intrinsics.from_camera_info(info(roi=region))
    assert cropped == Intrinsics(320, 240, 525.0, 525.0, 219.5, 189.5)
    assert cropped.depth_scale(TRAINING) == pytest.approx(2.0)  # half the view: the same pixels mean twice the distance


def test_no_focal_length_means_uncalibrated() -> None:
    assert Intrinsics.from_camera_info(info(fx=0.0)) is None


@pytest.mark.parametrize(
    "bad",
    [
        *({"fx": -5.0}, {"fy": 0.0}, {"fx": float("nan")}, {"width": 0}, {"fy": float("inf")}),
        *({"fx": 1e300}, {"fy": 1e-300}),  # would overflow the depth, or make nothing of it
        *({"binning_x": 641}, {"binning_y": 2**32 - 1}),  # would leave no pixel
    ],
)
def test_impossible_calibrations_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(CameraError, match="impossible camera_info"):
        Intrinsics.from_camera_info(info(**bad))


def test_a_calibration_of_another_view_is_refused_and_of_another_resolution_taken() -> None:
    assert CARMINE.fitted(240, 320).fx == pytest.approx(262.5)
    with pytest.raises(CameraError, match="640x480, the image is 1280x720"):
        CARMINE.fitted(720, 1280)
