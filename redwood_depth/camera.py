"""The pinhole camera: intrinsics in pixels, and what a change of focal length does to depth."""

import math
from dataclasses import dataclass
from typing import Any

from redwood_depth.errors import CameraError

_FOCAL_RANGE = (1e-3, 1e4)  # fx / width, fy / height: wider than any fisheye, narrower than any telescope


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
    def from_camera_info(cls, info: Any) -> "Intrinsics | None":
        """Intrinsics of the image that a sensor_msgs/CameraInfo describes, or None where it is uncalibrated (K[0] = 0).

        `K` speaks of the full sensor; binning and region of interest are applied here, as the message's own comments
        define them (region first, in unbinned pixels, then binning).

        Raises:
            CameraError: sizes or focal lengths that no camera has.
        """
        k = info.k if hasattr(info, "k") else info.K  # ROS 2 messages, rosbags' ROS 1 style
        fx, cx, fy, cy = float(k[0]), float(k[2]), float(k[4]), float(k[5])
        if fx == 0.0:
            return None
        bin_x, bin_y = max(info.binning_x, 1), max(info.binning_y, 1)
        roi = info.roi
        width, height = (roi.width or info.width) // bin_x, (roi.height or info.height) // bin_y
        if (
            min(width, height, info.width, info.height) < 1
            or not _FOCAL_RANGE[0] <= fx / info.width <= _FOCAL_RANGE[1]  # nor does NaN lie in it
            or not _FOCAL_RANGE[0] <= fy / info.height <= _FOCAL_RANGE[1]
            or not (math.isfinite(cx) and math.isfinite(cy))
        ):
            raise CameraError(f"impossible camera_info: {info.width}x{info.height}, fx {fx}, fy {fy}, cx {cx}, cy {cy}")
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
