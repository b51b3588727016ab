"""Messages and point clouds: real ROS message classes, no rclpy needed to make them."""

import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytest.importorskip("sensor_msgs.msg", reason="needs ROS 2 messages")

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from redwood_depth.camera import Intrinsics
from redwood_depth.images.decode import color_from_message, depth_from_message
from redwood_depth.node.lens import pinhole_rays
from redwood_depth.node.messages import (
    blank_depth_message,
    camera_info_message,
    classification_message,
    depth_message,
    depth_pixels,
    diagnostic_status,
    image_message,
    label_info_message,
)
from redwood_depth.node.point_cloud import point_cloud_message, points_from_depth

HEADER = Header(stamp=Time(sec=12, nanosec=34), frame_id="optical")
DEPTHS = hnp.arrays(np.float32, (4, 5), elements=st.floats(0.0009765625, 60.0, width=32) | st.just(float("nan")))


@given(DEPTHS)
def test_depth_survives_the_way_through_a_message(depth_m: np.ndarray) -> None:
    meters = depth_message(HEADER, depth_m)
    np.testing.assert_array_equal(depth_from_message(meters), depth_m)
    assert (meters.encoding, meters.step, meters.header) == ("32FC1", 20, HEADER)
    assert isinstance(meters.data, array.array)
    millimeters = depth_message(HEADER, depth_m, "16UC1")
    np.testing.assert_allclose(depth_from_message(millimeters), depth_m, atol=0.000501)


def test_what_is_written_to_the_pixels_of_a_message_is_in_it() -> None:
    message, depth_m = blank_depth_message(4, 5), np.arange(20, dtype=np.float32).reshape(4, 5) + 1
    for scale in (1.0, 2.0):  # it serves for one frame after another
        depth_pixels(message)[...] = scale * depth_m
        np.testing.assert_array_equal(depth_from_message(message), scale * depth_m)
    fresh = depth_message(Header(), 2.0 * depth_m)
    assert message == fresh


def test_millimeters_that_do_not_fit_are_no_measurement() -> None:
    depth_mm = depth_from_message(depth_message(HEADER, np.float32([[65.5351, 65.6, np.inf, -1.0, 0.0004]]), "16UC1"))
    assert np.isfinite(depth_mm).tolist() == [[True, False, False, False, False]]


def test_a_part_of_an_array_is_sent_whole_and_right() -> None:
    pixels = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    part = pixels[1:4, 2:7]
    np.testing.assert_array_equal(color_from_message(image_message(HEADER, part, "rgb8")).rgb(), part)


def test_camera_info_follows_the_size_of_the_image() -> None:
    info = CameraInfo(height=480, width=640, distortion_model="plumb_bob", d=[0.1, 0.0, 0.0, 0.0, 0.0])
    info.k = [525.0, 0.0, 319.5, 0.0, 520.0, 239.5, 0.0, 0.0, 1.0]
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.p = [525.0, 0.0, 319.5, -40.0, 0.0, 520.0, 239.5, 8.0, 0.0, 0.0, 1.0, 0.0]
    scaled = camera_info_message(HEADER, info, 240, 160)
    assert (scaled.height, scaled.width, scaled.header) == (240, 160, HEADER)
    assert (scaled.k[0], scaled.k[2], scaled.k[4], scaled.k[5], scaled.k[8]) == (131.25, 79.875, 260.0, 119.75, 1.0)
    assert (scaled.p[0], scaled.p[2], scaled.p[3]) == (131.25, 79.875, -10.0)
    assert (scaled.p[5], scaled.p[6], scaled.p[7], scaled.p[10]) == (260.0, 119.75, 4.0, 1.0)
    assert list(scaled.d) == [0.1, 0.0, 0.0, 0.0, 0.0]
    assert info.k[0] == 525.0
    same = camera_info_message(HEADER, info, 480, 640)
    assert (list(same.k), list(same.p)) == (list(info.k), list(info.p))


@given(st.integers(0, 3), st.booleans(), st.integers(20, 500), st.floats(0.8, 1.25))
def test_camera_info_and_intrinsics_agree(binning: int, with_region: bool, height: int, stretch: float) -> None:
    width = round(height * 4 / 3 * stretch)
    info = CameraInfo(height=480, width=640, binning_x=binning, binning_y=binning)
    info.k = [525.0, 0.0, 319.5, 0.0, 520.0, 239.5, 0.0, 0.0, 1.0]
    if with_region:
        info.roi = RegionOfInterest(x_offset=24, y_offset=12, width=480, height=360)
    read = Intrinsics.from_camera_info(info)
    assert read is not None
    again = Intrinsics.from_camera_info(camera_info_message(HEADER, info, height, width))
    expected = read.scaled(height, width)
    for name in ("fx", "fy", "cx", "cy"):
        assert getattr(again, name) == pytest.approx(getattr(expected, name), abs=0.02 * max(height, width))


