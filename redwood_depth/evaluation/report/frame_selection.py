"""What the report's pictures are drawn from, gathered in one pass over the frames in bounded memory."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.evaluation.frame_scores import FrameScores
from redwood_depth.evaluation.metrics import usable_prediction
from redwood_depth.evaluation.scoring import ScoredFrame

GRID = (36, 48)  # rows and columns of the error map
_DENSITY_BINS = 192
_STEP = 2  # every second pixel of every second row: sums over all frames need no more
_CANDIDATES = 48
_PANEL_WIDTH_PX = 400


@dataclass(frozen=True)
class Panel:
    """A frame to be shown, at most 400 pixels wide: image (H, W, 3) RGB, depths (H, W) in m with NaN where invalid."""

    bag: str
    stamp_ns: int
    scores: dict[str, float]
    class_scores: NDArray[np.float32]
    image_rgb: NDArray[np.uint8]
    true_m: NDArray[np.float32]
    pred_m: NDArray[np.float32]

    @classmethod
    def of(cls, frame: ScoredFrame, scores: FrameScores, bag: str) -> "Panel":
        height, width = frame.pair.depth_m.shape
        wide = min(width, _PANEL_WIDTH_PX)
        size = wide, max(1, round(height * wide / width))
        true_m, pred_m = (
            np.asarray(cv2.resize(depth_m, size, interpolation=cv2.INTER_NEAREST), np.float32)
            for depth_m in (np.where(frame.valid, frame.pair.depth_m, np.float32(np.nan)), frame.prediction.depth_m)
        )
        image = frame.pair.color.resized_rgb(size[1], size[0])
        return cls(bag, scores.stamp_ns, scores.depth.raw, scores.class_scores, image, true_m, pred_m)


class Evidence:
    """Sums over all frames, and the frames to show: the best, the worst, and candidates for the median one.

    `density` counts pixels by true (axis 0) and predicted depth, logarithmic bins of `depth_edges_m`. `error` is
    (3, *GRID): sums of weight, of |p - t| / t and of (p - t) / t over the image, whatever its size.
    """

    def __init__(self, low_m: float, high_m: float) -> None:
        self.depth_edges_m = np.geomspace(low_m, high_m, _DENSITY_BINS + 1)
        self.density = np.zeros((_DENSITY_BINS, _DENSITY_BINS), np.int64)
        self.error = np.zeros((3, *GRID))
        self.best: Panel | None = None
        self.worst: Panel | None = None
        self.candidates: list[Panel] = []
        self._every, self._seen = 1, 0

    def add(self, frame: ScoredFrame, bag: str) -> None:
        """Take in a frame of the bag with that name; one without any ground truth adds nothing."""
        if not isinstance(frame.scores, FrameScores):
            return
        sparse = slice(None, None, _STEP), slice(None, None, _STEP)
        target, pred, valid = frame.pair.depth_m[sparse], frame.prediction.depth_m[sparse], frame.valid[sparse]
        usable = valid & usable_prediction(pred)
        target, pred = np.where(usable, target, np.float32(1.0)), np.where(usable, pred, np.float32(1.0))
        self._count_density(target[usable], pred[usable])
        self._sum_errors(pred / target - np.float32(1.0), usable)
        self._keep(frame, frame.scores, bag)

    def merge(self, other: "Evidence") -> None:
        """Take in what was gathered of other bags, over the same range of depth."""
        self.density += other.density
        self.error += other.error
        shown = [panel for panel in (self.best, self.worst, other.best, other.worst) if panel]
        self.best = min(shown, key=_abs_rel, default=None)
        self.worst = max(shown, key=_abs_rel, default=None)
        self.candidates = sorted([*self.candidates, *other.candidates], key=_abs_rel)
        while len(self.candidates) > 2 * _CANDIDATES:  # of a hundred bags they would not fit into the memory
            self.candidates = self.candidates[::2]

    def median(self, abs_rel: float) -> Panel | None:
        """The candidate with an error nearest to `abs_rel`."""
        return min(self.candidates, key=lambda panel: abs(_abs_rel(panel) - abs_rel), default=None)

    def _count_density(self, target: NDArray[np.float32], pred: NDArray[np.float32]) -> None:
        low, high = np.log(self.depth_edges_m[[0, -1]]).tolist()
        scale = np.float32(_DENSITY_BINS / (high - low))
        bins = [
            np.clip((np.log(depth_m) - np.float32(low)) * scale, 0, _DENSITY_BINS - 1).astype(np.int64)
            for depth_m in (target, pred)
        ]
        counts = np.bincount(bins[0] * _DENSITY_BINS + bins[1], minlength=_DENSITY_BINS**2)
        self.density += counts.reshape(self.density.shape)

    def _sum_errors(self, relative: NDArray[np.float32], usable: NDArray[np.bool_]) -> None:
        """`relative` is (p - t) / t, 0 where there is none."""
        for index, layer in enumerate((usable.astype(np.float32), np.abs(relative), relative)):
            self.error[index] += cv2.resize(layer, (GRID[1], GRID[0]), interpolation=cv2.INTER_AREA)

    def _keep(self, frame: ScoredFrame, scores: FrameScores, bag: str) -> None:
        error = scores.depth.raw["abs_rel"]
        if self.best is None or error < _abs_rel(self.best):
            self.best = Panel.of(frame, scores, bag)
        if self.worst is None or error > _abs_rel(self.worst):
            self.worst = Panel.of(frame, scores, bag)
        if self._seen % self._every == 0:
            self.candidates.append(Panel.of(frame, scores, bag))
        self._seen += 1
        if len(self.candidates) > _CANDIDATES:
            self.candidates, self._every = self.candidates[::2], 2 * self._every


def _abs_rel(panel: Panel) -> float:
    return panel.scores["abs_rel"]
