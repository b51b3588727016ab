"""The unit of a scan's stamps: microseconds, unless their rate says otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LEAST_STAMPS = 3
_NUMBERED_RATE_HZ = 30
_SHORTEST_MS, _SHORTEST_US, _SHORTEST_NS = 10, 1000, 10_000_000  # between frames, in units: 100 Hz, 1000 Hz, 100 Hz


@dataclass(frozen=True)
class StampUnit:
    """What one step of a scan's stamps is: `numerator` / `denominator` microseconds."""

    name: str
    numerator: int
    denominator: int = 1

    def us(self, stamp: int) -> int:
        """A stamp in microseconds."""
        return stamp * self.numerator // self.denominator


MICROSECONDS = StampUnit("microseconds", 1)
_MILLISECONDS = StampUnit("milliseconds", 1000)
_NANOSECONDS = StampUnit("nanoseconds", 1, 1000)
_NUMBERS = StampUnit("frame numbers", 1_000_000, _NUMBERED_RATE_HZ)


def unit_of(stamps: Sequence[int]) -> tuple[StampUnit, str | None]:
    """The unit of ascending stamps by the time between them, and what a user must know where it is not microseconds.

    In microseconds no camera takes 1000 images a second, nor one in ten seconds. Frame numbers are given 30 Hz, so that
    only equal ones are near enough to be paired.
    """
    if len(stamps) < _LEAST_STAMPS:
        return MICROSECONDS, None
    step = float(np.median(np.diff(np.array(stamps, np.int64))))
    if _SHORTEST_US <= step < _SHORTEST_NS or step == 0:
        return MICROSECONDS, None
    unit = _NUMBERS if step < _SHORTEST_MS else _MILLISECONDS if step < _SHORTEST_US else _NANOSECONDS
    rate = f"{1e6 / max(unit.us(round(step)), 1):.3g} images a second" if unit is not _NUMBERS else "taken as 30 Hz"
    return unit, f"its stamps are {unit.name}, not microseconds, by the {step:g} between them: {rate}"
