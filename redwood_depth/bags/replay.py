"""What of a bag a node is to hear: the topic of its images, their transport, their calibration, their frame."""

from dataclasses import dataclass

from redwood_depth.bags.message_types import COMPRESSED_IMAGE, deserialize
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import find_rgbd_topics
from redwood_depth.errors import BagError

_ENDING = "/compressed"


@dataclass(frozen=True)
class ReplayTopics:
    """`image` is the base name, as image_transport takes it; `camera_info` and `frame_id` are "" where none is known.

    `image_transport` is "raw" or "compressed".
    """

    image: str
    image_transport: str
    camera_info: str
    frame_id: str


def replay_topics(bag: Bag, image: str = "", camera_info: str = "", transport: str = "") -> ReplayTopics:
    """The topics of the bag's color camera, by the rule of `find_rgbd_topics`; names that are given are taken.

    A given image topic may be the base of a compressed one.

    Raises:
        BagError: no such topic, or a compressed topic whose name does not end in /compressed.
    """
    types = {topic.name: topic.type for topic in bag.topics}
    if image and (image not in types or transport == "compressed") and image + _ENDING in types:
        image += _ENDING
    topics = find_rgbd_topics(bag, color=image or None, camera_info=camera_info or None, may_lack_depth=True)
    is_compressed = types[topics.color] == COMPRESSED_IMAGE
    if is_compressed and not topics.color.endswith(_ENDING):
        raise BagError(f"{bag.path}: {topics.color} holds compressed images, but its name does not end in {_ENDING}")
    base = topics.color.removesuffix(_ENDING)
    kind = "compressed" if is_compressed else "raw"
    return ReplayTopics(base, kind, topics.camera_info or "", _frame_id(bag, topics.color))


def _frame_id(bag: Bag, topic: str) -> str:
    """frame_id of the first readable message, "" where there is none."""
    for message in bag.messages((topic,)):
        try:
            return str(deserialize(message).header.frame_id)
        except BagError:
            continue
    return ""
