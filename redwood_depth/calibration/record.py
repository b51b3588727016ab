"""What a bundle says of its calibration: the correction, what it was fitted on, and what it is worth."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from redwood_depth.calibration.scale import SLOPES, Scale
from redwood_depth.errors import BundleError

_LOG_SCALES = (-4.0, 4.0)  # factors of 1/50 to 50: beyond that it is not the scale that is wrong


@dataclass(frozen=True)
class FittedOn:
    """A recording that took part: its name, a digest of the frames that were used, and how many they were."""

    name: str
    digest: str
    frames: int


@dataclass(frozen=True)
class Calibration:
    """`scale` is applied after the focal correction. AbsRel is that of held-out frames; `fitted_at` a date, UTC."""

    scale: Scale
    fitted_on: tuple[FittedOn, ...]
    fitted_at: str
    abs_rel_before: float
    abs_rel_after: float

    def to_json(self) -> dict[str, Any]:
        """As model.json holds it."""
        return {
            "log_scale": self.scale.log_scale,
            "log_slope": self.scale.log_slope,
            "fitted_on": [asdict(one) for one in self.fitted_on],
            "fitted_at": self.fitted_at,
            "abs_rel_before": self.abs_rel_before,
            "abs_rel_after": self.abs_rel_after,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Calibration":
        """Read and check it. Raises BundleError."""
        try:
            scale = Scale(float(content["log_scale"]), float(content.get("log_slope", 1.0)))
            fitted_on = tuple(
                FittedOn(str(one["name"]), str(one["digest"]), int(one["frames"])) for one in content["fitted_on"]
            )
            scores = float(content["abs_rel_before"]), float(content["abs_rel_after"])
            calibration = cls(scale, fitted_on, str(content["fitted_at"]), *scores)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(
                f"the calibration in model.json is not a calibration: {error!r}; calibrate again"
            ) from error
        if not _LOG_SCALES[0] <= scale.log_scale <= _LOG_SCALES[1] or not SLOPES[0] <= scale.log_slope <= SLOPES[1]:
            low, high = (math.exp(limit) for limit in _LOG_SCALES)
            raise BundleError(
                f"the calibration in model.json has a factor of {scale.factor:.3g} and a slope of {scale.log_slope:g}; "
                f"factors of {low:.2g} to {high:.2g} and slopes of {SLOPES[0]:g} to {SLOPES[1]:g} are possible"
            )
        return calibration

    def __str__(self) -> str:
        slope = "" if self.scale.log_slope == 1.0 else f", slope {self.scale.log_slope:.3f}"
        return f"factor {self.scale.factor:.3f}{slope}, fitted {self.fitted_at[:10]}"
