"""The modeled depth camera: its steps, its range, and that it invents nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.synthetic.rendering.depth_sensor import WINDOW_PX, DepthSensor, patches

SENSOR = DepthSensor()
SHAPE = (60, 80)


def wall(z_m: float, albedo: float = 0.5, incidence: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(np.full(SHAPE, value, np.float32) for value in (z_m, incidence, albedo))  # type: ignore[return-value]


@given(st.floats(0.5, 3.9))
def test_a_step_of_depth_grows_with_its_square(z_m: float) -> None:
    assert SENSOR.step_m(2 * z_m) == pytest.approx(4 * SENSOR.step_m(z_m))
    fine = np.linspace(z_m, z_m * 1.2, 4000, dtype=np.float32)
    levels = np.unique(SENSOR.quantized(fine))
    if len(levels) > 2:
        assert np.diff(levels)[0] == pytest.approx(SENSOR.step_m(levels[0]), rel=0.2)


@settings(max_examples=25)
@given(st.floats(0.45, 7.5), st.integers(0, 1000))
def test_a_flat_wall_stays_within_a_step_and_the_noise(z_m: float, seed: int) -> None:
    depth = SENSOR.measure(*wall(z_m), np.random.default_rng(seed)) / 1000
    seen = depth > 0
    assert seen.mean() > 0.9
    most = SENSOR.step_m(z_m) * (0.5 + 5 * SENSOR.noise_px / SENSOR.step_px) * 1.2 + 0.001
    assert np.abs(depth[seen] - z_m).max() <= most


@settings(max_examples=25)
@given(st.integers(0, 1000))
def test_holes_only_remove_and_nothing_leaves_the_range(seed: int) -> None:
    rng = np.random.default_rng(seed)
    z_m = np.kron(rng.uniform(0.0, 12.0, (6, 8)), np.ones((10, 10))).astype(np.float32)
    z_m[z_m < 0.3] = 0
    depth = SENSOR.measure(z_m, rng.random(SHAPE, np.float32), rng.random(SHAPE, np.float32), rng)
    assert depth.dtype == np.uint16
    seen = depth > 0
    assert ((depth[seen] >= 400) & (depth[seen] <= 8000)).all()
    padded = np.pad(z_m, WINDOW_PX // 2, mode="edge")
    near = np.lib.stride_tricks.sliding_window_view(padded, (WINDOW_PX, WINDOW_PX)).reshape(*SHAPE, -1)
    error_m = np.abs(near - depth[..., None] / 1000).min(axis=-1)
    assert (error_m[seen] < 0.2 * depth[seen] / 1000).all()  # always the depth of a surface within the window


def test_what_is_thinner_than_the_window_is_overlooked() -> None:
    z_m, incidence, albedo = wall(2.0)
    z_m[:, 40] = 1.8
    depth = SENSOR.measure(z_m, incidence, albedo, np.random.default_rng(0))
    assert (depth > 0).mean() > 0.99
    assert np.abs(depth[depth > 0] - 2000.0).max() < 30


def test_the_pattern_does_not_reach_behind_the_edge_on_one_side_only() -> None:
    z_m, incidence, albedo = wall(3.0)
    z_m[:, 45:] = 1.0
    depth = SENSOR.measure(z_m, incidence, albedo, np.random.default_rng(0))
    missing = (depth == 0).mean(axis=0)
    width_px = round(SENSOR.focal_px * SENSOR.baseline_m * (1 / 1.0 - 1 / 3.0))
    shadow = missing[45 - width_px + 3 : 43]
    assert shadow.min() > 0.9
    assert missing[: 45 - width_px - 3].max() < 0.1
    assert missing[48:].max() < 0.1


@pytest.mark.parametrize(("albedo", "incidence"), [(0.01, 1.0), (0.5, 0.02)])
def test_black_surfaces_and_grazing_views_return_nothing(albedo: float, incidence: float) -> None:
    assert not SENSOR.measure(*wall(2.0, albedo, incidence), np.random.default_rng(0)).any()


def test_the_same_seed_gives_the_same_image() -> None:
    first, second = (SENSOR.measure(*wall(2.0), np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(first, second)


def test_patches_have_deviation_one() -> None:
    assert patches(np.random.default_rng(0), (400, 400), 3.0).std() == pytest.approx(1.0, abs=0.06)
