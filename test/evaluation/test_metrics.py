"""Depth metrics: known values, and what must hold for every image."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from redwood_depth.evaluation.metrics import SCORE_NAMES, depth_scores, median_scale, paper_scores, ssim, valid_depth

depths = st.floats(0.125, 10.0, width=32)  # bounds that float32 holds
images = hnp.arrays(np.float32, (5, 7), elements=depths)


def scores_of(pred: object, target: object, **options: object) -> dict[str, float]:
    scores = depth_scores(pred=pred, target=target, **options)
    assert scores is not None
    return scores


def test_known_values() -> None:
    scores = scores_of(np.array([1.0, 4.0]), np.array([2.0, 4.0]))
    assert scores == pytest.approx(
        {
            "abs_rel": 0.25,
            "sq_rel": 0.25,
            "rmse": math.sqrt(0.5),
            "rmse_log": math.log(2) / math.sqrt(2),
            "log10": math.log10(2) / 2,
            "silog": 100 * math.log(2) / 2,
            "mae": 0.5,
            "delta1": 0.5,
            "delta2": 0.5,
            "delta3": 0.5,
            "coverage": 1.0,
        }
    )


def test_delta_thresholds_are_strict() -> None:
    scores = scores_of(np.array([1.25, 1.5625, 1.9, 1.0 / 1.2]), np.ones(4))
    assert [scores[f"delta{n}"] for n in (1, 2, 3)] == [0.25, 0.5, 1.0]


@given(target=images)
def test_a_perfect_prediction_scores_perfectly(target: np.ndarray) -> None:
    scores = scores_of(target, target)
    assert all(scores[name] == (1.0 if name.startswith("delta") else 0.0) for name in SCORE_NAMES)
    assert scores["coverage"] == 1.0


@given(pred=images, target=images, factor=st.floats(0.1, 10.0))
def test_silog_and_scaled_scores_ignore_the_scale(pred: np.ndarray, target: np.ndarray, factor: float) -> None:
    one, other = scores_of(pred, target), scores_of(pred.astype(float) * factor, target)
    assert other["silog"] == pytest.approx(one["silog"], abs=1e-4)
    valid = valid_depth(target)
    scale, other_scale = median_scale(pred, target, valid), median_scale(pred * np.float32(factor), target, valid)
    assert scale is not None
    assert other_scale is not None
    assert other_scale * factor == pytest.approx(scale, rel=1e-5)


@given(pred=images, target=images, valid=hnp.arrays(bool, (5, 7)), noise=images)
def test_what_is_masked_does_not_matter(
    pred: np.ndarray, target: np.ndarray, valid: np.ndarray, noise: np.ndarray
) -> None:
    scores = depth_scores(pred=pred, target=target, valid=valid)
    pred, target = np.where(valid, pred, np.nan), np.where(valid, target, noise)
    assert depth_scores(pred=pred, target=target, valid=valid) == scores
    assert (scores is None) == (not valid.any())


@given(pred=images, target=images, weights=hnp.arrays(np.int64, (5, 7), elements=st.integers(0, 5)))
def test_a_weight_is_a_repetition(pred: np.ndarray, target: np.ndarray, weights: np.ndarray) -> None:
    times = weights.reshape(-1)
    repeated = depth_scores(pred=np.repeat(pred.reshape(-1), times), target=np.repeat(target.reshape(-1), times))
    weighted = depth_scores(pred=pred, target=target, weights=weights)
    assert (weighted is None) == (repeated is None)
    if weighted is not None:
        assert weighted == pytest.approx(repeated, rel=1e-9, abs=1e-4)  # silog is a difference of squares


@given(pred=images, target=images, bad=hnp.arrays(bool, (5, 7)), value=st.sampled_from([math.nan, math.inf, 0.0, -1.0]))
def test_unusable_predictions_count_as_wrong_and_lower_the_coverage(
    pred: np.ndarray, target: np.ndarray, bad: np.ndarray, value: float
) -> None:
    scores = depth_scores(pred=np.where(bad, np.float32(value), pred), target=target)
    if bad.all():
        assert scores is None
        return
    good = scores_of(pred[~bad], target[~bad])
    assert scores is not None
    assert scores["coverage"] == pytest.approx(1 - bad.mean())
    assert scores["mae"] == pytest.approx(good["mae"])
    assert scores["delta1"] == pytest.approx(good["delta1"] * scores["coverage"])


def test_a_frame_without_valid_depth_has_no_scores() -> None:
    empty = np.full((4, 5), np.nan, np.float32)
    assert depth_scores(pred=np.ones((4, 5)), target=empty) is None
    assert median_scale(np.ones((4, 5)), empty, valid_depth(empty)) is None
    assert ssim(pred=np.ones((4, 5)), target=empty) is None


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        depth_scores(pred=np.ones((3, 4)), target=np.ones((4, 3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_valid_depth_includes_its_bounds(dtype: type) -> None:
    values = np.array([0.0, 0.099, 0.1, 10.0, 10.01, np.nan, np.inf, -1.0], dtype)
    assert valid_depth(values).tolist() == [False, False, True, True, False, False, False, False]
    assert valid_depth(values, 0.0, 20.0).tolist() == [True] * 5 + [False] * 3


def ssim_of_window(pred: np.ndarray, target: np.ndarray) -> float:
    """The definition, for one window of 11x11."""
    x = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    w = np.outer(x, x) / np.outer(x, x).sum()
    p, t = (w * pred).sum(), (w * target).sum()
    var_p, var_t = (w * (pred - p) ** 2).sum(), (w * (target - t) ** 2).sum()
    covariance = (w * (pred - p) * (target - t)).sum()
    return ((2 * p * t + 0.01) * (2 * covariance + 0.09)) / ((p * p + t * t + 0.01) * (var_p + var_t + 0.09))


def test_ssim_is_the_mean_over_whole_windows() -> None:
    rng = np.random.default_rng(0)
    pred, target = rng.uniform(1, 9, (2, 13, 12)).astype(np.float32)
    windows = [(y, x) for y in range(3) for x in range(2)]
    values = [ssim_of_window(pred[y : y + 11, x : x + 11], target[y : y + 11, x : x + 11]) for y, x in windows]
    assert ssim(pred=pred, target=target) == pytest.approx(np.mean(values), abs=1e-5)
    target[0, 0] = np.nan  # spoils the one window that contains it
    assert ssim(pred=pred, target=target) == pytest.approx(np.mean(values[1:]), abs=1e-5)
    pred[6, 6] = np.nan  # spoils all
    assert ssim(pred=pred, target=target) is None


@given(target=hnp.arrays(np.float32, (12, 13), elements=depths))
def test_ssim_with_itself_is_one(target: np.ndarray) -> None:
    assert ssim(pred=target, target=target) == pytest.approx(1.0, abs=1e-4)


@given(pred=hnp.arrays(np.float32, (12, 13), elements=depths), target=hnp.arrays(np.float32, (12, 13), elements=depths))
def test_ssim_is_symmetric_and_at_most_one(pred: np.ndarray, target: np.ndarray) -> None:
    value = ssim(pred=pred, target=target)
    assert value is not None
    assert value <= 1.0 + 1e-5
    assert value == pytest.approx(ssim(pred=target, target=pred), abs=1e-5)


def test_the_papers_protocol_has_no_mask() -> None:
    target = np.full((192, 256), 2.0, np.float32)
    target[:, :128] = np.nan  # missing: 0 m to the paper
    scores = paper_scores(np.full((480, 640), 2.5, np.float32), target)
    assert scores["mae"] == pytest.approx((2.5 + 0.5) / 2)
    assert paper_scores(target, target) == pytest.approx({"mae": 0.0, "ssim": 1.0})
