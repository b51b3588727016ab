"""A factor a frame, from points of known depth or from the floor."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood_depth.calibration.anchors import AnchorFilter, AnchorPoints, anchor_of_distance, anchor_of_points
from redwood_depth.calibration.floor import anchor_of_floor
from redwood_depth.camera import Intrinsics

CAMERA = Intrinsics(160, 120, 140.0, 140.0, 79.5, 59.5)


def row_of_truth(true_m: np.ndarray, row: int = 60) -> np.ndarray:
    """What a 2D lidar at the height of one row sees."""
    sparse = np.full(true_m.shape, np.nan, np.float32)
    sparse[row] = true_m[row]
    return sparse


@given(st.floats(0.15, 8.0), st.floats(0.0, 0.4))
def test_points_give_the_factor_though_some_of_them_are_wrong(factor: float, wrong: float) -> None:
    true_m = np.random.default_rng(1).uniform(0.5, 6.0, (120, 160)).astype(np.float32)
    sparse = row_of_truth(true_m)
    sparse[60, : int(160 * wrong)] *= 3.0
    anchor = anchor_of_points((true_m / factor).astype(np.float32), sparse)
    assert anchor.reason is None
    assert math.exp(anchor.log_factor) == pytest.approx(factor, rel=1e-3)
    assert anchor.points == 160


def test_why_points_are_not_used() -> None:
    true_m = np.random.default_rng(1).uniform(0.5, 6.0, (120, 160)).astype(np.float32)
    few = row_of_truth(true_m)
    few[:, 5:] = np.nan
    assert "5 points fall on predicted depth, 10 are needed" in (anchor_of_points(true_m, few).reason or "")
    other = np.random.default_rng(2).uniform(0.5, 6.0, (120, 160)).astype(np.float32)
    assert "the points disagree" in (anchor_of_points(other, row_of_truth(true_m)).reason or "")
    assert "a factor of 20 is outside 0.1 to 10" in (anchor_of_points(true_m / 20, row_of_truth(true_m)).reason or "")


def test_the_filter_smooths_holds_and_forgets() -> None:
    now, second = 1_000_000_000_000, 1_000_000_000
    anchors = AnchorFilter(smoothing_s=0.5)
    assert anchors.update(now, None) is None
    assert anchors.update(now, AnchorPoints(math.log(2.0), 50)) == pytest.approx(2.0)
    jump = anchors.update(now + second // 10, AnchorPoints(math.log(4.0), 50))
    assert jump is not None
    assert 2.0 < jump < 2.6
    refused = anchors.update(now + second // 5, AnchorPoints(math.log(9.0), 3, "too few"))
    assert refused == pytest.approx(jump)
    assert anchors.refused == 1
    assert anchors.age_s(now + second // 5) == pytest.approx(0.1)
    assert anchors.update(now + 60 * second, None) is None
    assert anchors.age_s(now + 60 * second) is None


def test_the_filter_forgets_where_time_goes_back() -> None:
    anchors = AnchorFilter()
    anchors.update(100, AnchorPoints(math.log(2.0), 50))
    assert anchors.update(50, None) is None


def floor_scene(height_m: float, pitch_rad: float) -> tuple[np.ndarray, np.ndarray]:
    """Depth of a floor `height_m` below a camera that looks down by `pitch_rad`, with a wall 5 m away."""
    down = np.array([0.0, math.cos(pitch_rad), math.sin(pitch_rad)])
    v, u = np.mgrid[0:120, 0:160]
    rays = np.stack([(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)], -1)
    along = rays @ down
    floor = np.where(along > 1e-6, height_m / np.maximum(along, 1e-6), np.inf)
    return np.minimum(floor, 5.0).astype(np.float32), down


@given(st.floats(0.2, 1.5), st.floats(0.1, 0.6), st.floats(0.3, 3.0))
def test_the_floor_gives_the_factor(height_m: float, pitch_rad: float, factor: float) -> None:
    true_m, down = floor_scene(height_m, pitch_rad)
    anchor = anchor_of_floor(true_m / np.float32(factor), CAMERA, camera_height_m=height_m, down=down)
    assert anchor.reason is None
    assert math.exp(anchor.log_factor) == pytest.approx(factor, rel=0.05)


def test_no_floor_in_view_is_said() -> None:
    wall = np.full((120, 160), 2.0, np.float32)
    anchor = anchor_of_floor(wall, CAMERA, camera_height_m=0.5, down=np.array([0.0, 1.0, 0.0]))
    assert anchor.reason == "no floor in view"
    nothing = np.full((120, 160), np.nan, np.float32)
    assert "no predicted depth" in (
        anchor_of_floor(nothing, CAMERA, camera_height_m=0.5, down=np.array([0, 1, 0])).reason or ""
    )


@given(st.floats(0.2, 5.0))
def test_a_distance_puts_the_middle_there(distance_m: float) -> None:
    pred_m = np.full((48, 64), 2.0, np.float32)
    pred_m[:10] = 9.0
    anchor = anchor_of_distance(pred_m, distance_m)
    assert anchor.reason is None
    assert 2.0 * math.exp(anchor.log_factor) == pytest.approx(distance_m, rel=1e-6)
    nothing = np.full((48, 64), np.nan, np.float32)
    assert "no predicted depth in the middle" in (anchor_of_distance(nothing, distance_m).reason or "")