@pytest.mark.parametrize(
    ("model", "d", "expected_model", "count"),
    [
        ("", [], "plumb_bob", 5),
        ("plumb_bob", [], "plumb_bob", 5),
        ("rational_polynomial", [], "rational_polynomial", 8),
        ("equidistant", [], "equidistant", 4),
        ("", [0.1, 0.0, 0.0, 0.0], "plumb_bob", 4),
    ],
)
def test_what_the_driver_left_empty_is_filled(model: str, d: list[float], expected_model: str, count: int) -> None:
    info = CameraInfo(height=480, width=640, distortion_model=model, d=d)
    info.k = [525.0, 0.0, 319.5, 0.0, 520.0, 239.5, 0.0, 0.0, 1.0]
    info.roi = RegionOfInterest(x_offset=2, y_offset=4, width=600, height=400)
    filled = camera_info_message(HEADER, info, 200, 300)
    assert (filled.distortion_model, list(filled.d)) == (expected_model, d or [0.0] * count)
    np.testing.assert_array_equal(np.reshape(filled.r, (3, 3)), np.eye(3))
    np.testing.assert_array_equal(np.reshape(filled.p, (3, 4))[:, :3], np.reshape(filled.k, (3, 3)))
    assert (filled.p[3], filled.k[2]) == (0.0, (319.5 - 2) / 2)


def test_without_calibration_camera_info_says_so() -> None:
    info = camera_info_message(HEADER, None, 24, 32)
    assert (info.height, info.width, info.k[0], info.header) == (24, 32, 0.0, HEADER)


@given(hnp.arrays(np.float32, 3, elements=st.floats(0, 1, width=32)), st.floats(0, 1))
def test_classes_best_first_and_none_below_the_threshold(scores: np.ndarray, threshold: float) -> None:
    results = classification_message(HEADER, ("a", "b", "c"), scores, threshold).results
    published = [result.score for result in results]
    assert published == sorted((float(score) for score in scores if score >= threshold), reverse=True)
    assert all(scores["abc".index(result.class_id)] == np.float32(result.score) for result in results)


def test_labels_and_diagnostics() -> None:
    labels = label_info_message(HEADER, ("car", "bicycle"), 0.5)
    assert [(entry.class_id, entry.class_name) for entry in labels.class_map] == [(0, "car"), (1, "bicycle")]
    status = diagnostic_status("perception", 1, "no image", {"frames": 3})
    assert (status.level, status.values[0].key, status.values[0].value) == (b"\x01", "frames", "3")


def test_points_lie_where_the_pinhole_puts_them() -> None:
    intrinsics = Intrinsics(4, 3, 2.0, 2.5, 1.5, 1.0)
    depth_m = np.float32([[1, 2, 3, 4], [np.nan, 2, 2, 2], [5, 5, 5, 5]])
    rgb = np.zeros((3, 4, 3), np.uint8)
    rgb[0, 3] = 10, 20, 30
    points = points_from_depth(depth_m, rgb, pinhole_rays(intrinsics))
    corner = [float(points[name][0, 3]) for name in "xyz"]
    assert corner == pytest.approx([(3 - 1.5) / 2.0 * 4, (0 - 1) / 2.5 * 4, 4.0])
    assert np.isnan([points[name][1, 0] for name in "xyz"]).all()
    cloud = point_cloud_message(HEADER, points)
    assert (cloud.height, cloud.width, cloud.point_step, cloud.row_step) == (3, 4, 16, 64)
    assert [field.name for field in cloud.fields] == ["x", "y", "z", "rgb"]
    assert not cloud.is_dense
    assert cloud.header == HEADER
    back = np.frombuffer(cloud.data, points.dtype).reshape(3, 4)
    np.testing.assert_array_equal(back["z"], depth_m)
    assert back["rgb"][0, 3].view(np.uint32) == (10 << 16) + (20 << 8) + 30


def test_a_camera_info_that_was_never_filled_in_scales_to_one() -> None:
    info = camera_info_message(HEADER, CameraInfo(), 48, 64)
    assert (info.height, info.width) == (48, 64)
    assert not any(info.k)
    assert not any(info.p)
