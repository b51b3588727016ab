"""Where an MCAP file's messages are: by its summary where that is whole, else by a walk from front to back.

A summary may be missing (a recording that was killed), lack the message indexes (rosbag2's noMessageIndex), the chunks
(fastwrite) or the schemas and channels (repeating them is a writer's choice). The messages are there all the same.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from redwood_depth.bags.storage.mcap_records import (
    FOOTER_BYTES,
    HEAD,
    MAGIC,
    MESSAGE_HEAD,
    RECORD_ERRORS,
    BadRecord,
    Channel,
    Definitions,
    Kind,
    RecordFile,
    Statistics,
    chunk_index,
    records_in,
    statistics,
)


@dataclass
class Chunk:
    """A chunk: the log time of its first message, where its record is, and its messages by channel (None: unknown)."""

    start_ns: int
    position: int
    length: int
    counts: dict[int, int] | None


@dataclass
class McapIndex:
    """What is where in a file.

    `loose` has the messages outside of chunks, by channel: their log times and the positions of their content.
    `counts` has the number of messages by channel; `damage` says in words what is wrong, None: nothing found.
    """

    channels: dict[int, Channel]
    chunks: list[Chunk]
    loose: dict[int, tuple["array[int]", "array[int]"]] = field(default_factory=dict)
    counts: Counter[int] = field(default_factory=Counter)
    damage: str | None = None


def read_index(file: RecordFile, contents: Callable[[Chunk], memoryview]) -> McapIndex:
    """Find the messages. `contents` gives a chunk's records, decompressed, or raises BadRecord."""
    summary = _Records(file)
    try:
        summary.read(_summary_position(file))
    except (BadRecord, *RECORD_ERRORS):
        summary = _Records(file)
    if summary.is_whole_summary():
        return McapIndex(summary.definitions.channels(), summary.indexed, counts=_counted(summary.indexed))
    return _by_walking(file, contents, [chunk.position for chunk in summary.indexed])


class _Records:
    """What the records of a file, or of its summary alone, say."""

    def __init__(self, file: RecordFile) -> None:
        self.definitions = Definitions()
        self.chunks: list[Chunk] = []
        self.indexed: list[Chunk] = []
        self.loose: dict[int, tuple[array[int], array[int]]] = {}
        self.statistics: Statistics | None = None
        self.ended = False
        self._file = file

    def read(self, position: int) -> None:
        """Read on to the footer. Raises BadRecord and RECORD_ERRORS."""
        for kind, begin, length in self._file.records(position):
            if kind == Kind.FOOTER:
                self.ended = self._file.read(begin + length, len(MAGIC)) == MAGIC
                return
            self._add(kind, begin, length)

    def _add(self, kind: int, begin: int, length: int) -> None:
        if kind == Kind.MESSAGE:
            if length < MESSAGE_HEAD.size:
                raise BadRecord(f"is damaged at byte {begin}")
            channel, _, log_ns, _ = MESSAGE_HEAD.unpack(self._file.read(begin, MESSAGE_HEAD.size))
            times, places = self.loose.setdefault(channel, (array("Q"), array("Q")))
            times.append(log_ns)
            places.append(begin)
        elif kind == Kind.CHUNK:
            start_ns = int.from_bytes(self._file.read(begin, 8), "little")
            self.chunks.append(Chunk(start_ns, begin, length, {}))
        elif kind == Kind.MESSAGE_INDEX:
            channel, size = int.from_bytes(self._file.read(begin, 2), "little"), (length - 6) // 16
            counts = self.chunks[-1].counts if self.chunks else None
            if counts is not None and size > 0:
                counts[channel] = size
        elif kind in (Kind.SCHEMA, Kind.CHANNEL):
            self.definitions.add(kind, self._file.definition(begin, length))
        elif kind == Kind.CHUNK_INDEX:
            start_ns, offset, size, by_channel = chunk_index(self._file.definition(begin, length))
            self.indexed.append(Chunk(start_ns, offset + HEAD.size, size - HEAD.size, by_channel))
        elif kind == Kind.STATISTICS:
            self.statistics = statistics(self._file.definition(begin, length))

    def is_whole_summary(self) -> bool:
        """Whether every message that the statistics count is in a chunk whose index says so."""
        if not self.ended or self.statistics is None or not self.definitions.are_whole():
            return False
        counts, own = _counted(self.indexed), self.statistics
        found = len(self.indexed), *self.definitions.counts(), counts.total()
        described = counts.keys() <= self.definitions.channels().keys()
        return described and found == (own.chunks, own.schemas, own.channels, own.messages)


