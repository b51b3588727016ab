"""Whether a fixed correction would help: fitted on stretches of a recording, scored on the others."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redwood_depth.calibration.scale import DepthSample, Scale, fit_scale

BLOCKS = 5
_HELPS = 0.02  # AbsRel must fall by this share of itself on what was held out, else the correction is noise


@dataclass(frozen=True)
class CrossCheck:
    """AbsRel over held-out stretches, means over their frames, without a correction and with that of the others.

    `log_ratios` are what each frame alone asks for, in order of time; `blocks` how many stretches there were.
    """

    abs_rel_before: float
    abs_rel_after: float
    blocks: int
    log_ratios: tuple[float, ...]

    @property
    def helps(self) -> bool:
        return self.abs_rel_after < (1.0 - _HELPS) * self.abs_rel_before

    @property
    def median_factor(self) -> float:
        """The factor of the median frame."""
        return float(np.exp(np.median(self.log_ratios)))

    @property
    def factor_spread(self) -> tuple[float, float]:
        """5th and 95th percentile of the factors of single frames."""
        low, high = np.exp(np.percentile(self.log_ratios, [5, 95]))
        return float(low), float(high)

    def sentence(self) -> str:
        """What it means, for a person."""
        low, high = self.factor_spread
        frames = f"frames ask for factors of {low:.2f} to {high:.2f}, {self.median_factor:.2f} on median"
        scores = f"AbsRel {self.abs_rel_before:.3f} -> {self.abs_rel_after:.3f} on held-out stretches"
        if self.helps:
            return f"a fixed factor would help ({scores}; {frames}): calibrate fits it"
        return f"a fixed factor would not help ({scores}; {frames})"


def cross_check(samples: Sequence[DepthSample], *, slope: bool = False, blocks: int = BLOCKS) -> CrossCheck | None:
    """Fit on all stretches of time but one, score that one, in turn; None: fewer than two frames have pixels."""
    samples = sorted((sample for sample in samples if sample.log_true.size), key=lambda sample: sample.stamp_ns)
    count = min(blocks, len(samples))
    if count < 2:
        return None
    edges = [len(samples) * index // count for index in range(count + 1)]
    before, after = [], []
    for first, last in itertools.pairwise(edges):
        fitted = fit_scale([*samples[:first], *samples[last:]], slope=slope)
        before += [sample.abs_rel(Scale()) for sample in samples[first:last]]
        after += [sample.abs_rel(fitted) for sample in samples[first:last]]
    ratios = tuple(sample.log_ratio() for sample in samples)
    return CrossCheck(float(np.mean(before)), float(np.mean(after)), count, ratios)
