"""The subscription of the camera's images: what it hears, what never came, and why nothing comes."""

import time
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from redwood_depth.node.image_topic import image_topic
from redwood_depth.node.publishers import names_of, why_no_image
from redwood_depth.node.said_once import SaidOnce
from redwood_depth.node.statistics import FrameStatistics, SequenceGaps

_SILENCE_S = 5.0
_LOOKS_TO_BE_SURE = 2  # of a second each: the graph may be changing
_LOOKS_AFTER_A_CRASH = 25  # DDS keeps a publisher that was killed for 20 s, beside the one that was started anew
_STEPS_BACK = 3  # of the images' numbers: a restart makes one


_NOT_NUMBERED = (
    "this rclpy or middleware hands over no sequence numbers with the images (rclpy does since Iron): frames that are "
    "lost before they get here are not counted"
)


class NumberedCallback:
    """A subscription's callback that gets each message with its publisher's number, None where rclpy tells none.

    rclpy looks at the signature: it hands `message_info` to a callback that takes two arguments. One that is older than
    that (Humble's) calls every callback with the message alone. So the answer comes with the first message.
    """

    __signature__ = Signature([Parameter(name, Parameter.POSITIONAL_ONLY) for name in ("message", "message_info")])

    def __init__(self, receive: Callable[[Any, int | None], None]) -> None:
        self._receive = receive

    def __call__(self, message: Any, message_info: Any = None) -> None:
        self._receive(message, message_info.get("publication_sequence_number") if message_info else None)


class ImageInput:
    """One activation's images. `receive` gets each of them on the executor's thread, and must be quick."""

    def __init__(
        self,
        node: Node,
        transport: str,
        reliability: str,
        statistics: FrameStatistics,
        receive: Callable[[Any], None],
    ) -> None:
        self._node, self._statistics, self._receive = node, statistics, receive
        self._said = SaidOnce(node.get_logger())
        self._gaps = SequenceGaps()
        self._started_s = self._asked_s = time.monotonic()
        self._heard = False
        self._crowded_looks = 0
        self.silence = ""  # why no image has come yet, as far as is known
        self.topic = image_topic(node, transport)
        self._qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy[reliability.upper()]
        )
        self._subscription = node.create_subscription(
            self.topic.message_type, self.topic.name, NumberedCallback(self._receive_one), self._qos
        )

    def destroy(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def look(self) -> None:
        """Say once what is wrong with the topic, if anything; to be called once a second."""
        if not self._heard:
            self._look_for_images()
        self._look_for_a_second_publisher()

    def _receive_one(self, message: Any, number: int | None) -> None:
        self._heard, self.silence = True, ""
        if number is None:
            self._statistics.lost_is_counted = False
            self._said.info("numbers", _NOT_NUMBERED)
        missing = self._gaps.missing(number)
        # Two publishers count each for itself. The event "message lost" knows nothing of what a newer message replaced.
        if missing and self._node.count_publishers(self.topic.name) == 1:
            self._statistics.counts["lost"] += missing
        self._receive(message)

    def _look_for_images(self) -> None:
        now_s = time.monotonic()
        if now_s - self._asked_s < _SILENCE_S:
            return
        self._asked_s = now_s
        self.silence = why_no_image(self._node, self.topic, self._qos)
        seconds = f"{now_s - self._started_s:.0f} s"
        self._said.warning(self.silence, f"no image for {seconds}: {self.silence}")

    def _look_for_a_second_publisher(self) -> None:
        if self._node.count_publishers(self.topic.name) < 2:
            self._crowded_looks = self._gaps.steps_back = 0
            return
        self._crowded_looks += 1
        names = names_of(self._node.get_publishers_info_by_topic(self.topic.name))
        patience = _LOOKS_TO_BE_SURE if len(set(names)) > 1 else _LOOKS_AFTER_A_CRASH
        if self._crowded_looks >= patience or self._gaps.steps_back >= _STEPS_BACK:
            self._said.warning(
                "crowded",
                f"{len(names)} publishers on {self.topic.name}: {', '.join(names)}; depth is of their images in turn, "
                "and lost frames cannot be counted: stop all but one, or remap `image`",
            )
