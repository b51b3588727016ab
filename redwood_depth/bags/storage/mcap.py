"""MCAP files, whole or damaged, with or without an index: every message that is in them, in order of log time.

rosbags' reader gives nothing, or a part, of files without message indexes, of unchunked files whose time steps back,
and of those whose summary repeats no channels; mcap's holds what has no index in memory.
"""

from binascii import crc32
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from redwood_depth.bags.decompression import DECOMPRESSION_ERRORS, decompressed
from redwood_depth.bags.message_types import RawMessage, Topic, as_cdr, type_name
from redwood_depth.bags.storage.mcap_index import Chunk, read_index
from redwood_depth.bags.storage.mcap_records import (
    HEAD,
    MESSAGE_HEAD,
    RECORD_ERRORS,
    BadRecord,
    Channel,
    Kind,
    RecordFile,
    chunk_head,
    records_in,
)
from redwood_depth.bags.storage.merge import merged
from redwood_depth.errors import BagError

# Chunks that overlap in time are open at once; those beyond this are decompressed again when their time comes.
_MAX_OPEN_BYTES = 128 << 20


class McapFile:
    """An open file. `damage` says what is wrong with it (None: nothing found so far), `start_ns` when it begins."""

    def __init__(self, path: Path, name: str) -> None:
        """`name` is what messages call it. Raises OSError; BagError: its chunks are in a format that is not read."""
        self._name = name
        self._file = RecordFile(path)
        self._open: OrderedDict[int, memoryview] = OrderedDict()
        self._bad_chunks: set[int] = set()
        self._lacking = 0
        try:
            self._index = read_index(self._file, self._contents)
        except BagError:
            self.close()
            raise
        starts_ns = [chunk.start_ns for chunk in self._index.chunks]
        starts_ns += [min(times) for times, _ in self._index.loose.values()]
        self.start_ns = min(starts_ns, default=0)

    @property
    def damage(self) -> str | None:
        faults = [f"{self._name} {self._index.damage}"] if self._index.damage else []
        if self._bad_chunks:
            faults.append(f"{self._name} has {len(self._bad_chunks)} unreadable chunks; the others were read")
        if self._lacking and not faults:
            faults.append(f"{self._name} lacks {self._lacking} messages that it counts")
        return "; ".join(faults) or None

    def topics(self) -> list[Topic]:
        return [
            Topic(channel.topic, type_name(channel.type, channel.encoding), self._index.counts[number])
            for number, channel in self._index.channels.items()
        ]

    def messages(self, names: Collection[str]) -> Iterator[RawMessage]:
        """The messages of these topics in order of log time."""
        wanted = {number: channel for number, channel in self._index.channels.items() if channel.topic in names}
        sources = [
            (chunk.start_ns, self._of_chunk(chunk, wanted))
            for chunk in self._index.chunks
            if chunk.counts is None or not wanted.keys().isdisjoint(chunk.counts)
        ]
        for number in wanted.keys() & self._index.loose.keys():
            loose = sorted(zip(*self._index.loose[number], strict=True))
            sources.append((loose[0][0], self._loose(loose, wanted[number])))
        found = 0
        for message in merged(sources):
            found += 1
            yield message
        self._lacking = max(self._lacking, sum(self._index.counts[number] for number in wanted) - found)

    def close(self) -> None:
        self._file.close()

    def _of_chunk(self, chunk: Chunk, wanted: dict[int, Channel]) -> Iterator[RawMessage]:
        with suppress(BadRecord):  # counted as a bad chunk
            for log_ns, begin, end, number in sorted(self._places(chunk, wanted)):
                yield _message(wanted[number], log_ns, bytes(self._contents(chunk)[begin:end]))
        self._open.pop(chunk.position, None)

    def _places(self, chunk: Chunk, wanted: Collection[int]) -> list[tuple[int, int, int, int]]:
        """(log time, begin, end, channel) of each message. Raises BadRecord where there is none at all."""
        content, places = self._contents(chunk), []
        try:
            for kind, begin, end in records_in(content):
                if kind == Kind.MESSAGE:
                    number, _, log_ns, _ = MESSAGE_HEAD.unpack_from(content, begin)
                    if number in wanted:
                        places.append((log_ns, begin + MESSAGE_HEAD.size, end, number))
        except RECORD_ERRORS:
            self._bad_chunks.add(chunk.position)
        return places

    def _contents(self, chunk: Chunk) -> memoryview:
        """A chunk's records. Raises BadRecord where they cannot be had."""
        if chunk.position not in self._open:
            try:
                self._open[chunk.position] = _decompressed(self._file, chunk)
            except BadRecord:
                self._bad_chunks.add(chunk.position)
                raise
            while sum(map(len, self._open.values())) > _MAX_OPEN_BYTES and len(self._open) > 1:
                self._open.popitem(last=False)
        self._open.move_to_end(chunk.position)
        return self._open[chunk.position]

    def _loose(self, places: list[tuple[int, int]], channel: Channel) -> Iterator[RawMessage]:
        """Messages outside of chunks: they were all there when the file was opened."""
        for log_ns, position in places:
            _, length = HEAD.unpack(self._file.read(position - HEAD.size, HEAD.size))
            data = self._file.read(position + MESSAGE_HEAD.size, length - MESSAGE_HEAD.size)
            yield _message(channel, log_ns, data)


def _message(channel: Channel, log_ns: int, data: bytes) -> RawMessage:
    kind = type_name(channel.type, channel.encoding)
    return RawMessage(channel.topic, kind, log_ns, as_cdr(data, kind, channel.encoding))


def _decompressed(file: RecordFile, chunk: Chunk) -> memoryview:
    record = memoryview(file.read(chunk.position - HEAD.size, HEAD.size + chunk.length))
    if HEAD.unpack_from(record) != (Kind.CHUNK, chunk.length):
        raise BadRecord(f"has no chunk at byte {chunk.position}")
    try:
        head = chunk_head(record[HEAD.size :])
        content = record[HEAD.size + head.begin :]
        if head.compression in ("zstd", "lz4"):
            content = memoryview(decompressed(content))
        elif head.compression:
            raise BagError(
                f"the chunks of {file.name} are compressed with {head.compression}: not read, as zstd and lz4 are; "
                "convert it: mcap compress --compression zstd"
            )
    except (*RECORD_ERRORS, *DECOMPRESSION_ERRORS) as error:
        raise BadRecord(f"has a chunk at byte {chunk.position} that cannot be read: {error}") from error
    if len(content) != head.size or (head.crc and crc32(content) != head.crc):
        raise BadRecord(f"has a chunk at byte {chunk.position} that is not what was written")
    return content
