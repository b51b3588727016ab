"""Depth that cannot be in the unit that it should be in, with the evidence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEP = 8
_RELIEF, _EQUAL = 1.1, 0.001
_FACTORS = {1000.0: "millimeters", 100.0: "centimeters", 0.001: "kilometers", 0.01: "hectometers"}


def typical_depth_m(depth_m: NDArray[Any]) -> float | None:
    """Median of the finite depths above 0 (of every eighth pixel), whatever their range; None: there are none."""
    sparse = depth_m[::_STEP, ::_STEP]
    found = sparse[(sparse > 0) & (sparse < np.inf)]
    return float(np.median(found)) if found.size else None


def truth_warning(typical_m: Sequence[float], low_m: float, high_m: float) -> str | None:
    """A word on ground truth most of which lies outside [low_m, high_m]; `typical_m` has an entry a frame.

    16UC1 is millimeters by REP 118, yet some drivers write other units, and most of it then lies out of range.
    """
    if not typical_m:
        return None
    median_m = float(np.median(typical_m))
    if low_m <= median_m <= high_m:
        return None
    side = "too small" if median_m < low_m else "too large"
    return (
        f"the ground truth is {median_m:.3g} m on median (frames: {min(typical_m):.3g} to {max(typical_m):.3g} m), "
        f"{side} for {low_m:g} to {high_m:g} m: is 16UC1 in millimeters there, and 32FC1 in meters?"
    )


def copy_warning(abs_rel: Sequence[float], relief: Sequence[float]) -> str | None:
    """A word on ground truth that is the prediction itself; `relief` is a frame's largest depth over its least.

    No network is right to a thousandth where there is something to see; a recording of this node's own depth is.
    """
    told = [error for error, one in zip(abs_rel, relief, strict=True) if one > _RELIEF]
    if not told or float(np.median(told)) > _EQUAL:
        return None
    return (
        f"the ground truth equals the prediction (AbsRel {np.median(told):.5f}): it is a recording of the network's "
        "own depth, not of a sensor; --depth-topic chooses another"
    )


def prediction_warning(scales: Sequence[float]) -> str | None:
    """A word on predictions that are far off by one and the same factor; `scales` are true over predicted medians."""
    median = 1.0 / float(np.median(scales))
    if 0.2 < median < 5.0:
        return None
    spread = f"{1 / max(scales):.4g} to {1 / min(scales):.4g}"
    unit = next((name for factor, name in _FACTORS.items() if 0.6 < median / factor < 1.6), None)
    guess = f"the unit may be {unit}" if unit else "it may be relative depth, or disparity"
    return f"predicted depth is {median:.4g} times the true depth on median (frames: {spread}): {guess}, not meters"
