"""Recording of the node's outputs: the messages as DDS brought them, and when each arrived. Needs rclpy."""

import time
from collections import Counter
from collections.abc import Callable

from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from vision_msgs.msg import Classification

from redwood_depth.bags.message_types import RawMessage, header_stamp_ns
from redwood_depth.bags.writer import BagWriter
from redwood_depth.errors import BagError

_DEPTH_OF_HISTORY = QoSProfile(depth=20)  # reliable: a recording must not lose what the node has published
_TYPES = {
    "depth/image": Image,
    "depth/camera_info": CameraInfo,
    "classification": Classification,
    "preview/image": Image,
}


class OutputRecorder:
    """Writes the outputs of the node in `namespace` into `writer`, logged at the stamp of their header."""

    def __init__(self, node: Node, writer: BagWriter, namespace: str) -> None:
        self.counts: Counter[str] = Counter()
        self.arrivals_s: dict[int, float] = {}  # stamp of a depth image in ns: its arrival on the monotonic clock
        self.failure: BagError | None = None  # why nothing more is recorded
        self._writer = writer
        for name, message_type in _TYPES.items():
            topic = f"{namespace}/{name}"
            type_name = f"{message_type.__module__.split('.')[0]}/msg/{message_type.__name__}"
            node.create_subscription(
                message_type, topic, self._callback(name, topic, type_name), _DEPTH_OF_HISTORY, raw=True
            )

    def _callback(self, name: str, topic: str, type_name: str) -> Callable[[bytes], None]:
        def record(data: bytes) -> None:
            arrived_s = time.monotonic()
            if self.failure:
                return
            stamp_ns = header_stamp_ns(RawMessage(topic, type_name, 0, data))
            try:
                self._writer.write_serialized(topic, type_name, stamp_ns, data)
            except OSError as error:  # on the executor's thread: kept for the thread that waits for the recording
                self.failure = BagError(f"cannot record {topic}: {error.strerror}")
                return
            self.counts[name] += 1
            if name == "depth/image":
                self.arrivals_s[stamp_ns] = arrived_s

        return record
