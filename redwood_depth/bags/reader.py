"""Reading rosbag2 bags, MCAP and SQLite: their topics and raw messages. Needs `rosbags`, no ROS."""

import struct
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType

import apsw
from rosbags.rosbag2 import Reader, ReaderError

from redwood_depth.bags.message_types import DECOMPRESSION_ERRORS, RawMessage, Topic, decompressed
from redwood_depth.bags.recovery import DamagedBag, scan
from redwood_depth.errors import BagError

_STORAGE_SUFFIXES = (".mcap", ".db3")
# What rosbags' readers raise on damaged files: their own error where they check, else that of the operation.
_READ_ERRORS = (
    *(ReaderError, apsw.Error, OSError, struct.error, *DECOMPRESSION_ERRORS),
    *(ValueError, TypeError, KeyError, IndexError, OverflowError, AssertionError),
)


class Bag:
    """An open bag; a context manager. `topics` are in order of name.

    A bag whose recording was killed or whose copy was cut off opens as well: its readable part is read, and `damage`
    says in one line what is wrong with it (None: nothing found so far; complete once all messages were read).
    """

    def __init__(self, path: Path, source: "_Indexed | _Scanned") -> None:
        self.path = path
        self.topics = source.topics()
        self._source = source

    @classmethod
    def open(cls, path: Path | str) -> "Bag":
        """Open a bag folder or a single .mcap or .db3 file.

        Raises:
            BagError: no bag there, or nothing in it can be read.
        """
        path = Path(path).expanduser()
        if not path.exists():
            raise BagError(f"no bag at {path}")
        files = _storage_files(path)
        try:
            if path.is_file() or (path / "metadata.yaml").is_file():
                return cls(path, _Indexed(path))
            reason = "it has no metadata.yaml"
        except _READ_ERRORS as error:
            reason = _one_line(error)
        if not files:
            raise BagError(f"cannot read the bag {path}: {reason}, and there is no plain .mcap or .db3 file")
        bag = cls(path, _Scanned(files))
        if not bag.topics:
            raise BagError(f"cannot read the bag {path}: {bag.damage or reason}")
        return bag

    @property
    def damage(self) -> str | None:
        return self._source.damage

    @property
    def message_count(self) -> int:
        return sum(topic.count for topic in self.topics)

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """The messages of these topics in the order they were logged; ends early, with `damage` set, at damage."""
        return self._source.messages(set(topics))

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> "Bag":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Indexed:
    """A bag in order, read by its index."""

    def __init__(self, path: Path) -> None:
        self.damage: str | None = None
        self._path = path
        self._reader = Reader(path)
        self._reader.open()

    def topics(self) -> tuple[Topic, ...]:
        return tuple(sorted(Topic(c.topic, c.msgtype, c.msgcount) for c in self._reader.connections))

    def messages(self, names: Collection[str]) -> Iterator[RawMessage]:
        connections = [connection for connection in self._reader.connections if connection.topic in names]
        if not connections:
            return
        messages = self._reader.messages(connections)
        while True:
            try:
                connection, timestamp_ns, data = next(messages)
            except StopIteration:
                return
            except _READ_ERRORS as error:
                self.damage = f"{self._path} is damaged: {_one_line(error)}"
                return
            yield RawMessage(connection.topic, connection.msgtype, timestamp_ns, data)

    def close(self) -> None:
        if self._reader.is_open:
            self._reader.close()


class _Scanned:
    """A bag without a usable index, its files read front to back, each time anew."""

    def __init__(self, files: list[Path]) -> None:
        self.damage: str | None = None
        self._files = files

    def topics(self) -> tuple[Topic, ...]:
        counts = Counter((message.topic, message.type) for message in self._all())
        return tuple(sorted(Topic(name, kind, count) for (name, kind), count in counts.items()))

    def messages(self, names: Collection[str]) -> Iterator[RawMessage]:
        return (message for message in self._all() if message.topic in names)

    def _all(self) -> Iterator[RawMessage]:
        for file in self._files:
            try:
                for message in scan(file):
                    yield message._replace(data=decompressed(message.data))
            except DamagedBag as damage:
                self.damage = str(damage)
            except OSError as error:
                self.damage = f"cannot read {file}: {error.strerror}"

    def close(self) -> None:
        """Nothing is held open."""


def _storage_files(path: Path) -> list[Path]:
    """The files that hold messages, in the order of a split recording: bag_2 before bag_10."""
    files = [path] if path.is_file() else list(path.iterdir())
    found = [file for file in files if file.suffix in _STORAGE_SUFFIXES]
    return sorted(found, key=lambda file: (len(file.name), file.name))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
