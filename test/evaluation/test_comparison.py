"""Paired comparison of two results: frames are the same by content, names count for nothing."""

from collections.abc import Sequence

import numpy as np
import pytest

from redwood_depth.errors import BagError
from redwood_depth.evaluation.comparison import Comparison, compare
from redwood_depth.evaluation.depth_result import Baseline, DepthScores, DepthSummary
from redwood_depth.evaluation.identity import truth_digest
from redwood_depth.evaluation.result import (
    EvaluationResult,
    ImageSizes,
    PerFrame,
    RecordingResult,
    ScoredModel,
    Summary,
    distinct_names,
)

SCORES = DepthScores(*[0.1] * 10)
MODEL = ScoredModel("model", "1", "", "fp32", "256x192", [], 0.5, [], "CPU")


def recording(
    errors: np.ndarray, name: str = "/bags/one", *, first: int = 0, scene: str = "kitchen", deep_m: float = 2.0
) -> RecordingResult:
    """A recording of a scene, whose frames have consecutive stamps; "" is the scene of an older result."""
    stamps = list(range(first, first + len(errors)))
    columns = {"abs_rel": errors.tolist(), "delta1": (1 - errors).tolist()}
    depth = DepthSummary(SCORES, SCORES, {"best_constant": Baseline(deep_m, SCORES)}, [])
    return RecordingResult(
        bag=name,
        label=None,
        topics={"color": "/rgb", "depth": "/depth"},
        sizes=[ImageSizes([48, 64], [48, 64], len(errors))],
        duration_s=1.0,
        damage=None,
        warnings=[],
        summary=Summary(len(errors), depth, {}, 0, (0.1, 10.0)),
        unscored=[],
        per_frame=PerFrame(stamps, [stamp / 30 for stamp in stamps], columns),
        truth_digests=[f"{scene}{stamp}" for stamp in stamps] if scene else None,
    )


def result(*bags: RecordingResult, range_m: tuple[float, float] = (0.1, 10.0)) -> EvaluationResult:
    summary = Summary(sum(bag.summary.frames for bag in bags), None, {}, 0, range_m)
    return EvaluationResult("now", "test", MODEL, {}, 20.0, summary, bags=list(bags))


def compared(a: Sequence[RecordingResult], b: Sequence[RecordingResult]) -> Comparison:
    return compare(result(*a), result(*b), "test")


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
    scores = compared([recording(a)], [recording(b)]).scores
    assert scores["abs_rel"].difference == pytest.approx(-0.02, abs=0.001)
    assert scores["abs_rel"].low < scores["abs_rel"].difference < scores["abs_rel"].high < 0
    assert scores["abs_rel"].better == scores["delta1"].better == "b"
    assert compared([recording(b)], [recording(a)]).scores["abs_rel"].better == "a"


def test_a_difference_of_rounding_makes_no_better_one() -> None:
    errors = np.linspace(0.1, 0.3, 50)
    entry = compared([recording(errors)], [recording(errors * (1 + 1e-8))]).scores["abs_rel"]
    assert entry.low > 0
    assert entry.better is None


def test_equal_results_have_no_better_one() -> None:
    errors = np.linspace(0.1, 0.3, 50)
    entry = compared([recording(errors)], [recording(errors)]).scores["abs_rel"]
    assert (entry.difference, entry.low, entry.high, entry.better) == (0.0, 0.0, 0.0, None)


def test_frames_are_paired_by_stamp_and_what_is_not_common_is_counted() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0.1, 0.3, (2, 30))
    comparison = compared([recording(a)], [recording(b, "/elsewhere/other", first=10)])
    assert (comparison.frames, comparison.only_a, comparison.only_b) == (20, 10, 10)
    assert comparison.scores["abs_rel"].difference == pytest.approx((b[:20] - a[10:]).mean())
    with pytest.raises(BagError, match="not of the same recordings: no stamps"):
        compared([recording(a)], [recording(b, first=100)])


@pytest.mark.parametrize("name", ["/bags/one", "/monday/one"])
def test_frames_of_equal_stamps_with_another_ground_truth_are_not_the_same(name: str) -> None:
    errors = np.linspace(0.1, 0.3, 30)
    with pytest.raises(BagError, match="not of the same recordings: 30 frames have the same stamps, but another"):
        compared([recording(errors)], [recording(errors, name, scene="hall")])


def test_of_several_recordings_those_are_paired_that_show_the_same_whatever_they_are_called() -> None:
    rng = np.random.default_rng(4)
    errors = rng.uniform(0.1, 0.3, (4, 30))
    a = [recording(errors[0], "/monday/run", scene="hall"), recording(errors[1], "/tuesday/run", scene="street")]
    b = [recording(errors[2], "/copies/run", scene="street"), recording(errors[3], "/monday/run", scene="yard")]
    comparison = compared(a, b)
    assert comparison.frames == 30
    assert comparison.scores["abs_rel"].difference == pytest.approx((errors[2] - errors[1]).mean())
    assert (comparison.recordings_only_a, comparison.recordings_only_b) == (["/monday/run"], ["/monday/run"])
    assert list(comparison.blocks) == ["run"]


def test_older_results_are_known_again_by_stamps_sizes_and_depth_with_a_word() -> None:
    errors = np.linspace(0.1, 0.3, 30)
    (words,) = compared([recording(errors, scene="")], [recording(errors)]).warnings
    assert "no digest of the ground truth" in words
    with pytest.raises(BagError, match="not of the same recordings"):
        compared([recording(errors, scene="")], [recording(errors, scene="", deep_m=3.0)])
    assert compared([recording(errors)], [recording(errors)]).warnings == []


def test_ground_truth_of_another_range_is_not_compared() -> None:
    one = recording(np.linspace(0.1, 0.3, 30))
    with pytest.raises(BagError, match=r"0\.1 to 10 m and of B 0\.1 to 5 m"):
        compare(result(one), result(one, range_m=(0.1, 5.0)), "test")


def test_the_digest_tells_measurements_apart_and_not_their_type() -> None:
    depth_m = np.linspace(1, 4, 48 * 64, dtype=np.float32).reshape(48, 64)
    whole_mm = np.rint(depth_m * 1000) / 1000
    assert truth_digest(whole_mm.astype(np.float32)) == truth_digest(whole_mm)
    holes = np.where(depth_m < 2, np.nan, depth_m)
    digests = [depth_m, holes, depth_m[:, ::-1], depth_m.reshape(24, 128), depth_m + 0.01, np.full((48, 64), np.nan)]
    assert len({truth_digest(one) for one in digests}) == len(digests)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/a/run"], ["run"]),
        (["/a/run", "/b/walk"], ["run", "walk"]),
        (["/a/run", "/b/run"], ["a/run", "b/run"]),
        (["/x/a/run", "/y/a/run", "/x/b/walk"], ["x/a/run", "y/a/run", "walk"]),
        (["run", "/a/run"], ["run", "a/run"]),
        (["/a/run", "/a/run"], ["run", "run"]),
    ],
)
def test_names_are_as_long_as_tells_recordings_apart(paths: list[str], names: list[str]) -> None:
    assert distinct_names(paths) == names
