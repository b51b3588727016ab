"""Scores of one predicted frame, and their means over frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redwood_depth.baselines import DepthHistogram
from redwood_depth.metrics import depth_scores, median_scale, ssim, usable_prediction

# Upper edges in metres of the distance bins; the last ends where ground truth does.
_DISTANCE_EDGES_M = (1.0, 2.0, 3.0, 4.0, 6.0)


@dataclass(frozen=True)
class FrameScores:
    """One frame with valid ground truth and a usable prediction; `stamp_ns` is the colour image's.

    `raw` and `scaled` hold metrics.SCORE_NAMES, coverage, and ssim where there is a window for it. `by_distance` is
    (bins, 4): pixels, and sums over them of |p - t|, |p - t| / t and p - t.
    """

    stamp_ns: int
    raw: dict[str, float]
    scaled: dict[str, float]
    truth: DepthHistogram
    by_distance: NDArray[np.float64]
    class_scores: NDArray[np.float32]
    latency_ms: float


def distance_edges_m(low_m: float, high_m: float) -> list[float]:
    """Edges of the distance bins within [low_m, high_m]: low_m, whole metres, high_m."""
    return [low_m, *(edge for edge in _DISTANCE_EDGES_M if low_m < edge < high_m), high_m]


def score_frame(
    pred: NDArray[np.float32], target: NDArray[np.float32], valid: NDArray[np.bool_], edges_m: Sequence[float]
) -> tuple[dict[str, float], dict[str, float], NDArray[np.float64]] | None:
    """(raw, scaled, by_distance) of depth (H, W) in m as FrameScores defines them; None: no usable prediction."""
    raw, scale = depth_scores(pred=pred, target=target, valid=valid), median_scale(pred, target, valid)
    if raw is None or scale is None:
        return None
    scaled_pred = pred * np.float32(scale)
    scaled = depth_scores(pred=scaled_pred, target=target, valid=valid) or {}
    for scores, depth_m in ((raw, pred), (scaled, scaled_pred)):
        similarity = ssim(pred=depth_m, target=target, valid=valid, data_range_m=edges_m[-1])
        if similarity is not None:
            scores["ssim"] = similarity
    return raw, scaled, _by_distance(pred, target, valid, edges_m)


def _by_distance(
    pred: NDArray[np.float32], target: NDArray[np.float32], valid: NDArray[np.bool_], edges_m: Sequence[float]
) -> NDArray[np.float64]:
    usable = valid & usable_prediction(pred)
    t = target[usable].astype(np.float64)
    difference = pred[usable] - t
    distance_bin = np.digitize(t, edges_m[1:-1])
    error = np.abs(difference)
    sums = [np.bincount(distance_bin, values, len(edges_m) - 1) for values in (None, error, error / t, difference)]
    return np.stack(sums, axis=1).astype(np.float64)


def mean_scores(scores: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean of each score over the frames that have it."""
    names = dict.fromkeys(name for of_frame in scores for name in of_frame)
    return {name: float(np.mean([of_frame[name] for of_frame in scores if name in of_frame])) for name in names}
