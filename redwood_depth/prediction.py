"""What the network says about one image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """Depth and class of one image.

    `depth_m` is float32 (H, W): Z along the optical axis in meters, NaN where there is none. `class_scores` is float32
    (C,), each in 0..1 and summing to at most 1; what is missing to 1 is "none of these". `depth_scale` is the focal
    correction that `depth_m` already contains (1.0: none), the bundle's calibration not counted. `classes` names the
    scores, from `class_threshold` on the model answers with one.
    """

    depth_m: NDArray[np.float32]
    class_scores: NDArray[np.float32]
    depth_scale: float = 1.0
    classes: tuple[str, ...] = ()
    class_threshold: float = 0.0

    def best_class(self) -> str | None:
        """Name of the class with the best score where that reaches the model's threshold, else None: none of them."""
        best = best_class(self.class_scores, self.class_threshold)
        return None if best is None else self.classes[best]


def best_class(class_scores: NDArray[np.float32], threshold: float) -> int | None:
    """Index of the class with the best of the scores (C,) where that reaches `threshold`, else None: none of them."""
    if not class_scores.size:
        return None
    best = int(class_scores.argmax())
    return best if class_scores[best] >= threshold else None
