"""MCAP's records as far as messages need them: https://mcap.dev/spec.

A record is a byte that says its kind, the length of its content, and the content, all little endian.
"""

import os
import struct
from collections.abc import Iterator
from enum import IntEnum
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

MAGIC = b"\x89MCAP0\r\n"
HEAD = struct.Struct("<BQ")
MESSAGE_HEAD = struct.Struct("<HIQQ")  # channel, sequence, time of logging, time of publication
FOOTER_BYTES = 20
_CHUNK_HEAD = struct.Struct("<QQQII")  # first and last time, size when decompressed, crc, length of the compression
_CHUNK_INDEX_HEAD = struct.Struct("<QQQQI")  # first and last time, chunk's offset and length, bytes of the next list
_STATISTICS_HEAD = struct.Struct("<QHIIIIQQI")
_MAX_DEFINITION_BYTES = 64 << 20
_MAX_RECORD_BYTES = 2_000_000_000  # what one read can give

RECORD_ERRORS = (struct.error, UnicodeDecodeError)


class Kind(IntEnum):
    """Kinds of records, of the specification's version 0; others are passed over."""

    FOOTER = 0x02
    SCHEMA = 0x03
    CHANNEL = 0x04
    MESSAGE = 0x05
    CHUNK = 0x06
    MESSAGE_INDEX = 0x07
    CHUNK_INDEX = 0x08
    STATISTICS = 0x0B
    DATA_END = 0x0F


class Channel(NamedTuple):
    """A topic as one publisher wrote it; `encoding` is how its messages are serialized, such as "cdr"."""

    topic: str
    type: str
    encoding: str


class BadRecord(Exception):
    """Something in a file that is not a record, or not whole; the message goes on from the file's name."""


class RecordFile:
    """A file of records, read at any place by any number of readers."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._file = path.open("rb", buffering=0)
        self.name = path.name
        self.size = path.stat().st_size

    def read(self, position: int, length: int) -> bytes:
        """Raises BadRecord where the file ends before."""
        data = os.pread(self._file.fileno(), length, position) if 0 <= length <= _MAX_RECORD_BYTES else b""
        if len(data) != length:
            raise BadRecord(f"is cut off at byte {position}")
        return data

    def records(self, position: int) -> Iterator[tuple[int, int, int]]:
        """(kind, position of the content, length) of each record from `position` to the end of the file.

        Raises:
            BadRecord: something that is not a record.
        """
        while position < self.size - len(MAGIC):
            kind, length = HEAD.unpack(self.read(position, HEAD.size))
            if not 0 < kind <= Kind.DATA_END and kind < 0x80:
                raise BadRecord(f"is damaged at byte {position}")
            if length > self.size - position - HEAD.size:
                raise BadRecord(f"is cut off at byte {position}")
            yield kind, position + HEAD.size, length
            position += HEAD.size + length

    def definition(self, position: int, length: int) -> bytes:
        """The content of a record that describes something: these are small."""
        if length > _MAX_DEFINITION_BYTES:
            raise BadRecord(f"is damaged at byte {position}")
        return self.read(position, length)

    def close(self) -> None:
        self._file.close()


def records_in(content: memoryview) -> Iterator[tuple[int, int, int]]:
    """(kind, begin, end) of the content of each record in a chunk. Raises RECORD_ERRORS."""
    position = 0
    while position < len(content):
        kind, length = HEAD.unpack_from(content, position)
        begin = position + HEAD.size
        position = begin + length
        if position > len(content):
            raise struct.error("a record ends after its chunk")
        yield kind, begin, position


class Definitions:
    """Schemas and channels, wherever in a file they come up; either may come first."""

    def __init__(self) -> None:
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, tuple[int, str, str]] = {}

    def add(self, kind: int, content: bytes) -> None:
        """Take note of a schema or channel. Raises RECORD_ERRORS."""
        if kind == Kind.SCHEMA:
            (number,) = struct.unpack_from("<H", content)
            self._schemas[number] = string(content, 2)[0]
        elif kind == Kind.CHANNEL:
            number, schema = struct.unpack_from("<HH", content)
            topic, at = string(content, 4)
            self._channels[number] = schema, topic, string(content, at)[0]

    def channels(self) -> dict[int, Channel]:
        return {
            number: Channel(topic, self._schemas.get(schema, ""), encoding)
            for number, (schema, topic, encoding) in self._channels.items()
        }

    def are_whole(self) -> bool:
        """Whether each channel's schema is known (0: it has none)."""
        return all(schema in self._schemas or not schema for schema, _, _ in self._channels.values())

    def counts(self) -> tuple[int, int]:
        """How many schemas and channels."""
        return len(self._schemas), len(self._channels)


class ChunkHead(NamedTuple):
    """What a chunk says of itself; `begin` is where its records begin in its content, `size` theirs, decompressed."""

    size: int
    crc: int
    compression: str
    begin: int


def chunk_head(content: memoryview) -> ChunkHead:
    """Raises RECORD_ERRORS."""
    _, _, size, crc, name_length = _CHUNK_HEAD.unpack_from(content)
    begin = _CHUNK_HEAD.size + name_length + 8
    return ChunkHead(size, crc, string(bytes(content[:begin]), _CHUNK_HEAD.size - 4)[0], begin)


def chunk_index(content: bytes) -> tuple[int, int, int, dict[int, int]]:
    """A chunk's first time, offset, and length with its message indexes, and its number of messages by channel.

    A message index has 15 bytes and 16 for each message, so that the distance between two says how many there are.
    """
    start_ns, _, offset, length, list_length = _CHUNK_INDEX_HEAD.unpack_from(content)
    offsets = _pairs(content, _CHUNK_INDEX_HEAD.size, list_length)
    (index_length,) = struct.unpack_from("<Q", content, _CHUNK_INDEX_HEAD.size + list_length)
    places = sorted((place, channel) for channel, place in offsets.items())
    places.append((offset + length + index_length, 0))
    counts = {channel: (end - place - 15) // 16 for (place, channel), (end, _) in pairwise(places)}
    return start_ns, offset, length, {channel: count for channel, count in counts.items() if count}


class Statistics(NamedTuple):
    """How much a file holds, by its own account."""

    messages: int
    schemas: int
    channels: int
    chunks: int
    by_channel: dict[int, int]


def statistics(content: bytes) -> Statistics:
    """Raises RECORD_ERRORS."""
    messages, schemas, channels, _, _, chunks, _, _, length = _STATISTICS_HEAD.unpack_from(content)
    return Statistics(messages, schemas, channels, chunks, _pairs(content, _STATISTICS_HEAD.size, length))


def string(content: bytes, at: int) -> tuple[str, int]:
    """A text and where it ends. Raises RECORD_ERRORS."""
    (length,) = struct.unpack_from("<I", content, at)
    text = content[at + 4 : at + 4 + length]
    if len(text) != length:
        raise struct.error("a text ends after its record")
    return text.decode(), at + 4 + length


def _pairs(content: bytes, at: int, length: int) -> dict[int, int]:
    if at + length > len(content):
        raise struct.error("a list ends after its record")
    return dict(struct.iter_unpack("<HQ", content[at : at + length]))
