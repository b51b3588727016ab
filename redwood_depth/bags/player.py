"""Publishing a bag's camera topics through DDS at the recorded pace. Needs rclpy."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from redwood_depth.bags.message_types import CAMERA_INFO, CAMERA_TYPES, COMPRESSED_IMAGE, IMAGE, RawMessage
from redwood_depth.bags.played_frames import PlayedFrames
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import list_topics
from redwood_depth.errors import BagError

_CLASSES = {IMAGE: Image, COMPRESSED_IMAGE: CompressedImage, CAMERA_INFO: CameraInfo}
# Reliable, because a reliable subscriber never hears a best-effort publisher, while best-effort subscribers hear both.
# Keep the last 5: a slow reliable subscriber loses frames instead of making a queue grow, and five VGA images of each
# topic fit into the shared-memory segment of config/fastdds.xml.
_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=5,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
)
LATE_S = 0.01
_POLL_S = 0.02
_SETTLE_S = 0.5
_LAST_ACK = Duration(seconds=1)


@dataclass
class Played:
    """What was published: messages, and how many of them more than LATE_S behind their time."""

    messages: int = 0
    late: int = 0


class BagPlayer:
    """Publishes the images and camera_infos of `bag` from `node`, as the bytes that are in the bag.

    With `names`, topics of the bag by what they are published as, it publishes those alone.
    """

    def __init__(self, node: Node, bag: Bag | PlayedFrames, names: Mapping[str, str] | None = None) -> None:
        """Raises BagError where the bag has no image topic."""
        topics = [topic for topic in bag.topics if topic.type in CAMERA_TYPES]
        if names is not None:
            topics = [topic for topic in topics if topic.name in names]
        if not any(topic.type in (IMAGE, COMPRESSED_IMAGE) and topic.count for topic in topics):
            raise BagError(f"{bag.path} has no image topic; it has: {list_topics(bag.topics)}")
        self.message_count = sum(topic.count for topic in topics)
        self._bag = bag
        self._publishers: dict[str, Publisher] = {
            topic.name: node.create_publisher(_CLASSES[topic.type], (names or {}).get(topic.name, topic.name), _QOS)
            for topic in topics
        }

    @property
    def topics(self) -> list[str]:
        """Names of the topics that are published."""
        return list(self._publishers)

    def wait_for_subscription(self, timeout_s: float) -> bool:
        """Wait until somebody subscribes to any topic, then a little for the other topics; False: nobody came.

        Discovery takes a second or two; what is published before it is lost without a word.
        """
        end_s = time.monotonic() + timeout_s
        while not any(publisher.get_subscription_count() for publisher in self._publishers.values()):
            if time.monotonic() > end_s:
                return False
            time.sleep(_POLL_S)
        time.sleep(_SETTLE_S)  # the subscriber has yet to find the publisher in its turn
        return True

    def play(
        self, rate: float = 1.0, published: Callable[[Played, RawMessage], None] = lambda played, message: None
    ) -> Played:
        """Publish the bag once, at its times of logging divided by `rate`; `published` is called after each."""
        played = Played()
        for message, due_s in self._schedule(rate):
            delay_s = due_s - time.monotonic()
            if delay_s > 0:
                time.sleep(delay_s)
            played.late += delay_s < -LATE_S
            self._publishers[message.topic].publish(message.data)
            played.messages += 1
            published(played, message)
        for publisher in self._publishers.values():
            publisher.wait_for_all_acked(_LAST_ACK)  # or the last images die with this process
        return played

    def _schedule(self, rate: float) -> Iterator[tuple[RawMessage, float]]:
        """Each message and the monotonic time it is due: counted from the first, so that delays do not add up."""
        first_ns: int | None = None
        for message in self._bag.messages(self.topics):
            if first_ns is None:
                first_ns, start_s = message.timestamp_ns, time.monotonic()
            yield message, start_s + (message.timestamp_ns - first_ns) / 1e9 / rate
