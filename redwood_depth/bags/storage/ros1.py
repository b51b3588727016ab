"""ROS 1's .bag files, by rosbags' reader; their messages are given as ROS 2 would have recorded them."""

import struct
from collections.abc import Collection, Iterator
from pathlib import Path

from rosbags.rosbag1 import Reader, ReaderError

from redwood_depth.bags.decompression import DECOMPRESSION_ERRORS
from redwood_depth.bags.message_types import RawMessage, Topic, as_cdr, type_name
from redwood_depth.errors import BagError

# What rosbags' reader raises on damaged files: its own error where it checks, else that of the operation.
_READ_ERRORS = (
    *(ReaderError, OSError, struct.error, *DECOMPRESSION_ERRORS),
    *(ValueError, TypeError, KeyError, IndexError, OverflowError, AssertionError),
)


class Ros1File:
    """An open file. `damage` says what is wrong with it (None: nothing found so far), `start_ns` when it begins."""

    def __init__(self, path: Path, name: str) -> None:
        """`name` is what messages call it. Raises BagError where it cannot be read."""
        self.damage: str | None = None
        self._name = name
        self._reader = Reader(path)
        try:
            self._reader.open()
            self.start_ns = self._reader.start_time if self._reader.message_count else 0
        except _READ_ERRORS as error:
            raise BagError(f"{name} cannot be read: {_words(error)}{_remedy(error)}") from error

    def topics(self) -> list[Topic]:
        return [
            Topic(connection.topic, type_name(connection.msgtype, "ros1"), connection.msgcount)
            for connection in self._reader.connections
        ]

    def messages(self, names: Collection[str]) -> Iterator[RawMessage]:
        """The messages of these topics in order of log time; after damage, from the next chunk on."""
        connections = [connection for connection in self._reader.connections if connection.topic in names]
        begin_ns: int | None = 0 if connections else None
        while begin_ns is not None:
            last_ns = begin_ns
            try:
                for connection, log_ns, data in self._reader.messages(connections, start=begin_ns):
                    last_ns = log_ns
                    kind = type_name(connection.msgtype, "ros1")
                    yield RawMessage(connection.topic, kind, log_ns, as_cdr(data, kind, "ros1"))
                return
            except _READ_ERRORS as error:
                self.damage = self.damage or f"{self._name} is damaged: {_words(error)}"
            starts_ns = (chunk.start_time for chunk in self._reader.chunk_infos)
            begin_ns = min((start_ns for start_ns in starts_ns if start_ns > last_ns), default=None)

    def close(self) -> None:
        self._reader.close()


def _remedy(error: BaseException) -> str:
    if "not supported" in str(error):  # an old version, or encryption
        return " ROS 1's own `rosbag` can rewrite it"
    return " Its recording was killed, or it is damaged: `rosbag reindex` of ROS 1 writes its index anew"


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
