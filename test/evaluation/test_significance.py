"""Paired comparison of two results: pairing, intervals that cover what they claim, blocks as long as correlation."""

from typing import Any

import numpy as np
import pytest

from redwood_depth.errors import BagError
from redwood_depth.evaluation.significance import block_length, bootstrap_interval, compare


def result(errors: np.ndarray, bag: str = "/bags/one", first: int = 0) -> dict[str, Any]:
    columns = {"stamp_ns": list(range(first, first + len(errors))), "abs_rel": errors.tolist()}
    columns["delta1"] = (1 - errors).tolist()
    return {"bags": [{"bag": bag, "per_frame": columns}]}


def correlated(rng: np.random.Generator, count: int, memory: float) -> np.ndarray:
    """An AR(1) series of mean 0 and variance 1."""
    values = np.empty(count)
    values[0] = rng.normal()
    for index in range(1, count):
        values[index] = memory * values[index - 1] + np.sqrt(1 - memory**2) * rng.normal()
    return values


def test_a_clear_difference_is_found_in_both_directions() -> None:
    rng = np.random.default_rng(0)
    a = 0.3 + 0.05 * correlated(rng, 200, 0.9)
    b = a - 0.02 + 0.002 * rng.normal(size=200)
    scores = compare(result(a), result(b))["scores"]
    assert scores["abs_rel"]["difference"] == pytest.approx(-0.02, abs=0.001)
    assert scores["abs_rel"]["low"] < scores["abs_rel"]["difference"] < scores["abs_rel"]["high"] < 0
    assert scores["abs_rel"]["better"] == scores["delta1"]["better"] == "b"
    assert compare(result(b), result(a))["scores"]["abs_rel"]["better"] == "a"


def test_a_difference_of_rounding_makes_no_better_one() -> None:
    errors = np.linspace(0.1, 0.3, 50)
    entry = compare(result(errors), result(errors * (1 + 1e-8)))["scores"]["abs_rel"]
    assert entry["low"] > 0
    assert entry["better"] is None


def test_equal_results_have_no_better_one() -> None:
    errors = np.linspace(0.1, 0.3, 50)
    entry = compare(result(errors), result(errors))["scores"]["abs_rel"]
    assert (entry["difference"], entry["low"], entry["high"], entry["better"]) == (0.0, 0.0, 0.0, None)


def test_frames_are_paired_by_bag_name_and_stamp() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0.1, 0.3, (2, 30))
    comparison = compare(result(a), result(b, "/elsewhere/other", first=10))
    assert (comparison["frames"], comparison["only_a"], comparison["only_b"]) == (20, 10, 10)
    assert comparison["scores"]["abs_rel"]["difference"] == pytest.approx((b[:20] - a[10:]).mean())
    with pytest.raises(BagError, match="no frame in common"):
        compare(result(a), result(b, first=100))


def test_of_several_bags_only_those_of_the_same_name_are_paired() -> None:
    rng = np.random.default_rng(4)
    errors = rng.uniform(0.1, 0.3, (4, 30))
    a = {"bags": result(errors[0])["bags"] + result(errors[1], "two")["bags"]}
    b = {"bags": result(errors[2], "two.mcap/../two")["bags"] + result(errors[3], "three")["bags"]}
    comparison = compare(a, b)
    assert comparison["frames"] == 30
    assert comparison["scores"]["abs_rel"]["difference"] == pytest.approx((errors[2] - errors[1]).mean())


def test_a_result_without_frames_is_one_line() -> None:
    with pytest.raises(BagError, match="not a result of evaluate_bag"):
        compare({"frames": 3}, result(np.ones(3)))


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
