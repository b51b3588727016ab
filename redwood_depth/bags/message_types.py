"""What is in a bag: raw messages, their types, and the stamp in their header. Needs `rosbags`, no ROS."""

import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from redwood_depth.bags.decompression import DECOMPRESSION_ERRORS, MAGICS, decompressed
from redwood_depth.errors import BagError

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
CAMERA_TYPES = (IMAGE, COMPRESSED_IMAGE, CAMERA_INFO)
ROS_ENCODINGS = ("cdr", "ros1", "")  # "": not said
_RENAMED = {"tf/msg/tfMessage": "tf2_msgs/msg/TFMessage"}  # ROS 1's first version, the same bytes

# vision_msgs 4.1: `rosbags` knows the common interfaces only.
_VISION_MESSAGES = {
    "vision_msgs/msg/ObjectHypothesis": "string class_id\nfloat64 score\n",
    "vision_msgs/msg/Classification": "std_msgs/Header header\nObjectHypothesis[] results\n",
    "vision_msgs/msg/VisionClass": "uint16 class_id\nstring class_name\n",
    "vision_msgs/msg/LabelInfo": "std_msgs/Header header\nVisionClass[] class_map\nfloat32 threshold\n",
}


@dataclass(frozen=True, order=True)
class Topic:
    """A topic of a bag, and how many messages it has."""

    name: str
    type: str
    count: int

    def __str__(self) -> str:
        return f"{self.name} ({self.type}, {self.count})"


class RawMessage(NamedTuple):
    """A serialized message (CDR) and the time it was logged."""

    topic: str
    type: str
    timestamp_ns: int
    data: bytes


@lru_cache(maxsize=1)
def typestore() -> Any:
    """The message types that are read and written: ROS's common interfaces and vision_msgs.

    Always the same ones, never those that a bag carries: older bags carry none, and a definition that cannot be parsed,
    of a topic that nobody asked for, would make the whole bag unreadable.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    definitions: dict[str, Any] = {}
    for name, text in _VISION_MESSAGES.items():
        definitions.update(get_types_from_msg(text, name))
    store.register(definitions)
    return store


def type_name(name: str, encoding: str) -> str:
    """The ROS 2 name of a type, such as "sensor_msgs/msg/Image", of which ROS 1 leaves the middle out.

    That of a message which is not serialized as ROS does it names its encoding first, such as "protobuf foxglove.Log".
    """
    if encoding not in ROS_ENCODINGS:
        return f"{encoding} {name}"
    if name.count("/") == 1:
        name = name.replace("/", "/msg/")
    return _RENAMED.get(name, name)


def as_cdr(data: bytes, type_name: str, encoding: str) -> bytes:
    """A message as CDR, from a bag that compresses each one, or of ROS 1; what cannot be converted, as it is."""
    if data.startswith(MAGICS):  # CDR begins with a zero byte
        with suppress(*DECOMPRESSION_ERRORS):
            data = decompressed(data)
    return _from_ros1(data, type_name) if encoding == "ros1" else data


def _from_ros1(data: bytes, type_name: str) -> bytes:
    store = typestore()
    if type_name not in store.fielddefs:
        return data
    try:
        # Some writers add bytes at the end (librealsense: the depth unit), which ROS 1 itself passes over.
        length, _ = store.get_msgdef(type_name).getsize_ros1_to_cdr(data, 0, None, 0, store)
        return bytes(store.ros1_to_cdr(data[:length], type_name))
    except (SerdeError, AssertionError, IndexError, MemoryError, OverflowError, ValueError, struct.error):
        return data


def deserialize(message: RawMessage) -> Any:
    """The message as an object with ROS's field names, its arrays views of `message.data`.

    Raises:
        BagError: the bytes are not a message of that type, or it is not known.
    """
    if message.type not in typestore().fielddefs:
        raise BagError(f"messages of {message.topic} are of type {message.type}, which is not known")
    try:
        return typestore().deserialize_cdr(message.data, message.type)
    except (SerdeError, AssertionError, IndexError, MemoryError, OverflowError) as error:
        raise BagError(f"corrupt {message.type} on {message.topic}: {error}") from error


def header_stamp_ns(message: RawMessage) -> int:
    """The header's stamp in nanoseconds, read without deserializing: in CDR a leading header begins at byte 4.

    Raises:
        BagError: too few bytes, or not CDR.
    """
    order = {b"\x00\x00": ">", b"\x00\x01": "<"}.get(bytes(message.data[:2]))
    if order is None or len(message.data) < 12:
        raise BagError(f"corrupt {message.type} on {message.topic}: no header")
    seconds, nanoseconds = struct.unpack_from(f"{order}iI", message.data, 4)
    return int(seconds * 1_000_000_000 + nanoseconds)
