"""The fast scores of a frame against the plain ones of metrics.py, and its SSIM against scikit-image's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood_depth.evaluation.fast.scores import ImageScores, image_scores
from redwood_depth.evaluation.frame_scores import distance_edges_m
from redwood_depth.evaluation.metrics import depth_scores, median_scale, ssim, valid_depth

EDGES_M = distance_edges_m(0.1, 10.0)


def frame(seed: int, height: int = 60, width: int = 80, holes: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Prediction and truth, rough enough to fall into every bin; holes of both kinds in both."""
    rng = np.random.default_rng(seed)
    target = (rng.uniform(0.15, 9.9) * rng.uniform(0.3, 1.0, (height, width))).astype(np.float32)
    pred = (target * rng.lognormal(rng.normal(0, 0.2), 0.3, (height, width))).astype(np.float32)
    target[rng.random(target.shape) < holes] = np.nan
    pred[rng.random(pred.shape) < holes / 3] = rng.choice([np.nan, 0.0, -1.0, np.inf])
    return pred, target


def scores_of(pred: np.ndarray, target: np.ndarray) -> ImageScores:
    scores = image_scores(pred, target, valid_depth(target), EDGES_M)
    assert scores is not None
    return scores


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), holes=st.sampled_from([0.0, 0.02, 0.5, 0.95]))
def test_scores_are_those_of_metrics(seed: int, holes: float) -> None:
    pred, target = frame(seed, holes=holes)
    valid = valid_depth(target)
    scores, scale = scores_of(pred, target), median_scale(pred, target, valid)
    assert scale is not None
    for found, depth_m in ((scores.raw, pred), (scores.scaled, pred * np.float32(scale))):
        expected = depth_scores(pred=depth_m, target=target, valid=valid)
        similarity = ssim(pred=depth_m, target=target, valid=valid)
        assert expected is not None
        assert ("ssim" in found) == (similarity is not None)
        if similarity is not None:
            expected["ssim"] = similarity
        one_pixel = 1.01 / np.count_nonzero(valid)  # a ratio of 1.25 to the last bit may fall on either side
        for name, value in expected.items():
            tolerance = one_pixel if name.startswith("delta") else 1e-5 if name == "silog" else 2e-6
            assert found[name] == pytest.approx(value, rel=1e-6, abs=tolerance), name


@pytest.mark.parametrize("holes", [0.0, 0.001, 0.3])
def test_a_large_image_in_strips_has_the_scores_of_metrics(holes: float) -> None:
    pred, target = frame(6, 481, 643, holes)
    target[:200, :300] = np.nan
    valid = valid_depth(target)
    found = scores_of(pred, target).raw
    expected = depth_scores(pred=pred, target=target, valid=valid)
    assert expected is not None
    similarity = ssim(pred=pred, target=target, valid=valid)
    if similarity is not None:
        expected["ssim"] = similarity
    assert found == pytest.approx(expected, rel=2e-6)


@given(seed=st.integers(0, 2**32 - 1), large=st.booleans())
@settings(max_examples=20, deadline=None)
def test_sums_by_distance(seed: int, large: bool) -> None:
    pred, target = frame(seed, *((480, 640) if large else (60, 80)), holes=0.3)
    usable = valid_depth(target) & np.isfinite(pred) & (pred > 0)
    p, t = pred[usable].astype(float), target[usable].astype(float)
    bins = np.digitize(t, EDGES_M[1:-1])
    for index, row in enumerate(scores_of(pred, target).by_distance):
        here = bins == index
        error = np.abs(p - t)[here]
        expected = [here.sum(), error.sum(), (error / t[here]).sum(), (p - t)[here].sum()]
        assert row == pytest.approx(expected, rel=1e-5, abs=1e-3 * (1 + here.sum() / 1e4))


def test_a_perfect_prediction() -> None:
    _, target = frame(1, holes=0.2)
    scores = scores_of(target.copy(), target)
    for name, value in scores.raw.items():
        best = 1.0 if name in ("delta1", "delta2", "delta3", "ssim", "coverage") else 0.0
        assert value == pytest.approx(best, abs=1e-4)


def test_frames_of_other_sizes_follow_one_another() -> None:
    for height, width in ((480, 640), (7, 9), (33, 480), (1, 1)):
        pred, target = frame(2, height, width)
        expected = depth_scores(pred=pred, target=target)
        assert expected is not None
        assert scores_of(pred, target).raw["abs_rel"] == pytest.approx(expected["abs_rel"], rel=1e-5)


def test_no_usable_prediction_is_none() -> None:
    _, target = frame(3)
    assert image_scores(np.full_like(target, np.nan), target, valid_depth(target), EDGES_M) is None


def test_ssim_is_that_of_scikit_image() -> None:
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    pred, target = frame(4)
    _, whole = structural_similarity(
        pred, target, data_range=10.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert scores_of(pred, target).raw["ssim"] == pytest.approx(whole[5:-5, 5:-5].mean(), abs=1e-5)
