"""What is in a bag: raw messages, their types, and the stamp in their header. Needs `rosbags`, no ROS."""

import struct
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from redwood_depth.errors import BagError

if sys.version_info >= (3, 14):  # as rosbags chooses it
    from compression import zstd
else:
    from backports import zstd

DECOMPRESSION_ERRORS = (zstd.ZstdError, RuntimeError, EOFError, MemoryError)  # RuntimeError: lz4's
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
CAMERA_TYPES = (IMAGE, COMPRESSED_IMAGE, CAMERA_INFO)

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


def decompressed(data: bytes) -> bytes:
    """The message of a bag that compresses each one; any other, and what cannot be decompressed, as it is."""
    if not data.startswith(_ZSTD_MAGIC):  # CDR begins with a zero byte
        return data
    try:
        return zstd.decompress(data)
    except DECOMPRESSION_ERRORS:
        return data


def deserialize(message: RawMessage) -> Any:
    """The message as an object with ROS's field names, its arrays views of `message.data`.

    Raises:
        BagError: the bytes are not a message of that type.
    """
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
