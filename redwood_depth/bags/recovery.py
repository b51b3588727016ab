"""Damaged bags: read front to back, without the index at the end that a killed recording never wrote.

A reader by index gives nothing for such a file; these give every message up to the damage, then raise DamagedBag.
MCAP: https://mcap.dev/spec. SQLite: https://sqlite.org/fileformat.html.
"""

import io
import os
import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rosbags.rosbag2 import ReaderError
from rosbags.rosbag2.storage_mcap import decompress

from redwood_depth.bags.message_types import DECOMPRESSION_ERRORS, RawMessage

_MAGIC = b"\x89MCAP0\r\n"
_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END = 0x02, 0x03, 0x04, 0x05, 0x06, 0x0F


class DamagedBag(Exception):
    """Raised where a file's readable part ends, after everything before it was given."""


def scan(path: Path) -> Iterator[RawMessage]:
    """Every readable message of a .mcap or .db3 file, in the file's order.

    Raises:
        DamagedBag: the file is empty, cut off or damaged; what came before is all there is.
    """
    if not path.stat().st_size:
        raise DamagedBag(f"{path.name} is empty")
    return _scan_sqlite(path) if path.suffix == ".db3" else _McapScan(path.name).messages(path)


class _McapScan:
    def __init__(self, name: str) -> None:
        self._name = name
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, tuple[str, str]] = {}
        self._bad_chunks = 0

    def messages(self, path: Path) -> Iterator[RawMessage]:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise DamagedBag(f"{self._name} does not begin as an MCAP file does")
            for kind, content in self._records(file, os.fstat(file.fileno()).st_size):
                if kind in (_FOOTER, _DATA_END):
                    break
                yield from self._chunk(content) if kind == _CHUNK else self._message(kind, content)
            else:
                raise DamagedBag(f"{self._name} has no end: it was cut off, or its recording was killed")
        if self._bad_chunks:
            raise DamagedBag(f"{self._name} has {self._bad_chunks} unreadable chunks; the others were read")

    def _records(self, stream: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
        while (position := stream.tell()) < size:
            header = stream.read(9)
            kind, length = struct.unpack("<BQ", header) if len(header) == 9 else (0, size)
            if length > size - position - 9:
                raise DamagedBag(f"{self._name} is cut off at byte {position}")
            yield kind, stream.read(length)

    def _chunk(self, content: bytes) -> Iterator[RawMessage]:
        try:
            size, crc, name_length = struct.unpack_from("<QII", content, 16)
            compression = content[32 : 32 + name_length].decode()
            records = decompress(content[40 + name_length :], compression, size, crc)
            for kind, record in self._records(io.BytesIO(records), size):
                yield from self._message(kind, record)
        except (DamagedBag, ReaderError, struct.error, UnicodeDecodeError, *DECOMPRESSION_ERRORS):
            self._bad_chunks += 1

    def _message(self, kind: int, content: bytes) -> Iterator[RawMessage]:
        try:
            if kind == _SCHEMA:
                self._schemas[struct.unpack_from("<H", content)[0]] = _string(content, 2)
            elif kind == _CHANNEL:
                channel, schema = struct.unpack_from("<HH", content)
                self._channels[channel] = _string(content, 4), self._schemas.get(schema, "")
            elif kind == _MESSAGE:
                channel, _, timestamp_ns = struct.unpack_from("<HIQ", content)
                if channel in self._channels:
                    yield RawMessage(*self._channels[channel], timestamp_ns, content[22:])
        except (struct.error, UnicodeDecodeError) as error:
            raise DamagedBag(f"{self._name} holds a record that cannot be read: {error}") from error


def _string(content: bytes, at: int) -> str:
    (length,) = struct.unpack_from("<I", content, at)
    return content[at + 4 : at + 4 + length].decode()


def _scan_sqlite(path: Path) -> Iterator[RawMessage]:
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        # Without this SQLite opens no file that is shorter than its header says.
        database.execute("PRAGMA writable_schema = ON")
        topics = {key: (name, kind) for key, name, kind in database.execute("SELECT id, name, type FROM topics")}
        rows = database.execute("SELECT topic_id, timestamp, data FROM messages ORDER BY id")
        for key, timestamp_ns, data in rows:
            if key in topics and isinstance(data, bytes):
                yield RawMessage(*topics[key], timestamp_ns, data)
    except sqlite3.Error as error:
        raise DamagedBag(f"{path.name} is cut off or damaged: {error}") from error
    finally:
        database.close()
