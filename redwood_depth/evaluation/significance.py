"""How sure a mean difference is: a confidence interval by bootstrap, over frames that resemble their neighbors."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
_RESAMPLES = 4000


def block_length(differences: NDArray[np.float64]) -> int:
    """Frames over which the differences of a bag stay correlated: twice 1 + 2 * sum of the leading autocorrelations.

    At most a quarter of the frames, so that there is something to draw from.
    """
    centerd = differences - differences.mean()
    variance = float(np.mean(centerd**2))
    if variance < 1e-18:
        return 1
    total = 0.0
    for lag in range(1, len(centerd)):
        correlation = float(np.mean(centerd[:-lag] * centerd[lag:])) / variance
        if correlation <= 0:
            break
        total += correlation
    return max(1, min(math.ceil(2 * (1 + 2 * total)), len(centerd) // 4))


def bootstrap_interval(groups: Sequence[tuple[NDArray[np.float64], int]], seed: int) -> tuple[float, float]:
    """Percentile interval of the mean over all values; each group is drawn in circular blocks of its length.

    Politis and Romano, "A circular block-resampling procedure for stationary data", 1992.
    """
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
