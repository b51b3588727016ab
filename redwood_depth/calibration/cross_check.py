"""Whether a fixed correction would help: fitted on stretches of a recording, scored on the others."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redwood_depth.calibration.scale import DepthSample, fit_scale

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
        return helps(self.abs_rel_before, self.abs_rel_after)

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
        scores = self.abs_rel_before, self.abs_rel_after
        return fixed_factor_sentence(*scores, self.median_factor, *self.factor_spread)


def helps(abs_rel_before: float, abs_rel_after: float) -> bool:
    """Whether AbsRel on what was held out falls by more than noise."""
    return abs_rel_after < (1.0 - _HELPS) * abs_rel_before


def fixed_factor_sentence(before: float, after: float, median_factor: float, low: float, high: float) -> str:
    """Whether a fixed factor would help, from AbsRel before and after it and the factors of single frames."""
    frames = f"frames ask for factors of {low:.2f} to {high:.2f}, {median_factor:.2f} on median"
    scores = f"AbsRel {before:.3f} -> {after:.3f} on held-out stretches"
    if helps(before, after):
        return f"a fixed factor would help ({scores}; {frames}): calibrate fits it"
    return f"a fixed factor would not help ({scores}; {frames})"


def cross_check(
    samples: Sequence[DepthSample],
    *,
    slope: bool = False,
    blocks: int = BLOCKS,
    groups: Sequence[Sequence[DepthSample]] | None = None,
) -> CrossCheck | None:
    """Fit on all groups but one, score that one, in turn; None: fewer than two of them have pixels.

    Without `groups` these are stretches of time of about the same number of frames.
    """
    samples = sorted((sample for sample in samples if sample.log_true.size), key=lambda sample: sample.stamp_ns)
    if groups is None:
        count = max(min(blocks, len(samples)), 1)
        edges = [len(samples) * index // count for index in range(count + 1)]
        groups = [samples[first:last] for first, last in itertools.pairwise(edges)]
    groups = [found for group in groups if (found := [sample for sample in group if sample.log_true.size])]
    if len(groups) < 2:
        return None
    before, after = [], []
    for index, held_out in enumerate(groups):
        others = [sample for group in (*groups[:index], *groups[index + 1 :]) for sample in group]
        fitted = fit_scale(others, slope=slope)
        before += [sample.abs_rel() for sample in held_out]
        after += [sample.abs_rel(fitted) for sample in held_out]
    ratios = tuple(sample.log_ratio() for sample in samples)
    return CrossCheck(float(np.mean(before)), float(np.mean(after)), len(groups), ratios)
