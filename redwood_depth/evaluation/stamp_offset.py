"""Are recorded predictions stamped late? Networks that stamp when they send are nearest to images that they never saw.

Some predictions are compared with the ground truth of the frames around them in time, in shape alone: they fit best at
the time from image to stamp, which is 0 where a network copies the image's stamp.
"""

import bisect
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PROBES = 24
_GRID = (12, 16)
_MOST_TRUTHS = 40_000  # 30 MB
_BEFORE_NS, _AFTER_NS = 1_200_000_000, 200_000_000  # a stamp may be so much later than its image, or earlier
_LEAST_PROBES = 5
_BETTER = 0.8  # the best offset must have at most this share of the error at 0
_AGREEING = 0.7  # share of the probes that it must fit better
_STEPS = 4  # offsets tried from one frame to the next


@dataclass(frozen=True)
class _Picture:
    stamp_ns: int
    log_depth: NDArray[np.float32]  # at _GRID, NaN where there is none


class StampOffset:
    """Gathers frames and some predictions, and tells whether another offset would pair them better."""

    def __init__(self) -> None:
        self._truths: deque[_Picture] = deque(maxlen=_MOST_TRUTHS)
        self._probes: list[_Picture] = []

    def add_truth(self, stamp_ns: int, depth_m: NDArray[Any]) -> None:
        """Ground truth (H, W) in m of a frame."""
        self._truths.append(_Picture(stamp_ns, _small(depth_m)))

    def add_prediction(self, stamp_ns: int, depth_m: NDArray[Any]) -> None:
        """A prediction (H, W) in m, by its own stamp; PROBES of them, spread in time, are enough."""
        self._probes.append(_Picture(stamp_ns, _small(depth_m)))

    def better_ns(self, used_ns: int) -> int | None:
        """The offset that fits clearly better than the one that is used; None: there is none, or it cannot be told.

        Where nothing moves all offsets fit alike, and nothing is said.
        """
        truths = sorted(self._truths, key=lambda picture: picture.stamp_ns)
        if len(truths) < 3 or len(self._probes) < _LEAST_PROBES:
            return None
        frames = _Frames(truths)
        offsets = np.arange(-_AFTER_NS, _BEFORE_NS + 1, max(frames.period_ns // _STEPS, 1)) + used_ns
        errors = np.array([[frames.error(probe, int(offset)) for offset in offsets] for probe in self._probes])
        used = np.array([frames.error(probe, used_ns) for probe in self._probes])
        return _clearly_better(offsets, errors, used)


class _Frames:
    """Ground truth in order of time."""

    def __init__(self, truths: Sequence[_Picture]) -> None:
        self._truths = truths
        self._stamps_ns = [picture.stamp_ns for picture in truths]
        self.period_ns = max(int(np.median(np.diff(self._stamps_ns))), 1)

    def error(self, probe: _Picture, offset_ns: int) -> float:
        """Of a probe at its stamp less the offset: between two frames that of both, the nearer one weighing more."""
        wanted_ns = probe.stamp_ns - offset_ns
        at = bisect.bisect_right(self._stamps_ns, wanted_ns)
        near = self._truths[max(at - 1, 0) : at + 1]
        weights = [max(0.0, 1.0 - abs(truth.stamp_ns - wanted_ns) / self.period_ns) for truth in near]
        if not any(weights):
            return float("nan")
        return float(np.average([_difference(probe, truth) for truth in near], weights=weights))


def _clearly_better(offsets: NDArray[Any], errors: NDArray[Any], used: NDArray[Any]) -> int | None:
    """`errors` are (probes, offsets)."""
    known = np.isfinite(errors).sum(axis=0) >= _LEAST_PROBES
    if not known.any():
        return None
    means = np.array([np.nanmean(column) if fits else np.inf for column, fits in zip(errors.T, known, strict=True)])
    best = int(means.argmin())
    both = np.isfinite(errors[:, best]) & np.isfinite(used)
    if both.sum() < _LEAST_PROBES:  # at the offset that is used nothing can be compared
        return int(offsets[best]) if not np.isfinite(used).any() else None
    ours, theirs = used[both], errors[both, best]
    differ = theirs != ours  # where nothing moved they do not
    clear = theirs.mean() < _BETTER * ours.mean() and np.mean(theirs[differ] < ours[differ]) >= _AGREEING
    return int(offsets[best]) if clear and differ.sum() >= _LEAST_PROBES else None


def _small(depth_m: NDArray[Any]) -> NDArray[np.float32]:
    sizes = zip(depth_m.shape, _GRID, strict=True)
    rows, columns = (np.linspace(0, size - 1, count).astype(int) for size, count in sizes)
    sparse = np.asarray(depth_m[np.ix_(rows, columns)], np.float32)
    return np.log(np.where((sparse > 0) & np.isfinite(sparse), sparse, np.float32(np.nan)))


def _difference(a: _Picture, b: _Picture) -> float:
    """Mean deviation of the log ratio from its median: 0 where the shapes are the same."""
    ratio = a.log_depth - b.log_depth
    ratio = ratio[np.isfinite(ratio)]
    return float(np.abs(ratio - np.median(ratio)).mean()) if ratio.size > 20 else float("nan")
