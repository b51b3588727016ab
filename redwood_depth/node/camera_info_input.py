"""The camera_info that the node hears: which one is an image's, whether it can be, and why depth is not corrected."""

import threading
from collections import Counter, deque
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo

from redwood_depth.camera import Intrinsics, is_rectified
from redwood_depth.errors import CameraError
from redwood_depth.node.said_once import SaidOnce

_PATIENCE_S = 0.3
_REMEMBERED = 64
# A driver publishes volatile, which a transient local subscription does not match, and is warned of one that asks;
# what was sent once before this node began (transient local, "latched") comes to a transient local subscription alone.
# So there is a second one where a publisher is of that kind.
_NOW = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
_LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_CORRECTED = "corrected"

Calibration = tuple[CameraInfo | None, Intrinsics | None]


class CameraInfoInput:
    """Subscriptions of one activation; `frames` counts images by what became of their calibration."""

    def __init__(self, node: Node, image_topic: str, said: SaidOnce) -> None:
        self.frames: Counter[str] = Counter()
        self._node = node
        self._said = said
        self._rectified = is_rectified(image_topic)
        self._lock = threading.Lock()
        self._settled = threading.Event()  # one came, or was waited for
        self._infos: deque[CameraInfo] = deque(maxlen=_REMEMBERED)
        self._topic = node.resolve_topic_name("camera_info")
        self._subscriptions = [node.create_subscription(CameraInfo, "camera_info", self._receive, _NOW)]
        self.look()

    def look(self) -> None:
        """Listen to what was sent once before, where a publisher keeps it; to be called from time to time."""
        kept = any(
            one.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
            for one in self._node.get_publishers_info_by_topic(self._topic)
        )
        with self._lock:
            if kept and len(self._subscriptions) == 1:
                latched = self._node.create_subscription(CameraInfo, "camera_info", self._receive, _LATCHED)
                self._subscriptions.append(latched)

    def destroy(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def of_image(self, header: Any, size: tuple[int, int]) -> Calibration:
        """The camera_info and intrinsics of an image (height, width) with this header, None where there are none.

        Without intrinsics depth stays the training camera's; the reason is said once.
        """
        info = self._nearest(header)
        intrinsics, why = self._intrinsics(info, header.frame_id, size)
        self.frames[why or _CORRECTED] += 1
        if why:
            self._said.warning(f"camera_info {why}", f"{why}: depth is not corrected for the focal length")
        return info if intrinsics or (info and not info.k[0]) else None, intrinsics

    def summary(self) -> str:
        """For diagnostics: how many images were corrected, and why the others were not."""
        return ", ".join(f"{count} {why}" for why, count in self.frames.most_common())

    def _intrinsics(
        self, info: CameraInfo | None, frame_id: str, size: tuple[int, int]
    ) -> tuple[Intrinsics | None, str | None]:
        if info is None:
            return None, "no camera_info"
        if info.header.frame_id and frame_id and info.header.frame_id.lstrip("/") != frame_id.lstrip("/"):
            frames = f"of frame {info.header.frame_id}, the images are of {frame_id}"
            return None, f"camera_info is not used: it is {frames}"
        try:
            found = Intrinsics.from_camera_info(info, self._rectified)
            return (found.fitted(*size), None) if found else (None, "camera_info is uncalibrated (K[0] = 0)")
        except CameraError as error:
            return None, f"camera_info is not used: {error}"

    def _receive(self, info: CameraInfo) -> None:
        with self._lock:
            if not any(info == known for known in self._infos):  # both subscriptions hear a latched one that comes now
                self._infos.append(info)
        self._settled.set()

    def _nearest(self, header: Any) -> CameraInfo | None:
        """The newest camera_info not later than the image, the earliest where all are later; images without a stamp
        have the newest. Before the first one it waits a moment, so that depth does not begin at a wrong scale."""
        if not self._settled.is_set():
            self.look()
            if self._node.count_publishers(self._topic):
                self._settled.wait(_PATIENCE_S)
            self._settled.set()
        with self._lock:
            infos = list(self._infos)
        stamp_ns = _ns(header)
        if not infos or not stamp_ns:
            return infos[-1] if infos else None
        infos.reverse()  # of equal stamps the newest
        before = [info for info in infos if _ns(info.header) <= stamp_ns]
        return max(before, key=lambda info: _ns(info.header)) if before else min(infos, key=lambda i: _ns(i.header))


def _ns(header: Any) -> int:
    return int(header.stamp.sec * 1_000_000_000 + header.stamp.nanosec)
