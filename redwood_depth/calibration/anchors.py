"""A scale of every frame from something metric in it: some points of known depth, smoothed over time."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_POINTS = 10
LIMITS = (0.1, 10.0)  # a larger correction says that the transform or the prediction is wrong, not the scale
_AGREE = 0.3  # half of the points must ask for factors within this of their median, in logarithms
_SMOOTHING_S = 0.5
_FORGOTTEN_S = 5.0


@dataclass(frozen=True)
class AnchorPoints:
    """What the points of one frame ask for: the log of a factor, from how many; `reason` where it is not used."""

    log_factor: float
    points: int
    reason: str | None = None


def anchor_of_points(
    pred_m: NDArray[np.float32], true_m: NDArray[np.float32], *, least_points: int = LEAST_POINTS
) -> AnchorPoints:
    """The factor that predicted depth (H, W) asks for, given true depth (H, W) in meters that is NaN almost everywhere.

    The median of log(true / predicted): half of the points may lie on glass, or on something that moved.
    """
    usable = np.isfinite(true_m) & np.isfinite(pred_m) & (pred_m > 0) & (true_m > 0)
    count = int(np.count_nonzero(usable))
    if count < least_points:
        return AnchorPoints(0.0, count, f"{count} points fall on predicted depth, {least_points} are needed")
    ratios = np.log(true_m[usable].astype(np.float64) / pred_m[usable])
    log_factor = float(np.median(ratios))
    spread = float(np.median(np.abs(ratios - log_factor)))
    if spread > _AGREE:
        wrong = f"the points disagree: half of them by more than {math.expm1(spread):.0%}"
        return AnchorPoints(log_factor, count, wrong)
    return within_limits(log_factor, count)


def within_limits(log_factor: float, points: int) -> AnchorPoints:
    """The anchor, with a reason not to use it where the factor is beyond LIMITS."""
    factor, (low, high) = math.exp(log_factor), LIMITS
    beyond = None if low <= factor <= high else f"a factor of {factor:.3g} is outside {low:g} to {high:g}"
    return AnchorPoints(log_factor, points, beyond)


def anchor_of_distance(pred_m: NDArray[np.float32], distance_m: float, *, share: float = 0.05) -> AnchorPoints:
    """The factor that puts the middle of predicted depth (H, W) `distance_m` away: what a rangefinder beside it says.

    Args:
        pred_m: predicted depth in meters.
        distance_m: along the optical axis.
        share: of the image's width and height that is the middle.
    """
    height, width = pred_m.shape
    rows, columns = (max(1, round(share * size)) for size in (height, width))
    top, left = (height - rows) // 2, (width - columns) // 2
    middle = pred_m[top : top + rows, left : left + columns]
    usable = middle[np.isfinite(middle) & (middle > 0)]
    if not usable.size or not distance_m > 0:
        return AnchorPoints(0.0, int(usable.size), "no predicted depth in the middle of the image")
    return within_limits(math.log(distance_m / float(np.median(usable))), int(usable.size))


class AnchorFilter:
    """The factor over time: a running mean of logarithms, which forgets what is old.

    Times are those of the frames, in nanoseconds; where they go back (a bag that starts again) nothing is remembered.
    """

    def __init__(self, smoothing_s: float = _SMOOTHING_S) -> None:
        self._smoothing_s = smoothing_s
        self._log_factor: float | None = None
        self._stamp_ns = 0
        self.refused = 0

    def update(self, stamp_ns: int, anchor: AnchorPoints | None) -> float | None:
        """Take what a frame asks for, None or refused: nothing; the factor to use, None where none is known."""
        passed_s = (stamp_ns - self._stamp_ns) / 1e9
        if self._log_factor is not None and not 0 <= passed_s <= _FORGOTTEN_S:
            self._log_factor = None
        if anchor is None or anchor.reason is not None:
            self.refused += anchor is not None
        elif self._log_factor is None:
            self._log_factor, self._stamp_ns = anchor.log_factor, stamp_ns
        else:
            share = 1.0 - math.exp(-passed_s / self._smoothing_s) if self._smoothing_s else 1.0
            self._log_factor += share * (anchor.log_factor - self._log_factor)
            self._stamp_ns = stamp_ns
        return None if self._log_factor is None else math.exp(self._log_factor)

    def age_s(self, stamp_ns: int) -> float | None:
        """How old the factor's newest anchor is; None: there is no factor."""
        return None if self._log_factor is None else (stamp_ns - self._stamp_ns) / 1e9
