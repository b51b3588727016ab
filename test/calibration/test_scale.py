"""A fixed correction of scale: found where there is one, and not where frames disagree."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood_depth.calibration.cross_check import cross_check
from redwood_depth.calibration.scale import DepthSample, Scale, fit_scale

RNG = np.random.default_rng(0)


def samples(factors, slope: float = 1.0, noise: float = 0.05, outliers: float = 0.0) -> list[DepthSample]:
    """Frames whose true depth is factor * predicted ** slope, with noise, and pixels that are far off."""
    made = []
    for index, factor in enumerate(factors):
        log_pred = RNG.uniform(math.log(0.5), math.log(6.0), 400).astype(np.float32)
        log_true = math.log(factor) + slope * log_pred + RNG.normal(0.0, noise, 400)
        log_true[: int(400 * outliers)] += 2.0
        made.append(DepthSample(index * 100_000_000, log_pred, log_true.astype(np.float32)))
    return made


@given(st.floats(0.2, 5.0), st.floats(0.0, 0.08))
def test_a_constant_factor_is_found_beside_outliers(factor: float, outliers: float) -> None:
    fitted = fit_scale(samples([factor] * 4, outliers=outliers))
    assert fitted.factor == pytest.approx(factor, rel=0.03)
    assert fitted.log_slope == 1.0


@given(st.floats(0.5, 2.0), st.floats(0.6, 1.6))
def test_a_slope_is_found_where_it_is_asked_for(factor: float, slope: float) -> None:
    fitted = fit_scale(samples([factor] * 4, slope=slope, outliers=0.05), slope=True)
    assert fitted.log_slope == pytest.approx(slope, abs=0.05)
    depth_m = np.array([[0.5, 2.0, np.nan]], np.float32)
    expected = factor * np.array([0.5, 2.0]) ** slope
    assert fitted.applied(depth_m)[0, :2] == pytest.approx(expected, rel=0.08)
    assert np.isnan(fitted.applied(depth_m)[0, 2])


def test_the_fit_is_that_of_the_least_abs_rel() -> None:
    """Beside a search over factors, without outliers to leave out."""
    frames = samples([0.7, 0.9, 1.1], noise=0.2)
    fitted = fit_scale(frames)
    scores = [
        np.mean([frame.abs_rel(Scale(math.log(factor))) for frame in frames]) for factor in np.arange(0.5, 1.3, 0.002)
    ]
    found = float(np.mean([frame.abs_rel(fitted) for frame in frames]))
    assert found <= min(scores) * 1.02


def test_a_wall_has_no_slope_to_fit() -> None:
    wall = DepthSample(0, np.full(50, 0.5, np.float32), np.full(50, 0.8, np.float32))
    assert fit_scale([wall], slope=True).log_slope == 1.0


def test_nothing_to_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="no pixel"):
        fit_scale([DepthSample(0, np.zeros(0, np.float32), np.zeros(0, np.float32))])


def test_the_cross_check_says_that_a_constant_error_can_be_mended() -> None:
    check = cross_check(samples([0.5] * 20))
    assert check is not None
    assert check.helps
    assert check.abs_rel_before == pytest.approx(1.0, abs=0.05)
    assert check.abs_rel_after < 0.06
    assert check.median_factor == pytest.approx(0.5, rel=0.02)
    assert check.sentence().startswith("a fixed factor would help (AbsRel ")


def test_the_cross_check_says_that_a_scale_that_drifts_cannot() -> None:
    """A recording half of which asks for 0.7 and half for 1.4: what one half teaches makes the other worse."""
    check = cross_check(samples([*[0.7] * 10, *[1.4] * 10], noise=0.02), blocks=2)
    assert check is not None
    assert not check.helps
    assert check.abs_rel_after > check.abs_rel_before
    assert "factors of 0.70 to 1.40" in check.sentence()


def test_one_frame_is_too_few_to_check() -> None:
    assert cross_check(samples([1.0])) is None


def test_a_sample_of_an_image_takes_valid_pixels_from_all_of_it() -> None:
    pred_m = np.full((50, 60), 2.0, np.float32)
    true_m = np.full((50, 60), 3.0, np.float32)
    valid = np.ones((50, 60), bool)
    valid[:, :10], pred_m[:5] = False, np.nan
    sample = DepthSample.of_image(pred_m, true_m, valid, most=200)
    assert 150 <= sample.log_true.size <= 200
    assert sample.log_ratio() == pytest.approx(math.log(1.5), abs=1e-6)
    assert sample.abs_rel() == pytest.approx(1 / 3, abs=1e-6)
