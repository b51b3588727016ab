"""Which topic the node's images come on: image_transport's rule, that a transport's topic is BASE/TRANSPORT."""

from typing import Any, NamedTuple

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

COMPRESSED = "compressed"
_BASE, _ENDING = "image", f"/{COMPRESSED}"


class ImageTopic(NamedTuple):
    """The full name of a topic, and whether compressed images come on it."""

    name: str
    is_compressed: bool

    @property
    def message_type(self) -> Any:
        return CompressedImage if self.is_compressed else Image

    @property
    def other_transport(self) -> "ImageTopic":
        """The same camera's other topic: the compressed one of the raw one, and the other way round."""
        name = self.name.removesuffix(_ENDING) if self.is_compressed else self.name + _ENDING
        return ImageTopic(name, not self.is_compressed)


def image_topic(node: Node, transport: str) -> ImageTopic:
    """The topic of the node's images, its remappings applied.

    A remapping of `image` holds for `image/compressed` as well, as in every node that uses image_transport; one of
    `image/compressed` itself goes before it. A name that ends in /compressed means that transport.
    """
    base = node.resolve_topic_name(_BASE)
    if base.endswith(_ENDING):
        return ImageTopic(base, True)
    if transport != COMPRESSED:
        return ImageTopic(base, False)
    name = node.resolve_topic_name(_BASE + _ENDING)
    is_remapped = name != node.resolve_topic_name(_BASE + _ENDING, only_expand=True)
    return ImageTopic(name if is_remapped else base + _ENDING, True)
