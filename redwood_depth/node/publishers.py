"""Who publishes images in the graph of ROS, in words: for a node that hears none, or too many."""

import os
from difflib import SequenceMatcher
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSCompatibility, QoSProfile, ReliabilityPolicy, qos_check_compatible

from redwood_depth.node.image_topic import ImageTopic

_IMAGE, _COMPRESSED_IMAGE = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
_IMAGE_TYPES = (
    *(_IMAGE, _COMPRESSED_IMAGE, "theora_image_transport/msg/Packet"),
    *("ffmpeg_image_transport_msgs/msg/FFMPEGPacket", "foxglove_msgs/msg/CompressedVideo"),
)
_MOST_NAMES = 4


def why_no_image(node: Node, topic: ImageTopic, qos: QoSProfile) -> str:
    """Why no image comes on `topic`, as far as the graph tells, and what to do about it."""
    wanted = _COMPRESSED_IMAGE if topic.is_compressed else _IMAGE
    publishers = node.get_publishers_info_by_topic(topic.name)
    if not publishers:
        return f"nobody publishes {topic.name} ({_short(wanted)}); {_elsewhere(node, topic)}"
    described = f"{topic.name} is published {'; '.join(map(_described, publishers))}"
    if all(one.topic_type != wanted for one in publishers):
        return f"{described}, and this node takes {_short(wanted)}; {_elsewhere(node, topic)}"
    deaf = [_mismatch(one.qos_profile, qos) for one in publishers if one.topic_type == wanted]
    if all(deaf):
        return f"{described}, which this subscription cannot hear: {deaf[0]}"
    return (
        f"{described}: it sends none, or they are lost on the way (large images over Fast DDS: run doctor, "
        "and give config/fastdds.xml to the camera driver too)"
    )


def names_of(publishers: list[Any]) -> list[str]:
    """Full names of the nodes that publish, each as often as it does."""
    return [_node_name(one) for one in publishers]


def _elsewhere(node: Node, topic: ImageTopic) -> str:
    """Image topics that somebody else publishes, the same camera's first, then those with the most similar names."""
    found = _image_topics(node)
    found.pop(topic.name, None)
    sibling = topic.other_transport
    if sibling.name in found:
        transport = "compressed" if sibling.is_compressed else "raw"
        return f"there is {_entry(node, sibling.name)}: set image_transport to {transport}"
    if not found:
        domain = os.environ.get("ROS_DOMAIN_ID", "0")
        return f"no image topic is within reach (ROS_DOMAIN_ID {domain}; discovery range, middleware)"
    names = sorted(found, key=lambda name: (-SequenceMatcher(None, name, topic.name).ratio(), name))
    entries = ", ".join(_entry(node, name) for name in names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"there is {entries}{more}: remap `image` to the camera's"


def _image_topics(node: Node) -> dict[str, str]:
    """Name and type of each image topic with a publisher other than this node."""
    own = node.get_fully_qualified_name()
    found = {}
    for name, types in node.get_topic_names_and_types():
        kinds = [kind for kind in types if kind in _IMAGE_TYPES]
        if kinds and any(publisher != own for publisher in names_of(node.get_publishers_info_by_topic(name))):
            found[name] = kinds[0]
    return found


def _entry(node: Node, name: str) -> str:
    return f"{name} ({'; '.join(map(_described, node.get_publishers_info_by_topic(name)))})"


def _described(publisher: Any) -> str:
    return f"by {_node_name(publisher)} as {_short(publisher.topic_type)}, {_qos(publisher.qos_profile)}"


def _node_name(publisher: Any) -> str:
    return f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"


def _short(message_type: str) -> str:
    return message_type.replace("/msg/", "/")


def _qos(profile: QoSProfile) -> str:
    return f"{profile.reliability.name.lower().replace('_', ' ')}, {profile.durability.name.lower().replace('_', ' ')}"


def _mismatch(publisher: QoSProfile, subscription: QoSProfile) -> str:
    """Why the two do not meet; empty where they do."""
    compatibility, reason = qos_check_compatible(publisher, subscription)
    if compatibility != QoSCompatibility.ERROR:
        return ""
    if publisher.reliability == ReliabilityPolicy.BEST_EFFORT != subscription.reliability:
        return "set image_reliability to best_effort"
    return str(reason)
