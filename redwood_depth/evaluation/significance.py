"""Two results over the same frames: paired differences of their scores, with a bootstrap confidence interval."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import BagError
from redwood_depth.evaluation.metrics import HIGHER_IS_BETTER, SCORE_NAMES

CONFIDENCE = 0.95
_RESAMPLES = 4000
_ROUNDING = 1e-6  # relative: two runs of one model differ by as much from one version to the next
_NAMES = (*SCORE_NAMES, "ssim")


def compare(a: Mapping[str, Any], b: Mapping[str, Any], seed: int = 0) -> dict[str, Any]:
    """Compare two results as evaluate_bag's JSON holds them, on the frames that both scored.

    Frames are paired by the stamp of the colour image and, where there are several bags, the bag's name. Neighbouring
    frames of a video are much alike, so single frames must not be drawn as if they were independent: the interval is
    that of a circular block bootstrap (Politis and Romano, "A circular block-resampling procedure for stationary
    data", 1992), with blocks within bags that are as long as the differences stay correlated.

    Returns:
        "frames" in common, "only_a", "only_b", "confidence", "blocks" (their length in frames by bag), and under
        "scores", by name, "a", "b", "difference" (b - a), its interval "low" to "high", and "better": "a", "b", or
        None where the interval contains 0, or the difference is one of rounding.

    Raises:
        BagError: no frame in common whose depth both scored, or a result without scores of each frame.
    """
    one_bag = len(a.get("bags", ())) == len(b.get("bags", ())) == 1
    of_a, of_b = _frames(a, not one_bag), _frames(b, not one_bag)
    common = [key for key in of_a if key in of_b]
    if not common:
        raise BagError("the two results have no frame in common whose depth both scored: same bag name and stamp")
    bags = dict.fromkeys(bag for bag, _ in common)
    main = {bag: _differences("abs_rel", of_a, of_b, [key for key in common if key[0] == bag]) for bag in bags}
    blocks = {bag: block_length(values) for bag, values in main.items()}
    scores = {}
    for name in _NAMES:
        keys = [key for key in common if None not in (of_a[key].get(name), of_b[key].get(name))]
        if keys:
            groups = {bag: _differences(name, of_a, of_b, [key for key in keys if key[0] == bag]) for bag in bags}
            low, high = bootstrap_interval([(values, blocks[bag]) for bag, values in groups.items()], seed)
            means = [float(np.mean([side[key][name] for key in keys])) for side in (of_a, of_b)]
            scores[name] = _entry(name, means[0], means[1], low, high)
    return {
        "frames": len(common),
        "only_a": len(of_a) - len(common),
        "only_b": len(of_b) - len(common),
        "confidence": CONFIDENCE,
        "blocks": blocks,
        "scores": scores,
    }


def block_length(differences: NDArray[np.float64]) -> int:
    """Frames over which the differences of a bag stay correlated: twice 1 + 2 * sum of the leading autocorrelations.

    At most a quarter of the frames, so that there is something to draw from.
    """
    centred = differences - differences.mean()
    variance = float(np.mean(centred**2))
    if variance < 1e-18:
        return 1
    total = 0.0
    for lag in range(1, len(centred)):
        correlation = float(np.mean(centred[:-lag] * centred[lag:])) / variance
        if correlation <= 0:
            break
        total += correlation
    return max(1, min(math.ceil(2 * (1 + 2 * total)), len(centred) // 4))


def bootstrap_interval(groups: Sequence[tuple[NDArray[np.float64], int]], seed: int) -> tuple[float, float]:
    """Percentile interval of the mean over all values; each group is drawn in circular blocks of its length."""
    rng = np.random.default_rng(seed)
    sums, count = np.zeros(_RESAMPLES), 0
    for values, length in groups:
        if not values.size:
            continue
        starts = rng.integers(0, values.size, (_RESAMPLES, math.ceil(values.size / length)))
        wrapped = np.concatenate(([0.0], np.cumsum(np.concatenate((values, values[:length])))))
        whole = values.size // length
        sums += (wrapped[starts[:, :whole] + length] - wrapped[starts[:, :whole]]).sum(axis=1)
        rest = values.size - whole * length
        if rest:
            sums += wrapped[starts[:, -1] + rest] - wrapped[starts[:, -1]]
        count += values.size
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(sums / count, (tail, 100 - tail))
    return float(low), float(high)


def _frames(result: Mapping[str, Any], named: bool) -> dict[tuple[str, int], dict[str, float]]:
    """Scores of each frame by bag name (or "", as one bag may be recorded under another name) and stamp."""
    frames: dict[tuple[str, int], dict[str, float]] = {}
    try:
        for bag in result["bags"]:
            columns = bag["per_frame"]
            name = str(bag["bag"]).rstrip("/").rpartition("/")[2] if named else ""
            for index, stamp in enumerate(columns["stamp_ns"] if "abs_rel" in columns else ()):
                frames[name, stamp] = {key: columns[key][index] for key in _NAMES if key in columns}
    except (KeyError, TypeError, IndexError) as error:
        raise BagError(f"not a result of evaluate_bag --json with the scores of each frame ({error})") from error
    return frames


def _differences(name: str, of_a: Any, of_b: Any, keys: Sequence[tuple[str, int]]) -> NDArray[np.float64]:
    return np.array([of_b[key][name] - of_a[key][name] for key in keys], float)


def _entry(name: str, a: float, b: float, low: float, high: float) -> dict[str, Any]:
    better = None
    if (low > 0 or high < 0) and abs(b - a) > _ROUNDING * max(abs(a), abs(b)):
        better = "b" if (low > 0) == (name in HIGHER_IS_BETTER) else "a"
    return {"a": a, "b": b, "difference": b - a, "low": low, "high": high, "better": better}
