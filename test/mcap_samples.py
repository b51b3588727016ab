"""MCAP files as any writer may write them, by the format's own library."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcap.writer", reason="needs the package mcap, which apt has not")

from mcap.writer import CompressionType, IndexType, Writer

from redwood_depth.bags.message_types import typestore

Entry = tuple[str, Any, int]  # topic, rosbags message, log time in ns


def write_mcap(
    path: Path,
    entries: Sequence[Entry],
    profile: str = "ros2",
    encodings: tuple[str, str] = ("ros2msg", "cdr"),
    before: Callable[[Writer, int], None] = lambda writer, number: None,
    **how: Any,
) -> Path:
    """Write one file.

    Args:
        path: where.
        entries: its messages.
        profile: the header's.
        encodings: the schemas' and the messages'.
        before: called before each message, with its number.
        how: options of mcap.writer.Writer.
    """
    with path.open("wb") as file:
        writer = Writer(file, **how)
        writer.start(profile, "test")
        channels: dict[str, int] = {}
        for number, (topic, message, log_ns) in enumerate(entries):
            before(writer, number)
            kind = message.__msgtype__
            if topic not in channels:
                name = kind.replace("/msg/", "/") if encodings[1] == "ros1" else kind
                definition = typestore().generate_msgdef(kind, ros_version=2)[0].encode()
                schema = writer.register_schema(name, encodings[0], definition)
                channels[topic] = writer.register_channel(topic, encodings[1], schema)
            writer.add_message(channels[topic], log_ns, serialized(message, encodings[1]), log_ns)
        writer.finish()
    return path


def serialized(message: Any, encoding: str = "cdr") -> bytes:
    """In ROS 2's or ROS 1's way; for other encodings some bytes."""
    kind = message.__msgtype__
    data = bytes(typestore().serialize_cdr(message, kind))
    if encoding == "ros1":
        return bytes(typestore().cdr_to_ros1(data, kind))
    return data if encoding == "cdr" else b"\x0a\x04" + data[-4:]


def stamped(messages: Sequence[tuple[str, Any]]) -> list[Entry]:
    """Each logged when its header says."""
    stamps = [message.header.stamp for _, message in messages]
    return [(*entry, stamp.sec * 1_000_000_000 + stamp.nanosec) for entry, stamp in zip(messages, stamps, strict=True)]


__all__ = ["CompressionType", "Entry", "IndexType", "serialized", "stamped", "write_mcap"]
