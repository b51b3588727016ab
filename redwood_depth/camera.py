"""The pinhole camera: intrinsics in pixels, and what a change of focal length does to depth."""

import math
import re
from dataclasses import dataclass
from typing import Any

from redwood_depth.errors import CameraError

_FOCAL_RANGE = (0.15, 4.0)  # fx / width, fy / height: fields of view of 147 and of 14 degrees
_MAX_OFF_CENTER = 0.23  # of the width or height; half or twice the size puts the principal point 0.25 or 0.5 off
_MAX_STRETCH = 1.45  # fx / fy; 4:3 made of 16:9 is 1.33, binning along one axis 2
_RECTIFIED = {"rect", "rectified"}


def is_rectified(topic: str) -> bool:
    """Whether the name of an image topic says that its images are rectified: P describes them then, not K."""
    return bool(_RECTIFIED & set(re.split("[/_]", topic.lower())))


def implausible(width: int, height: int, fx: float, fy: float, cx: float, cy: float) -> str | None:
    """Why an image of that size, in pixels, does not have these intrinsics; None: it may. For bag, scan and node."""
    values = f"{width}x{height} with fx {fx:g}, fy {fy:g}, cx {cx:g}, cy {cy:g}"
    if min(width, height) < 1 or not all(map(math.isfinite, (fx, fy, cx, cy))):
        return values
    for name, share in (("fx", fx / width), ("fy", fy / height)):
        if not _FOCAL_RANGE[0] <= share <= _FOCAL_RANGE[1]:
            return f"{values}: {name} is {share:.3g} of the image's size, cameras have {_FOCAL_RANGE[0]} to 4"
    if not 1 / _MAX_STRETCH <= fx / fy <= _MAX_STRETCH:
        return f"{values}: fx is {fx / fy:.2f} of fy"
    if max(abs(cx / width - 0.5), abs(cy / height - 0.5)) > _MAX_OFF_CENTER:
        return f"{values}: the principal point is far from the middle, as if K were of another size or binning"
    return None


def _matrix(info: Any, name: str) -> list[float]:
    """K or P of a ROS 2 message, or of rosbags' ROS 1 style."""
    return [float(value) for value in (getattr(info, name) if hasattr(info, name) else getattr(info, name.upper()))]


@dataclass(frozen=True)
class TrainingCamera:
    """Camera of a bundle's training data; focal lengths relative to the image size, so free of any resolution."""

    fx_over_width: float
    fy_over_height: float


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole intrinsics of an image of `width` x `height` pixels; fx, fy, cx, cy in pixels."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def from_camera_info(cls, info: Any, rectified: bool = False) -> "Intrinsics | None":
        """Intrinsics of the image that a sensor_msgs/CameraInfo describes, or None where it is uncalibrated (K[0] = 0).

        K describes the image as the lens makes it, P the rectified one; where the one that is due is 0 (P) or cannot be
        (K, such as the identity), the other is taken. They speak of the full sensor; binning and region of interest are
        applied here, as the message's own comments define them (region first, in unbinned pixels, then binning).

        Raises:
            CameraError: sizes or focal lengths that no camera has; the message names them.
        """
        k, p = _matrix(info, "k"), _matrix(info, "p")
        of_k, of_p = (k[0], k[4], k[2], k[5]), (p[0], p[5], p[2], p[6])
        due, other = (of_p, of_k) if rectified and of_p[0] else (of_k, of_p)
        if due[0] == 0.0:
            return None
        fault = implausible(info.width, info.height, *due)
        if fault and other[0] and not implausible(info.width, info.height, *other):
            due, fault = other, None
        if fault:
            raise CameraError(f"implausible camera_info: {fault}")
        return cls._of_region(info, *due)

    @classmethod
    def _of_region(cls, info: Any, fx: float, fy: float, cx: float, cy: float) -> "Intrinsics":
        bin_x, bin_y = max(info.binning_x, 1), max(info.binning_y, 1)
        roi = info.roi
        width, height = (roi.width or info.width) // bin_x, (roi.height or info.height) // bin_y
        if min(width, height) < 1:
            raise CameraError(f"impossible camera_info: binning {bin_x}x{bin_y} leaves no pixel of {info.width} wide")
        return cls(
            width=width,
            height=height,
            fx=fx / bin_x,
            fy=fy / bin_y,
            cx=(cx - roi.x_offset) / bin_x,
            cy=(cy - roi.y_offset) / bin_y,
        )

    def scaled(self, height: int, width: int) -> "Intrinsics":
        """The intrinsics after the image is resized to `height` x `width` pixels."""
        sx, sy = width / self.width, height / self.height
        return Intrinsics(width, height, self.fx * sx, self.fy * sy, self.cx * sx, self.cy * sy)

    def fitted(self, height: int, width: int) -> "Intrinsics":
        """The intrinsics for an image of `height` x `width` that shows what this camera sees, whatever its resolution.

        Raises:
            CameraError: the aspect ratios differ by more than 2 %: the image is cropped or another camera's.
        """
        if abs(self.width * height / (self.height * width) - 1.0) > 0.02:
            raise CameraError(
                f"camera_info describes {self.width}x{self.height}, the image is {width}x{height}: not the same view"
            )
        return self.scaled(height, width)

    def depth_scale(self, training: TrainingCamera) -> float:
        """Factor that turns depth predicted for `training` into depth for this camera.

        The same scene fills the same share of the image when distance grows with fx / width; both axes weigh the same:
        sqrt((fx/W) / (fx0/W0) * (fy/H) / (fy0/H0)).
        """
        ratio_x = self.fx / self.width / training.fx_over_width
        ratio_y = self.fy / self.height / training.fy_over_height
        return math.sqrt(ratio_x * ratio_y)
