"""What a topic shows, told by its first readable message: kind of image, frame, size. Nothing is decoded."""

import contextlib
import itertools
import re
from dataclasses import dataclass
from typing import Any

from redwood_depth.bags.message_types import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE, RawMessage, Topic, deserialize
from redwood_depth.bags.reader import Bag
from redwood_depth.errors import BagError, ImageError
from redwood_depth.images.compressed import image_size
from redwood_depth.images.payload import payload

_TOGETHER = 500  # messages that are looked through for the first of every topic, before each is looked for alone
_TRANSPORTS = ("/compressedDepth", "/compressed")
_DEPTH_ENCODINGS = {"16UC1", "16SC1", "32FC1", "64FC1", "mono16", "Z16"}
# Single-channel images of 16 bits or floats that are not depth, by a word of their names.
_NOT_DEPTH = re.compile(
    r"(confidence|infra|(^|[/_])ir\d?([/_]|$)|disparity|uncertainty|variance|thermal|amplitude|intensity|flow|normal"
    r"|predicted|prediction|cost|mask|semantic|segmentation|preview|coloriz|color_depth)"
)
_NOT_COLOR = re.compile(
    r"(confidence|infra|(^|[/_])ir\d?([/_]|$)|disparity|coloriz|color_depth|depth_color|preview|mask|overlay|semantic"
    r"|segmentation|annotated|detection|visuali|amplitude|intensity|thermal|heat)"
)
_DEPTH_NAME = re.compile(r"(depth|range|distance|stereo|registered|z16|tof|lidar)")


@dataclass(frozen=True)
class View:
    """An image or camera_info topic: `encoding` (or format), header.frame_id, size (height, width) in pixels.

    `frame_id` is "" and `size` None where they are not known; `info` is the message of a camera_info.
    """

    topic: Topic
    encoding: str = ""
    frame_id: str = ""
    size: tuple[int, int] | None = None
    info: Any = None

    @property
    def name(self) -> str:
        return self.topic.name

    @property
    def base(self) -> str:
        """The name without the transport that image_transport appends."""
        for transport in _TRANSPORTS:
            if self.name.endswith(transport):
                return self.name.removesuffix(transport)
        return self.name

    @property
    def is_raw(self) -> bool:
        return self.topic.type == IMAGE

    @property
    def is_depth(self) -> bool:
        """Whether its pixels can be depth: by encoding, and by name where other images have the same encoding."""
        name, encoding = self.name.lower(), self.encoding
        if _NOT_DEPTH.search(name) or self.topic.type == CAMERA_INFO:
            return False
        if self.name.endswith("/compressedDepth") or "compresseddepth" in encoding.lower():
            return True
        kind = encoding.split(";")[0].strip()
        if kind == "mono16" or not kind:
            return bool(_DEPTH_NAME.search(name)) and (kind == "mono16" or "color" not in name)
        return kind in _DEPTH_ENCODINGS

    @property
    def is_color(self) -> bool:
        """Whether its pixels can be what a color camera sees."""
        name, kind = self.name.lower(), self.encoding.split(";")[0].strip()
        if self.topic.type == CAMERA_INFO or self.is_depth or _NOT_COLOR.search(name):
            return False
        return kind not in _DEPTH_ENCODINGS and "compresseddepth" not in self.encoding.lower()


def views_of(bag: Bag) -> list[View]:
    """Views of all image and camera_info topics that have messages, in order of name."""
    topics = {
        topic.name: topic
        for topic in bag.topics
        if topic.count and topic.type in (IMAGE, COMPRESSED_IMAGE, CAMERA_INFO)
    }
    found: dict[str, View] = {}
    for message in itertools.islice(bag.messages(list(topics)), _TOGETHER):
        if message.topic not in found and (view := _view(topics[message.topic], message)):
            found[message.topic] = view
            if len(found) == len(topics):
                break
    late = (
        (topic, next(filter(None, (_view(topic, one) for one in bag.messages((name,)))), None))
        for name, topic in topics.items()
        if name not in found
    )
    found |= {topic.name: view or View(topic) for topic, view in late}
    return [found[name] for name in topics]


def _view(topic: Topic, message: RawMessage) -> View | None:
    """What a message shows of its topic; None: it cannot be read."""
    try:
        found = deserialize(message)
    except BagError:
        return None
    frame_id = str(found.header.frame_id).lstrip("/")
    if topic.type == COMPRESSED_IMAGE:
        return View(topic, str(found.format), frame_id, _picture_size(found.data))
    size = int(found.height), int(found.width)
    if topic.type == IMAGE:
        return View(topic, str(found.encoding), frame_id, size)
    return View(topic, "", frame_id, size, found)


def _picture_size(data: Any) -> tuple[int, int] | None:
    """Size of a picture, perhaps behind compressedDepth's header, by its own header."""
    for start in (0, 12):
        with contextlib.suppress(ImageError):
            return image_size(payload(data)[start:])
    return None
