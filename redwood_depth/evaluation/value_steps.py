"""What the values of depth images say of their unit: what all are multiples of, and how their steps grow with distance.

Triangulation measures disparity in steps, so that the step of depth is c z^2, with c = 1 / (focal length x baseline x
disparity steps a pixel). c belongs to the sensor: 2.9e-3 a meter for structured light (Kinect, Xtion, Astra), 1e-3 to
2e-3 for RealSense D400. Read in another unit, k times too large, it is c / k.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

MULTIPLES = (10, 8, 5, 4, 2)
_SHARE = 0.995  # of the values; a few are rounded otherwise where depth was resized
_LEAST_VALUES = 1000
_SPARSE = 4
_EVERY_FRAMES, _MOST_FRAMES = 6, 12
_FIRST_MM, _WINDOW = 200, 1.15
_PIXELS_A_VALUE = 20
_LEAST_STEP, _LEAST_WINDOWS, _AGREE = 1.5, 4, 0.3
_AGREEING = 0.75  # of the windows in which the step should show


class ValueSteps:
    """Collects from the frames of a recording; depth is float32 (H, W) in meters, NaN where there is none."""

    def __init__(self) -> None:
        self._frames = 0
        self._values = 0
        self._multiples: Counter[int] = Counter()
        self._windows: list[tuple[float, float]] = []  # middle in meters, step in meters

    def add(self, depth_m: NDArray[np.float32]) -> None:
        """One frame; of most of them nothing is looked at."""
        self._frames += 1
        if self._frames % _EVERY_FRAMES != 1 or self._frames > _EVERY_FRAMES * _MOST_FRAMES:
            return
        values = np.rint(depth_m[np.isfinite(depth_m) & (depth_m < 60.0)] * 1000.0).astype(np.int64)
        sparse = values[::_SPARSE]
        self._values += sparse.size
        for number in MULTIPLES:
            self._multiples[number] += int(np.count_nonzero(sparse % number == 0))
        self._add_windows(np.bincount(values))

    def multiple(self) -> int | None:
        """The largest of MULTIPLES that all values, in millimeters, are multiples of; None: they are not."""
        if self._values < _LEAST_VALUES:
            return None
        return next((one for one in MULTIPLES if self._multiples[one] >= _SHARE * self._values), None)

    def growth(self) -> float | None:
        """c, per meter, where the steps do grow with the square of the distance; None: they do not."""
        steps = [(middle, step / middle**2) for middle, step in self._windows if step > _LEAST_STEP / 1000]
        if len(steps) < _LEAST_WINDOWS:
            return None
        c = float(np.median([one for _, one in steps]))
        due = [(middle, step) for middle, step in self._windows if c * middle**2 > 1.2 * _LEAST_STEP / 1000]
        agree = sum(abs(step / (c * middle**2) - 1.0) < _AGREE for middle, step in due)
        return c if len(due) >= _LEAST_WINDOWS and agree >= _AGREEING * len(due) else None

    def _add_windows(self, counts: NDArray[np.int64]) -> None:
        """The mean step in windows of distance that hold enough pixels for each value that there may be."""
        low = _FIRST_MM
        while (high := int(low * _WINDOW)) < counts.size:
            window = counts[low:high]
            if window.sum() >= _PIXELS_A_VALUE * window.size:
                step_mm = window.size / max(int(np.count_nonzero(window)), 1)
                self._windows.append(((low + high) / 2000.0, step_mm / 1000.0))
            low = high
