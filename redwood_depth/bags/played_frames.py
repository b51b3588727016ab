"""Frames of a recording that is not a bag, as the messages that its camera would send: for what plays bags."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from redwood_depth.bags.driver_messages import COLOR_INFO_TOPIC, COLOR_TOPIC, camera_info, image
from redwood_depth.bags.message_types import CAMERA_INFO, IMAGE, RawMessage, Topic, typestore
from redwood_depth.bags.topics import RgbdTopics
from redwood_depth.rgbd import FrameSource


class PlayedFrames:
    """What BagPlayer needs of a bag: color images and camera_info, made as they are asked for; nothing is stored."""

    rgbd_topics = RgbdTopics(COLOR_TOPIC, None, COLOR_INFO_TOPIC)

    def __init__(self, path: Path, expected: int, reopen: Callable[[], FrameSource]) -> None:
        """`expected` is the number of frames of the recording at `path`, which `reopen` opens for each playing."""
        self.path = path
        self.topics = (Topic(COLOR_INFO_TOPIC, CAMERA_INFO, expected), Topic(COLOR_TOPIC, IMAGE, expected))
        self._reopen = reopen

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """The messages of these topics, logged at the frames' own times."""
        serialize = typestore().serialize_cdr
        with self._reopen() as source:
            for frame in source:
                stamp_us = frame.color_stamp_ns // 1000
                if frame.intrinsics and COLOR_INFO_TOPIC in topics:
                    info = serialize(camera_info(frame.intrinsics, stamp_us), CAMERA_INFO)
                    yield RawMessage(COLOR_INFO_TOPIC, CAMERA_INFO, frame.color_stamp_ns, bytes(info))
                if COLOR_TOPIC in topics:
                    picture = serialize(image(frame.color.rgb(), "rgb8", stamp_us), IMAGE)
                    yield RawMessage(COLOR_TOPIC, IMAGE, frame.color_stamp_ns, bytes(picture))
