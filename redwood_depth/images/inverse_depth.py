"""The code in which compressed_depth_image_transport writes meters into 16 bits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST_CODE = 65535


@dataclass(frozen=True)
class InverseDepthCode:
    """How 32FC1 travels in 16 bits: depth = a / (code - b) for codes from 1, 0 where there is none."""

    a: float
    b: float

    @property
    def nearest_m(self) -> float:
        """What is nearer does not fit: the recorder's conversion to 16 bits made something else of it."""
        return self.a / (LARGEST_CODE - self.b)

    @property
    def farthest_m(self) -> float:
        return self.a / (1 - self.b)

    @property
    def is_plausible(self) -> bool:
        """Whether a transport may have written it: a header that nobody filled holds anything."""
        ordered = np.isfinite([self.a, self.b]).all() and self.a > 0 and self.b < 1
        return bool(ordered and 1e-4 < self.nearest_m < self.farthest_m < 1e5)

    def step_m(self, depth_m: float) -> float:
        """Between two neighboring codes at `depth_m`."""
        return depth_m * depth_m / self.a

    @property
    def words(self) -> str:
        """What it holds, and how finely."""
        near, far = self.nearest_m, self.farthest_m
        steps = ", ".join(f"{1000 * self.step_m(at):.2g} mm at {at:.3g} m" for at in (1.0, far / 2, far) if at <= far)
        return f"32FC1 in 16 bits: {near:.3f} to {far:.3g} m (nearer is wrong), in steps of {steps}"

    def decoded(self, codes: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Depth float32 in meters, 0 where there is none: also at the largest code, which nearer depth may have got."""
        with np.errstate(divide="ignore", invalid="ignore"):
            depth_m = np.float32(self.a) / (codes - np.float32(self.b))
        depth_m[(codes == 0) | (codes == LARGEST_CODE)] = 0.0
        return depth_m
