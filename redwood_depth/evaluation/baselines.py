"""What a model must beat: one constant depth for every pixel of every frame.

Frames are kept as histograms of whole millimeters, which is what 16-bit depth images hold: exact for them, half a
millimeter off for others, and small enough to need one pass over a bag.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.evaluation.metrics import depth_scores

_MOST_MM = 65535
_EXACT_COUNT = 1 << 24  # pixels up to which OpenCV's float32 histogram counts exactly


@dataclass(frozen=True)
class DepthHistogram:
    """Valid ground truth of one frame: distinct depths in mm, ascending, and the number of pixels of each."""

    depths_mm: NDArray[np.uint32]
    counts: NDArray[np.uint32]

    @classmethod
    def of_image(cls, depth_m: NDArray[np.float32], valid: NDArray[np.bool_], max_depth_m: float) -> "DepthHistogram":
        """As `of(depth_m[valid])` of an image (H, W) in m with valid pixels, none beyond `max_depth_m`.

        But for depths halfway between two millimeters, which 16-bit depth images do not have.
        """
        if max_depth_m >= _MOST_MM / 1000 or valid.size >= _EXACT_COUNT:
            return cls.of(depth_m[valid])
        thousand: Any = 1000.0
        image_mm: Any = cv2.multiply(depth_m, thousand, dtype=cv2.CV_16U)
        image_mm *= valid
        bins = int(1000 * max_depth_m) + 2
        counts = cv2.calcHist([image_mm], [0], None, [bins], [0, bins]).reshape(-1)
        counts[0] -= valid.size - np.count_nonzero(valid)
        depths_mm = np.flatnonzero(counts)
        return cls(depths_mm.astype(np.uint32), counts[depths_mm].astype(np.uint32))

    @classmethod
    def of(cls, depth_m: NDArray[np.floating]) -> "DepthHistogram":
        """Histogram of valid depths in meters, at least one, in any shape."""
        counts = np.bincount(np.rint(depth_m.reshape(-1) * 1000.0).astype(np.int64))
        depths_mm = np.flatnonzero(counts)
        return cls(depths_mm.astype(np.uint32), counts[depths_mm].astype(np.uint32))


def best_constant_m(frames: Sequence[DepthHistogram]) -> float:
    """The constant depth in m with the least mae: the median of all frames' pixels, each frame weighing the same."""
    weights = np.zeros(1 + max(int(frame.depths_mm[-1]) for frame in frames))
    for frame in frames:
        weights[frame.depths_mm] += frame.counts / frame.counts.sum()
    return float(np.searchsorted(np.cumsum(weights), len(frames) / 2)) / 1000.0


def constant_scores(depth_m: float, frames: Sequence[DepthHistogram]) -> dict[str, float]:
    """Scores of predicting `depth_m` everywhere: as for a model, per frame, then the mean over frames."""
    scores = []
    for frame in frames:
        target = frame.depths_mm / 1000.0
        of_frame = depth_scores(
            pred=np.full(target.shape, depth_m),
            target=target,
            valid=np.ones(target.shape, bool),
            weights=frame.counts,
        )
        scores.append(of_frame or {})
    return {name: float(np.mean([of_frame[name] for of_frame in scores])) for name in scores[0]}
