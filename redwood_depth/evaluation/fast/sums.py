"""Sums over the pixels of a depth image, strip by strip, from which the scores of metrics.depth_scores follow.

They follow for the raw prediction and for the scaled one. Scaling by s multiplies the ratio p / t by s, so sums of
squares at any scale are derived; only those of absolute values are computed for both. Pixels that do not count are 1 in
both images: their error is 0, and what else they add is taken away in the end.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.evaluation.fast.thread_buffers import Image, workspace

_FACTORS = tuple(1.25**n for n in (1, 2, 3))
_BINS = ("pixels", "error", "relative", "bias")


class ImageSums:
    """Of an image that is given as strips: to `add`, and then to be asked."""

    def __init__(self, scale: float, edges_m: Sequence[float]) -> None:
        """`scale` is that of the scaled scores, `edges_m` are those of the distance bins."""
        self._scale, self._shift = scale, math.log(scale)
        self._inner: list[Any] = [np.float32(edge) for edge in edges_m[1:-1]]
        self._bins = np.zeros((len(edges_m) - 1, len(_BINS)))
        self._pixels = 0
        self._t = self._p_ratio = self._square = self._log = self._log_square = self._log_error = 0.0
        self._scaled = np.zeros(4)  # sums of absolute error, its square, absolute relative and absolute log error
        self._within = np.zeros((2, len(_FACTORS)))

    def add(self, p: Image, t: Image) -> None:
        """Take in prediction and truth in m, both of the same shape, 1 where they do not count."""
        ratio, log, free, other = workspace("sums", 4, p.shape)
        self._pixels += p.size
        cv2.divide(p, t, ratio)
        cv2.log(ratio, log)
        cv2.multiply(p, ratio, free)
        self._p_ratio += _sum(free)
        self._t += _sum(t)
        self._log += _sum(log)
        self._log_square += cv2.norm(log, cv2.NORM_L2SQR)
        self._log_error += cv2.norm(log, cv2.NORM_L1)
        self._count_within(ratio)
        scaled = np.multiply(p, np.float32(self._scale), out=free)
        absolute, square = cv2.norm(scaled, t, cv2.NORM_L1), cv2.norm(scaled, t, cv2.NORM_L2SQR)
        relative = self._scale * cv2.norm(np.subtract(ratio, np.float32(1 / self._scale), out=free), cv2.NORM_L1)
        log += np.float32(self._shift)
        self._scaled += absolute, square, relative, cv2.norm(log, cv2.NORM_L1)
        self._add_by_distance(p, t, ratio, free, other)

    def _count_within(self, ratio: Image) -> None:
        for row, scale in zip(self._within, (1.0, self._scale), strict=True):
            for index, factor in enumerate(_FACTORS):
                low, high = _bounds(factor, scale)
                row[index] += np.count_nonzero(ratio < high) - np.count_nonzero(ratio <= low)

    def _add_by_distance(self, p: Image, t: Image, ratio: Image, error: Image, positive: Image) -> None:
        """Overwrites the last three."""
        np.subtract(p, t, out=error)
        self._square += cv2.norm(error, cv2.NORM_L2SQR)
        np.maximum(error, np.float32(0.0), out=positive)
        relative = np.subtract(ratio, np.float32(1.0), out=ratio)
        nearest, farthest = float(t.min()), float(t.max())
        farther: Any = None  # mask of what lies beyond the bin's lower edge; None: everything
        for index, (low, high) in enumerate(itertools.pairwise([-math.inf, *self._inner, math.inf])):
            if low > farthest or high <= nearest:
                continue
            beyond = t >= high if high <= farthest else None
            here = farther if beyond is None else ~beyond if farther is None else farther ^ beyond
            mask = None if here is None else here.view(np.uint8)
            absolute, ahead = cv2.norm(error, cv2.NORM_L1, mask), cv2.norm(positive, cv2.NORM_L1, mask)
            pixels = t.size if here is None else int(np.count_nonzero(here))
            self._bins[index] += pixels, absolute, cv2.norm(relative, cv2.NORM_L1, mask), 2 * ahead - absolute
            farther = beyond

    def by_distance(self, outside: int) -> NDArray[np.float64]:
        """(bins, 4): pixels, and sums over them of |p - t|, |p - t| / t and p - t; `outside` pixels do not count."""
        bins = self._bins.copy()
        bins[int(np.digitize(1.0, self._inner)), 0] -= outside
        return bins

    def scores(self, outside: int) -> tuple[dict[str, float], dict[str, float]]:
        """Raw and scaled, under the names of metrics.depth_scores without "coverage"; `outside` pixels do not count."""
        _, error, relative, bias = self._bins.sum(axis=0)
        raw = np.array((error, self._square, relative, self._log_error))
        s, shift = self._scale, self._shift
        away = np.array((abs(s - 1), (s - 1) ** 2, s * abs(1 - np.float32(1 / s)), abs(np.float32(shift))))
        return self._at_scale(1.0, raw, bias, outside), self._at_scale(s, self._scaled - outside * away, bias, outside)

    def _at_scale(self, s: float, sums: Any, bias: float, outside: int) -> dict[str, float]:
        pixels, shift = self._pixels - outside, math.log(s)
        absolute, square, relative, log_error = (max(float(value), 0.0) / pixels for value in sums)
        t, p_ratio = self._t - outside, self._p_ratio - outside
        relative_square = s * s * p_ratio - 2 * s * (t + bias) + t
        mean_log, log_square = self._log / pixels, self._log_square / pixels
        row = self._within[0 if s == 1.0 else 1]
        inside = [bool(low < 1.0 < high) for low, high in (_bounds(factor, s) for factor in _FACTORS)]
        return {
            "abs_rel": relative,
            "sq_rel": max(relative_square, 0.0) / pixels,
            "rmse": math.sqrt(square),
            "rmse_log": math.sqrt(max(log_square + 2 * shift * mean_log + shift * shift, 0.0)),
            "log10": log_error / math.log(10.0),
            "silog": 100.0 * math.sqrt(max(log_square - mean_log**2, 0.0)),
            "mae": absolute,
            **{f"delta{n}": float(row[n - 1] - outside * inside[n - 1]) / pixels for n in (1, 2, 3)},
        }


def _bounds(factor: float, scale: float) -> tuple[np.float32, np.float32]:
    """Between them max(s r, 1 / (s r)) is below the factor."""
    return np.float32(1.0 / factor / scale), np.float32(factor / scale)


def _sum(image: Any) -> float:
    return float(cv2.sumElems(image)[0])
