"""The one way to score a frame, what is kept of it, and means over frames."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from redwood_depth.calibration.scale import DepthSample
from redwood_depth.evaluation.baselines import DepthHistogram
from redwood_depth.evaluation.fast.scores import ImageScores, image_scores
from redwood_depth.evaluation.metrics import MAX_DEPTH_M, MIN_DEPTH_M, paper_scores

# Upper edges in meters of the distance bins; the last ends where ground truth does.
_DISTANCE_EDGES_M = (1.0, 2.0, 3.0, 4.0, 6.0)


@dataclass(frozen=True)
class DepthFrame:
    """Scores of one frame's depth, and what baselines need of its ground truth.

    `paper` is metrics.paper_scores, None where they were not asked for; `sample` some of its pixels, for its scale.
    """

    depth: ImageScores
    truth: DepthHistogram
    paper: dict[str, float] | None = None
    sample: DepthSample | None = None


@dataclass(frozen=True)
class FrameScores(DepthFrame):
    """One frame with valid ground truth and a usable prediction; `stamp_ns` is the color image's.

    `truth_digest` is identity.truth_digest.
    """

    stamp_ns: int = 0
    class_scores: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    latency_ms: float = 0.0
    truth_digest: str = ""


@dataclass(frozen=True)
class ClassFrame:
    """A frame of a bag without depth, of which the class alone can be scored."""

    stamp_ns: int
    class_scores: NDArray[np.float32]
    latency_ms: float


def score_depth(
    pred_m: NDArray[np.float32],
    target_m: NDArray[np.float32],
    valid: NDArray[np.bool_],
    *,
    min_depth_m: float = MIN_DEPTH_M,
    max_depth_m: float = MAX_DEPTH_M,
    paper: bool = False,
) -> DepthFrame | None:
    """Score a predicted depth image (H, W) in m; every number that this project gives of a frame's depth is made here.

    Args:
        pred_m: the prediction.
        target_m: ground truth, of the same shape.
        valid: ground truth that counts, as metrics.valid_depth marks it, at least one pixel.
        min_depth_m: the least depth that counts.
        max_depth_m: the largest.
        paper: whether metrics.paper_scores are asked for as well.

    Returns:
        The scores, None where the prediction has no depth where there is ground truth.
    """
    scores = image_scores(pred_m, target_m, valid, distance_edges_m(min_depth_m, max_depth_m))
    if scores is None:
        return None
    truth = DepthHistogram.of_image(target_m, valid, max_depth_m)
    sample = DepthSample.of_grid(pred_m, target_m, valid)
    return DepthFrame(scores, truth, paper_scores(pred_m, target_m) if paper else None, sample)


def distance_edges_m(low_m: float, high_m: float) -> list[float]:
    """Edges of the distance bins within [low_m, high_m]: low_m, whole meters, high_m."""
    return [low_m, *(edge for edge in _DISTANCE_EDGES_M if low_m < edge < high_m), high_m]


def mean_scores(scores: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean of each score over the frames that have it."""
    names = dict.fromkeys(name for of_frame in scores for name in of_frame)
    return {name: float(np.mean([of_frame[name] for of_frame in scores if name in of_frame])) for name in names}
