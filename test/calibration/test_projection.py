"""Lidar points in the camera's image, beside the plainest way to do the same."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood_depth.calibration.projection import sparse_depth
from redwood_depth.camera import Intrinsics

CAMERA = Intrinsics(640, 480, 560.0, 570.0, 319.5, 239.5)


def on_plane(distance_m: float, step_px: int = 12) -> np.ndarray:
    v, u = np.mgrid[2:478:step_px, 2:638:step_px]
    z = np.full(u.shape, distance_m)
    return np.stack([(u - CAMERA.cx) / CAMERA.fx * z, (v - CAMERA.cy) / CAMERA.fy * z, z], -1).reshape(-1, 3)


@given(st.floats(0.3, 20.0), st.integers(9, 60))
@settings(max_examples=30)
def test_a_wall_comes_back_at_its_distance(distance_m: float, step_px: int) -> None:
    points = on_plane(distance_m, step_px)
    depth_m = sparse_depth(points, CAMERA)
    assert depth_m.shape == (480, 640)
    assert np.count_nonzero(np.isfinite(depth_m)) == len(points)
    np.testing.assert_allclose(depth_m[np.isfinite(depth_m)], distance_m, rtol=1e-6)


def test_behind_the_camera_outside_the_image_and_nan_are_left_out() -> None:
    points = np.array([[0.0, 0.0, -1.0], [10.0, 0.0, 1.0], [np.nan, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
    depth_m = sparse_depth(points, CAMERA)
    assert np.flatnonzero(np.isfinite(depth_m)).size == 1
    assert np.nanmax(depth_m[239:241, 319:321]) == 2.0


def test_of_two_points_in_a_pixel_the_nearer_counts() -> None:
    points = np.array([[0.0, 0.0, 2.1], [0.0, 0.0, 2.0]])
    assert np.nanmin(sparse_depth(points, CAMERA)) == 2.0
    assert np.count_nonzero(np.isfinite(sparse_depth(points, CAMERA))) == 1


def test_what_a_lidar_sees_past_a_near_thing_is_not_taken_for_what_the_camera_sees() -> None:
    """A board 1 m away over half of the image; the lidar stands aside and has points of the wall behind it as well."""
    board, wall = on_plane(1.0, 6), on_plane(4.0, 5)
    board = board[board[:, 0] < 0]
    depth_m = sparse_depth(np.concatenate([board, wall]), CAMERA)
    behind, beside = depth_m[10:-10, 10:310], depth_m[10:-10, 340:]
    assert set(np.unique(behind[np.isfinite(behind)])) == {1.0}
    assert set(np.unique(beside[np.isfinite(beside)])) == {4.0}


def test_a_floor_seen_at_a_slant_stays() -> None:
    v, u = np.mgrid[300:480, 0:640:4]
    z = 0.5 * CAMERA.fy / (v - CAMERA.cy)  # a floor 0.5 m below
    points = np.stack([(u - CAMERA.cx) / CAMERA.fx * z, np.full(z.shape, 0.5), z], -1).reshape(-1, 3)
    assert np.count_nonzero(np.isfinite(sparse_depth(points, CAMERA))) == z.size
