"""Confidence intervals that cover what they claim, in blocks as long as frames stay correlated."""

import numpy as np
import pytest

from redwood_depth.evaluation.significance import block_length, bootstrap_interval


def correlated(rng: np.random.Generator, count: int, memory: float) -> np.ndarray:
    """An AR(1) series of mean 0 and variance 1."""
    values = np.empty(count)
    values[0] = rng.normal()
    for index in range(1, count):
        values[index] = memory * values[index - 1] + np.sqrt(1 - memory**2) * rng.normal()
    return values


def test_blocks_are_as_long_as_the_correlation() -> None:
    rng = np.random.default_rng(2)
    assert block_length(rng.normal(size=2000)) <= 6
    assert 20 <= block_length(correlated(rng, 4000, 0.9)) <= 80  # (1 + 0.9) / (1 - 0.9) = 19, twice
    assert block_length(np.linspace(0, 1, 40)) == 10
    assert block_length(np.zeros(5)) == 1


@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_intervals_cover_the_truth_about_as_often_as_they_say(memory: float) -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for index in range(150):
        values = correlated(rng, 400, memory)
        low, high = bootstrap_interval([(values, block_length(values))], index)
        hits += low <= 0 <= high
    assert hits / 150 > 0.87  # of 0.95; a bootstrap of correlated data falls a little short
