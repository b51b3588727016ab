"""Intrinsics: what resizing, binning and focal length do."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood_depth.camera import Intrinsics, TrainingCamera, is_rectified
from redwood_depth.errors import CameraError

CARMINE = Intrinsics(640, 480, 525.0, 525.0, 319.5, 239.5)
TRAINING = TrainingCamera(525 / 640, 525 / 480)


def info(width: int = 640, height: int = 480, fx: float = 525.0, fy: float = 525.0, **more: Any) -> Any:
    roi = SimpleNamespace(**{"width": 0, "height": 0, "x_offset": 0, "y_offset": 0, **more.pop("roi", {})})
    k = [fx, 0.0, 319.5, 0.0, fy, 239.5, 0.0, 0.0, 1.0]
    p = more.pop("p", [0.0] * 12)
    return SimpleNamespace(width=width, height=height, k=k, p=p, roi=roi, **{"binning_x": 0, "binning_y": 0, **more})


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
    with pytest.raises(CameraError, match=r"(impossible|implausible) camera_info"):
        Intrinsics.from_camera_info(info(**bad))


def test_a_calibration_of_another_view_is_refused_and_of_another_resolution_taken() -> None:
    assert CARMINE.fitted(240, 320).fx == pytest.approx(262.5)
    with pytest.raises(CameraError, match="640x480, the image is 1280x720"):
        CARMINE.fitted(720, 1280)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"fx": 1.0, "fy": 1.0}, "of the image's size"),  # the identity, as ensenso's driver sends it
        ({"fx": 3150.0, "fy": 3150.0}, "of the image's size"),  # of an image six times as large, its middle mended
        ({"fx": 525.0, "fy": 260.0}, "fx is 2.02 of fy"),  # binned along one axis
        ({"width": 1280, "height": 960}, "far from the middle"),  # K of the binned image, size of the sensor
        ({"width": 320, "height": 240, "fx": 525.0}, "far from the middle"),  # and the other way round
        ({"width": 1920, "height": 1080, "fx": 1050.0, "fy": 1050.0}, "far from the middle"),
    ],
)
def test_a_calibration_that_cannot_be_of_its_image_is_named_with_its_values(values: dict[str, Any], why: str) -> None:
    with pytest.raises(CameraError, match=f"implausible camera_info: .*fx.*{why}"):
        Intrinsics.from_camera_info(info(**values))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"fx": 170.0, "fy": 170.0},  # a fisheye's
        {"fx": 1900.0, "fy": 1900.0},  # a zoom lens's
        {"fx": 525.0, "fy": 700.0},  # 16:9 made 4:3
        {"binning_x": 2, "binning_y": 2},
        {"roi": {"width": 200, "height": 200, "x_offset": 0, "y_offset": 0}},  # the corner of a sensor
    ],
)
def test_unusual_cameras_are_believed(values: dict[str, Any]) -> None:
    assert Intrinsics.from_camera_info(info(**values)) is not None


def p_of(f: float) -> list[float]:
    return [f, 0.0, 319.5, 0.0, 0.0, f, 239.5, 0.0, 0.0, 0.0, 1.0, 0.0]


@settings(deadline=None)
@given(st.floats(100, 1900), st.floats(100, 1900))
def test_rectified_images_are_described_by_p_and_others_by_k(of_k: float, of_p: float) -> None:
    both = info(fx=of_k, fy=of_k, p=p_of(of_p))
    raw, rectified = (Intrinsics.from_camera_info(both, rectified=flag) for flag in (False, True))
    assert raw
    assert rectified
    assert (raw.fx, rectified.fx) == (of_k, of_p)
    without_p = Intrinsics.from_camera_info(info(fx=of_k, fy=of_k), rectified=True)
    assert without_p
    assert without_p.fx == of_k


def test_p_is_taken_where_k_cannot_be() -> None:
    found = Intrinsics.from_camera_info(info(fx=1.0, fy=1.0, p=p_of(480.0)))
    assert found
    assert found.fx == 480.0


@pytest.mark.parametrize(
    ("topic", "rectified"),
    [
        ("/camera/color/image_rect_color", True),
        ("/kinect2/hd/image_color_rect/compressed", True),
        ("/zed/zed_node/rgb/color/rect/image", True),
        ("/stereo/left/image_rectified", True),
        ("/camera/color/image_raw", False),
        ("/direct/image", False),
    ],
)
def test_a_topics_name_says_whether_its_images_are_rectified(topic: str, rectified: bool) -> None:
    assert is_rectified(topic) == rectified
