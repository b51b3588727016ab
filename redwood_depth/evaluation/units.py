"""Ground truth whose unit is not the one that it is read in, although it lies in range: evidence, and the likely unit.

A network alone proves nothing: in near scenes the bundled one is off by 2 to 7 in one direction. So its factor must be
joined by what the values themselves say (all multiples of 5; steps that no sensor has), or be the same in every frame
and a known unit's.
"""

import math
from collections.abc import Sequence

import numpy as np

from redwood_depth.evaluation.frame_scores import FrameScores
from redwood_depth.evaluation.value_steps import ValueSteps

_KITTI = 0.256
# How much too large depth is when it is read as millimeters: the unit in meters, and who has it.
_UNITS = {
    10.0: (0.0001, "0.1 mm"),
    8.0: (0.000125, "8000 a meter, as SUN RGB-D has it"),
    5.0: (0.0002, "5000 a meter, as TUM RGB-D has it"),
    4.0: (0.00025, "0.25 mm, as the RealSense L515 has it"),
    2.0: (0.0005, "0.5 mm"),
    _KITTI: (0.00390625, "256 a meter, as KITTI has it"),
}
_ROUGHLY = math.log(2.5)  # how far a network's factor may be from the unit that the values say
_CLOSELY = math.log(1.2)  # and from one that they do not say
_ROUGHLY_BY_STEPS = math.log(1.8)
_COARSE = (5.5e-3, 14e-3)  # growth of the steps per meter: of 1.5e-3 to 3e-3 read at 256 a meter
_LEAST_FRAMES = 8
_STEADY = 0.08  # standard deviation of the factor's logarithm: 0.02 to 0.04 where the network is right
_FAR_BETTER, _GOOD = 3.0, 0.25  # relative error as it is over that of scaled depth, and the latter


def unit_warning(frames: Sequence[FrameScores], steps: ValueSteps) -> str | None:
    """A word on ground truth that is probably in another unit, with the evidence and what would read it."""
    if not frames:
        return None
    factors = [frame.depth.scale for frame in frames]
    factor = float(np.median(factors))
    by_values = steps.multiple()
    if by_values and factor > math.sqrt(by_values) and abs(math.log(factor / by_values)) < _ROUGHLY:
        why = f"its values are all multiples of {by_values:g}"
        return _words(float(by_values), factor, factors, why)
    growth = steps.growth()
    if growth and _COARSE[0] < growth < _COARSE[1] and abs(math.log(factor / _KITTI)) < _ROUGHLY_BY_STEPS:
        why = f"the steps between its values, {1000 * growth:.2g} mm at 1 m, are those of no such sensor (1 to 3 mm)"
        return _words(_KITTI, factor, factors, why)
    by_network = min(_UNITS, key=lambda known: abs(math.log(factor / known)))
    if abs(math.log(factor / by_network)) < _CLOSELY and _is_one_factor(frames):
        raw, scaled = (_abs_rel(frames, kind) for kind in ("raw", "scaled"))
        why = f"with one factor on all frames the relative error is {scaled:.2f} instead of {raw:.2f}"
        return _words(by_network, factor, factors, why)
    return None


def _is_one_factor(frames: Sequence[FrameScores]) -> bool:
    raw, scaled = _abs_rel(frames, "raw"), _abs_rel(frames, "scaled")
    spread = float(np.std(np.log([frame.depth.scale for frame in frames])))
    errors_agree = scaled < _GOOD and max(raw, 1 - 1 / max(raw, 1e-9)) > _FAR_BETTER * scaled
    return len(frames) >= _LEAST_FRAMES and spread < _STEADY and errors_agree


def _abs_rel(frames: Sequence[FrameScores], kind: str) -> float:
    return float(np.mean([getattr(frame.depth, kind)["abs_rel"] for frame in frames]))


def _words(unit: float, factor: float, factors: Sequence[float], why: str) -> str:
    meters, name = _UNITS[unit]
    spread = f"{min(factors):.3g} to {max(factors):.3g}"
    return (
        f"the ground truth is {factor:.3g} times the prediction (frames: {spread}), and {why}: its unit is probably "
        f"not the millimeter but {name}; --depth-unit {meters:g} reads it so"
    )
