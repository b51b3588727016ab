"""Constant baselines: histograms give exactly what the images give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from redwood_depth.evaluation.baselines import DepthHistogram, best_constant_m, constant_scores
from redwood_depth.evaluation.metrics import depth_scores, valid_depth

frames_mm = st.lists(
    hnp.arrays(np.uint16, st.integers(1, 30), elements=st.integers(100, 10_000)), min_size=1, max_size=5
)


def meters(depth_mm: np.ndarray) -> np.ndarray:
    return depth_mm.astype(np.float32) * np.float32(0.001)


@given(frames=frames_mm, constant=st.floats(0.5, 8.0))
def test_scores_from_histograms_are_those_of_images(frames: list[np.ndarray], constant: float) -> None:
    images = [meters(frame) for frame in frames]
    expected = [depth_scores(pred=np.full(image.shape, constant), target=image) for image in images]
    scores = constant_scores(constant, [DepthHistogram.of(image) for image in images])
    for name, value in scores.items():
        if not name.startswith("delta"):  # those jump where rounding decides
            assert value == pytest.approx(np.mean([one[name] for one in expected]), rel=1e-5, abs=1e-4)


@given(frames=frames_mm)
def test_no_constant_has_a_smaller_mae(frames: list[np.ndarray]) -> None:
    histograms = [DepthHistogram.of(meters(frame)) for frame in frames]
    best = best_constant_m(histograms)
    least = constant_scores(best, histograms)["mae"]
    for other in {int(value) for frame in frames for value in frame}:
        assert least <= constant_scores(other / 1000.0, histograms)["mae"] + 1e-9


def test_each_frame_weighs_the_same_however_many_pixels_it_has() -> None:
    near, far = meters(np.full(1000, 1000)), meters(np.full(10, 3000))
    histograms = [DepthHistogram.of(image) for image in (near, far, far)]
    assert best_constant_m(histograms) == 3.0
    assert constant_scores(3.0, histograms)["mae"] == pytest.approx(2.0 / 3.0)


@pytest.mark.parametrize("farthest_m", [10.0, 100.0])
def test_the_histogram_of_an_image_is_that_of_its_valid_pixels(farthest_m: float) -> None:
    rng = np.random.default_rng(5)
    depth_m = meters(rng.integers(0, 20_000, (48, 64)))
    depth_m[rng.random(depth_m.shape) < 0.2] = np.nan
    valid = valid_depth(depth_m, high=farthest_m)
    expected, found = DepthHistogram.of(depth_m[valid]), DepthHistogram.of_image(depth_m, valid, farthest_m)
    assert np.array_equal(found.depths_mm, expected.depths_mm)
    assert np.array_equal(found.counts, expected.counts)
