"""What is kept of each scored frame, and means over frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redwood_depth.evaluation.baselines import DepthHistogram
from redwood_depth.evaluation.fast.scores import ImageScores

# Upper edges in meters of the distance bins; the last ends where ground truth does.
_DISTANCE_EDGES_M = (1.0, 2.0, 3.0, 4.0, 6.0)


@dataclass(frozen=True)
class FrameScores:
    """One frame with valid ground truth and a usable prediction; `stamp_ns` is the color image's.

    `paper` is metrics.paper_scores, None where they were not asked for; `truth_digest` is identity.truth_digest.
    """

    stamp_ns: int
    depth: ImageScores
    truth: DepthHistogram
    class_scores: NDArray[np.float32]
    latency_ms: float
    paper: dict[str, float] | None = None
    truth_digest: str = ""


@dataclass(frozen=True)
class ClassFrame:
    """A frame of a bag without depth, of which the class alone can be scored."""

    stamp_ns: int
    class_scores: NDArray[np.float32]
    latency_ms: float


def distance_edges_m(low_m: float, high_m: float) -> list[float]:
    """Edges of the distance bins within [low_m, high_m]: low_m, whole meters, high_m."""
    return [low_m, *(edge for edge in _DISTANCE_EDGES_M if low_m < edge < high_m), high_m]


def mean_scores(scores: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean of each score over the frames that have it."""
    names = dict.fromkeys(name for of_frame in scores for name in of_frame)
    return {name: float(np.mean([of_frame[name] for of_frame in scores if name in of_frame])) for name in names}
