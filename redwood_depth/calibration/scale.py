"""One correction of depth for a camera and its place, fitted robustly: log d' = log_scale + log_slope * log d."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TRIMMED = 0.1  # share of a fit's pixels, the worst ones, that do not count: flying pixels, glass, people who walk by
SLOPES = (0.3, 3.0)
_ROUNDS = 20
_GRID = 1000
_LEAST_DEPTH_M = 1e-3


@dataclass(frozen=True)
class Scale:
    """log d' = log_scale + log_slope * log d, d in meters; as it comes: no correction."""

    log_scale: float = 0.0
    log_slope: float = 1.0

    @property
    def factor(self) -> float:
        """What depth of 1 m is multiplied by."""
        return math.exp(self.log_scale)

    def applied(self, depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """Corrected depth (H, W) in meters; NaN stays NaN."""
        curved = depth_m if self.log_slope == 1.0 else depth_m**self.log_slope
        return np.asarray(np.float32(self.factor) * curved, np.float32)


@dataclass(frozen=True)
class DepthSample:
    """Predicted and true depth of some pixels of one frame: float32 (N,), natural logarithms of meters."""

    stamp_ns: int
    log_pred: NDArray[np.float32]
    log_true: NDArray[np.float32]

    @classmethod
    def of_image(
        cls,
        pred_m: NDArray[np.float32],
        true_m: NDArray[np.float32],
        valid: NDArray[np.bool_],
        *,
        stamp_ns: int = 0,
        most: int = 1000,
    ) -> "DepthSample":
        """At most about `most` of the valid pixels of (H, W) images, spread evenly over them."""
        usable = np.flatnonzero(valid & (pred_m > _LEAST_DEPTH_M) & np.isfinite(pred_m))
        chosen = usable[:: max(1, math.ceil(usable.size / most))]
        pred, true = (np.log(image.reshape(-1)[chosen]).astype(np.float32) for image in (pred_m, true_m))
        return cls(stamp_ns, pred, true)

    @classmethod
    def of_grid(
        cls, pred_m: NDArray[np.float32], true_m: NDArray[np.float32], valid: NDArray[np.bool_]
    ) -> "DepthSample":
        """The valid ones of about 1000 pixels of (H, W) images on a grid: as `of_image`, without a look at the rest."""
        step = max(1, math.isqrt(true_m.size // _GRID))
        rows = slice(step // 2, None, step)
        return cls.of_image(pred_m[rows, rows], true_m[rows, rows], valid[rows, rows])

    def abs_rel(self, scale: Scale = Scale()) -> float:
        """Mean of |d' - t| / t over the pixels; NaN where there are none."""
        return float(np.mean(self._errors(scale))) if self.log_true.size else math.nan

    def log_ratio(self) -> float:
        """Median of log(true / predicted): the log of the factor that this frame alone asks for."""
        return float(np.median(self.log_true - self.log_pred)) if self.log_true.size else math.nan

    def _errors(self, scale: Scale) -> NDArray[np.float64]:
        log_ratio = scale.log_scale + scale.log_slope * self.log_pred.astype(np.float64) - self.log_true
        return np.abs(np.expm1(log_ratio))


def fit_scale(samples: Sequence[DepthSample], *, slope: bool = False) -> Scale:
    """The scale (and slope) that makes AbsRel least, the worst tenth of the pixels skipped; frames weigh the same.

    For a slope b, mean |e^a d^b - t| / t is least where e^a is the weighted median of t / d^b with weights d^b / t.
    The slope itself is fitted to the logarithms by least absolute residuals (iteratively reweighted least squares).

    Raises:
        ValueError: no sample has a pixel.
    """
    samples = [sample for sample in samples if sample.log_true.size]
    if not samples:
        raise ValueError("no pixel to fit a scale to")
    pred = np.concatenate([sample.log_pred for sample in samples]).astype(np.float64)
    true = np.concatenate([sample.log_true for sample in samples]).astype(np.float64)
    weight = np.concatenate([np.full(sample.log_true.size, 1.0 / sample.log_true.size) for sample in samples])
    fitted_slope = _robust_slope(pred, true, weight) if slope else 1.0
    log_ratio = true - fitted_slope * pred
    kept = np.ones(log_ratio.size, bool)
    for _ in range(_ROUNDS):
        log_scale = _weighted_median(log_ratio[kept], (weight * np.exp(-log_ratio))[kept])
        error = np.abs(np.expm1(log_scale - log_ratio))
        now = error <= np.quantile(error, 1.0 - TRIMMED)
        if np.array_equal(now, kept):
            break
        kept = now
    return Scale(log_scale, fitted_slope)


def _robust_slope(pred: NDArray[np.float64], true: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    slope, offset = 1.0, 0.0
    for _ in range(_ROUNDS):
        each = weight / np.maximum(np.abs(offset + slope * pred - true), 1e-3)
        mean_pred, mean_true = np.average(pred, weights=each), np.average(true, weights=each)
        spread = np.average((pred - mean_pred) ** 2, weights=each)
        if spread < 1e-6:  # a wall: nothing to fit a slope to
            return 1.0
        slope = float(np.average((pred - mean_pred) * (true - mean_true), weights=each) / spread)
        slope = min(max(slope, SLOPES[0]), SLOPES[1])
        offset = float(mean_true - slope * mean_pred)
    return slope


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])
