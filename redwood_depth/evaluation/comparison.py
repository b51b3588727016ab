"""Two results over the same frames: paired differences of their scores, with confidence intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import BagError
from redwood_depth.evaluation.identity import SameRecording, same_recordings
from redwood_depth.evaluation.metrics import HIGHER_IS_BETTER, SCORE_NAMES
from redwood_depth.evaluation.records import entry, to_json
from redwood_depth.evaluation.result import EvaluationResult, RecordingResult, ScoredModel, distinct_names
from redwood_depth.evaluation.significance import CONFIDENCE, block_length, bootstrap_interval

_ROUNDING = 1e-6  # relative: two runs of one model differ by as much from one version to the next
_NAMES = (*SCORE_NAMES, "ssim")

Pairs = list[tuple[NDArray[np.float64], NDArray[np.float64]]]  # the values of both, a recording each


@dataclass(frozen=True)
class ScoreDifference:
    """One score of both, over the frames in common that have it."""

    a: float = entry("mean of A")
    b: float = entry("mean of B")
    difference: float = entry("b - a")
    low: float = entry("lower end of its confidence interval")
    high: float = entry("upper end")
    better: str | None = entry("`a` or `b`; null: the interval contains 0, or the difference is one of rounding")


@dataclass(frozen=True)
class Comparison:
    """What `--compare` finds."""

    evaluated_at: str = entry("when, in UTC")
    command: str = entry("the command line")
    versions: dict[str, str] = entry("of Python and the packages that decide about numbers")
    max_gap_ms: float = entry("how far color and depth of a frame may be apart, in ms")
    model_a: ScoredModel = entry("what A scored")
    model_b: ScoredModel = entry("what B scored")
    frames: int = entry("frames in common, by their stamp and ground truth")
    only_a: int = entry("frames whose depth A alone scored")
    only_b: int = entry("frames whose depth B alone scored")
    recordings_only_a: list[str] = entry("recordings of which B scored nothing")
    recordings_only_b: list[str] = entry("recordings of which A scored nothing")
    confidence: float = entry("of the intervals")
    blocks: dict[str, int] = entry(
        "frames over which differences stay correlated, by recording's name (empty: the only one)"
    )
    scores: dict[str, ScoreDifference] = entry("by name")
    warnings: list[str] = entry("what a user must know of these numbers")

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers."""
        return dict(to_json(self))


def compare(a: EvaluationResult, b: EvaluationResult, command: str, seed: int = 0) -> Comparison:
    """Compare two results on the frames whose depth both scored.

    Neighboring frames of a video are much alike, so single frames must not be drawn as if they were independent: the
    intervals are those of significance.bootstrap_interval, in blocks within recordings.

    Raises:
        BagError: no frame in common, or ground truth of another range.
    """
    if a.summary.depth_range_m != b.summary.depth_range_m:
        ranges = (f"{low:g} to {high:g} m" for low, high in (a.summary.depth_range_m, b.summary.depth_range_m))
        raise BagError(f"the ground truth of A is {' and of B '.join(ranges)}: evaluate both with one --max-depth")
    same = same_recordings(a.bags, b.bags)
    names = distinct_names([one.a.bag for one in same]) if max(len(a.bags), len(b.bags)) > 1 else [""]
    blocks = {name: block_length(_differences(*_values("abs_rel", one))) for name, one in zip(names, same, strict=True)}
    pairs = {name: [_values(name, one) for one in same] for name in _NAMES}
    frames = sum(len(one.frames) for one in same)
    return Comparison(
        evaluated_at=b.evaluated_at,
        command=command,
        versions=b.versions,
        max_gap_ms=b.max_gap_ms,
        model_a=a.model,
        model_b=b.model,
        frames=frames,
        only_a=_with_depth(a.bags) - frames,
        only_b=_with_depth(b.bags) - frames,
        recordings_only_a=_others(a.bags, [one.a for one in same]),
        recordings_only_b=_others(b.bags, [one.b for one in same]),
        confidence=CONFIDENCE,
        blocks=blocks,
        scores={
            name: _difference(name, values, list(blocks.values()), seed)
            for name, values in pairs.items()
            if any(of_a.size for of_a, _ in values)
        },
        warnings=_warnings(same),
    )


def _with_depth(bags: Sequence[RecordingResult]) -> int:
    return sum(len(bag.per_frame.scores.get("abs_rel", ())) for bag in bags)


def _others(bags: Sequence[RecordingResult], common: Sequence[RecordingResult]) -> list[str]:
    return [bag.bag for bag in bags if not any(bag is one for one in common)]


def _warnings(same: Sequence[SameRecording]) -> list[str]:
    guessed = [one.a.bag for one in same if not one.sure]
    if not guessed:
        return []
    return [
        f"earlier versions kept no digest of the ground truth: {', '.join(guessed)} known again by stamps and sizes"
    ]


def _values(name: str, same: SameRecording) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The score in both, of the common frames that have it in both."""
    of_a, of_b = same.a.per_frame.scores.get(name), same.b.per_frame.scores.get(name)
    if of_a is None or of_b is None:
        return np.empty(0), np.empty(0)
    found = [(of_a[i], of_b[j]) for i, j in same.frames if of_a[i] is not None and of_b[j] is not None]
    columns = np.array(found, float).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]


def _differences(of_a: NDArray[np.float64], of_b: NDArray[np.float64]) -> NDArray[np.float64]:
    return of_b - of_a


def _difference(name: str, pairs: Pairs, blocks: Sequence[int], seed: int) -> ScoreDifference:
    differences = [_differences(*pair) for pair in pairs]
    low, high = bootstrap_interval(list(zip(differences, blocks, strict=True)), seed)
    a, b = (float(np.mean(np.concatenate(side))) for side in zip(*pairs, strict=True))
    better = None
    if (low > 0 or high < 0) and abs(b - a) > _ROUNDING * max(abs(a), abs(b)):
        better = "b" if (low > 0) == (name in HIGHER_IS_BETTER) else "a"
    return ScoreDifference(a, b, b - a, low, high, better)