def _by_walking(file: RecordFile, contents: Callable[[Chunk], memoryview], known_chunks: list[int]) -> McapIndex:
    records = _Records(file)
    faults: list[str] = []
    position: int | None = len(MAGIC)
    while position is not None:
        fault = _walk(records, position)
        if fault and records.chunks:
            records.chunks[-1].counts = None  # some of its message indexes may lie behind the fault
        faults += filter(None, [fault])
        position = _next_chunk(known_chunks, records, position) if fault else None
    index = McapIndex(records.definitions.channels(), records.chunks, records.loose)
    _count(index, records, contents)
    if orphans := sum(count for channel, count in index.counts.items() if channel not in index.channels):
        faults.append(f"has {orphans} messages of topics that it does not describe")
    if faults:
        index.damage = faults[0] + (f", and {len(faults) - 1} faults more" if len(faults) > 1 else "")
    return index


def _walk(records: _Records, position: int) -> str | None:
    """Read on from here to the end; what is in the way."""
    try:
        records.read(position)
    except BadRecord as error:
        return str(error)
    except RECORD_ERRORS as error:
        return f"has a record that cannot be read: {error}"
    return None if records.ended else "has no end: it was cut off, or its recording was killed"


def _next_chunk(known: Iterable[int], records: _Records, position: int) -> int | None:
    """Where the summary says that the next chunk begins, beyond the fault."""
    last = max(records.chunks[-1].position if records.chunks else 0, position + HEAD.size)
    return min((place - HEAD.size for place in known if place > last), default=None)


def _count(index: McapIndex, records: _Records, contents: Callable[[Chunk], memoryview]) -> None:
    """Count the messages, and find the channels that only chunks describe."""
    own, found = records.statistics, _counted(index.chunks)
    loose = Counter({channel: len(times) for channel, (times, _) in index.loose.items()})
    unlike = own is not None and own.messages != found.total() + loose.total()
    whole = records.definitions.are_whole()
    for chunk in index.chunks:
        if unlike or not whole or not chunk.counts or not chunk.counts.keys() <= index.channels.keys():
            chunk.counts = None
    if own is not None and records.ended and whole and own.by_channel.keys() <= index.channels.keys():
        index.counts = Counter(own.by_channel)
        return
    for chunk in index.chunks:
        if chunk.counts is None:
            _look_inside(chunk, records.definitions, contents)
    index.channels = records.definitions.channels()
    index.counts = _counted(index.chunks) + loose


def _look_inside(chunk: Chunk, definitions: Definitions, contents: Callable[[Chunk], memoryview]) -> None:
    found: Counter[int] = Counter()
    try:
        content = contents(chunk)
        for kind, begin, end in records_in(content):
            if kind == Kind.MESSAGE:
                found[int.from_bytes(content[begin : begin + 2], "little")] += 1
            elif kind in (Kind.SCHEMA, Kind.CHANNEL):
                definitions.add(kind, bytes(content[begin:end]))
    except (BadRecord, *RECORD_ERRORS):
        return  # told by whoever reads its messages
    chunk.counts = dict(found)


def _counted(chunks: Iterable[Chunk]) -> Counter[int]:
    total: Counter[int] = Counter()
    for chunk in chunks:
        total.update(chunk.counts or {})
    return total


def _summary_position(file: RecordFile) -> int:
    """Raises BadRecord where the file has no summary."""
    size = HEAD.size + FOOTER_BYTES + len(MAGIC)
    footer = file.read(max(file.size - size, 0), size)
    position = int.from_bytes(footer[HEAD.size : HEAD.size + 8], "little")
    if footer[: HEAD.size] != HEAD.pack(Kind.FOOTER, FOOTER_BYTES) or not position:
        raise BadRecord("no summary")
    return position
