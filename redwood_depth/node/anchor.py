"""The node's anchor: a factor a frame, from the floor below the camera or from a rangefinder beside it."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.subscription import Subscription
from sensor_msgs.msg import Range
from std_msgs.msg import Header

from redwood_depth.calibration.anchors import AnchorFilter, AnchorPoints, anchor_of_distance
from redwood_depth.calibration.floor import anchor_of_floor
from redwood_depth.camera import Intrinsics
from redwood_depth.errors import CalibrationError
from redwood_depth.node.parameters import Parameters

_OLD_NS = 500_000_000  # a reading that is farther from its image in time says nothing of it


class Anchor:
    """Scales each frame's depth; created when the node subscribes, used by the worker's thread.

    What a frame asks for is smoothed over time; where nothing metric is in view the last factor holds for some seconds,
    then depth is as the model gives it. Diagnostics say factor, age and the reason of the last refusal.
    """

    def __init__(self, node: Node, parameters: Parameters) -> None:
        self._kind = parameters.anchor
        self._height_m = parameters.camera_height_m
        pitch = math.radians(parameters.camera_pitch_deg)
        self._down = np.array([0.0, math.cos(pitch), math.sin(pitch)])
        self._filter = AnchorFilter()
        self._range: Range | None = None
        self._factor: float | None = None
        self._age_s: float | None = None
        self._reason = ""
        self._subscription: Subscription | None = None
        if self._kind == "range":
            self._subscription = node.create_subscription(Range, "range", self._receive, qos_profile_sensor_data)

    def destroy(self, node: Node) -> None:
        """Give back the subscription."""
        if self._subscription is not None:
            node.destroy_subscription(self._subscription)
        self._subscription = None

    def scale(self, depth_m: NDArray[np.float32], intrinsics: Intrinsics | None, header: Header) -> None:
        """Multiply depth (H, W) of the image with that header by its factor, in place."""
        if self._kind == "none":
            return
        stamp_ns = _nanoseconds(header.stamp)
        found = self._of_floor(depth_m, intrinsics) if self._kind == "floor" else self._of_range(depth_m, stamp_ns)
        self._reason = found.reason or ""
        self._factor = self._filter.update(stamp_ns, found)
        self._age_s = self._filter.age_s(stamp_ns)
        if self._factor is not None:
            np.multiply(depth_m, np.float32(self._factor), out=depth_m)

    def values(self) -> dict[str, str]:
        """For diagnostics."""
        if self._kind == "none":
            return {}
        factor = (
            "none" if self._factor is None or self._age_s is None else f"{self._factor:.3f}, {self._age_s:.1f} s old"
        )
        reason = {"anchor not used because": self._reason} if self._reason else {}
        return {"anchor": self._kind, "anchor factor": factor, "anchors refused": str(self._filter.refused), **reason}

    def _receive(self, message: Range) -> None:
        self._range = message

    def _of_floor(self, depth_m: NDArray[np.float32], intrinsics: Intrinsics | None) -> AnchorPoints:
        if intrinsics is None:
            return AnchorPoints(0.0, 0, "no calibration of the image: the floor cannot be found without camera_info")
        camera = intrinsics.scaled(*depth_m.shape)
        return anchor_of_floor(depth_m, camera, camera_height_m=self._height_m, down=self._down)

    def _of_range(self, depth_m: NDArray[np.float32], stamp_ns: int) -> AnchorPoints:
        reading = self._range
        if reading is None:
            return AnchorPoints(0.0, 0, "no reading on range")
        if abs(_nanoseconds(reading.header.stamp) - stamp_ns) > _OLD_NS:
            return AnchorPoints(0.0, 0, "the newest reading on range is not of the image's time")
        if not reading.min_range <= reading.range <= reading.max_range:  # nor does NaN lie in it
            return AnchorPoints(0.0, 0, f"a reading of {reading.range:.3g} m is outside what the sensor measures")
        return anchor_of_distance(depth_m, reading.range)


def check_anchor(parameters: Parameters) -> None:
    """Raises CalibrationError where a parameter that the anchor needs is missing."""
    if parameters.anchor == "floor" and parameters.camera_height_m <= 0:
        raise CalibrationError(
            "anchor: floor needs camera_height_m, the height of the camera above the floor in meters"
        )


def _nanoseconds(stamp: Any) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
