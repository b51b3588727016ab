"""SQLite files of rosbag2, whole or damaged. https://sqlite.org/fileformat.html, https://sqlite.org/wal.html.

Nothing is written beside a recording: a file is opened as one that nobody changes. What its log holds (`-wal`, or
`-journal`) is read in a copy, for reading it in place would alter the recording.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from redwood_depth.bags.message_types import RawMessage, Topic, as_cdr, type_name
from redwood_depth.bags.storage.temporary import TemporaryFolder
from redwood_depth.errors import BagError

_LOGS = ("-wal", "-journal")
_READ_ERRORS = (sqlite3.Error, UnicodeDecodeError)  # the latter: a damaged name in SQLite's own message


def has_log(path: Path) -> Path | None:
    """The file beside it with what was not yet written into it."""
    logs = (path.with_name(path.name + suffix) for suffix in _LOGS)
    return next((log for log in logs if log.is_file() and log.stat().st_size), None)


class SqliteFile:
    """An open file. `damage` says what is wrong with it (None: nothing found so far), `start_ns` when it begins.

    `warning` says what was read besides the file itself.
    """

    def __init__(self, path: Path, name: str, temporary: TemporaryFolder) -> None:
        """`name` is what messages call it. Raises OSError."""
        self.damage: str | None = None
        self.warning: str | None = None
        self.start_ns = 0
        self._name = name
        self._database = self._opened(path, temporary)
        self._topics: dict[int, tuple[str, str, str]] = {}  # name, type, serialization format
        self._counts: Counter[int] = Counter()
        self._in_order = True
        try:
            self._look()
        except _READ_ERRORS as error:
            self._note(error)
            self._look_row_by_row()

    def topics(self) -> list[Topic]:
        return [
            Topic(name, type_name(kind, encoding), self._counts[key])
            for key, (name, kind, encoding) in self._topics.items()
        ]

    def messages(self, names: Collection[str]) -> Iterator[RawMessage]:
        """The messages of these topics in order of log time; of a damaged file, in the order of writing."""
        wanted = {key: topic for key, topic in self._topics.items() if topic[0] in names}
        try:
            for key, log_ns, data in self._rows(list(wanted)):
                if key in wanted and isinstance(data, bytes) and isinstance(log_ns, int):  # damage may be anything
                    name, kind, encoding = wanted[key]
                    kind = type_name(kind, encoding)
                    yield RawMessage(name, kind, log_ns, as_cdr(data, kind, encoding))
        except _READ_ERRORS as error:
            self._note(error)

    def close(self) -> None:
        self._database.close()

    def _opened(self, path: Path, temporary: TemporaryFolder) -> sqlite3.Connection:
        if log := has_log(path):
            try:
                copy = temporary.copy(path)
                shutil.copyfile(log, copy.with_name(log.name))
                self.warning = f"{log.name} was read as well: the recording was killed, or is still going on"
                return sqlite3.connect(copy, check_same_thread=False)
            except (BagError, OSError) as error:
                self.damage = f"{log.name} holds {log.stat().st_size} bytes that were not read: {error}"
        address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        return sqlite3.connect(address, uri=True, check_same_thread=False)  # a player may read in a thread of its own

    def _look(self) -> None:
        """Topics, counts and the first time, by the indexes."""
        self._read_topics()
        self._counts.update(dict(self._database.execute("SELECT topic_id, COUNT(*) FROM messages GROUP BY topic_id")))
        ((first_ns,),) = self._database.execute("SELECT MIN(timestamp) FROM messages")
        self.start_ns = first_ns if isinstance(first_ns, int) else 0

    def _look_row_by_row(self) -> None:
        """The same of what is readable from the beginning."""
        self._in_order = False
        try:
            # Without this SQLite opens no file that is shorter than its header says.
            self._database.execute("PRAGMA writable_schema = ON")
            self._read_topics()
            self._counts.clear()
            for (key,) in self._database.execute("SELECT topic_id FROM messages ORDER BY id"):
                self._counts[key] += 1
        except _READ_ERRORS as error:
            self._note(error)

    def _read_topics(self) -> None:
        query = "SELECT id, name, type, serialization_format FROM topics"
        rows = self._database.execute(query)
        self._topics = {key: (str(name), str(kind), str(encoding)) for key, name, kind, encoding in rows}

    def _rows(self, topics: list[int]) -> Iterator[tuple[int, int, bytes]]:
        if not self._in_order:
            return self._database.execute("SELECT topic_id, timestamp, data FROM messages ORDER BY id")
        places = ",".join("?" * len(topics))
        query = f"SELECT topic_id, timestamp, data FROM messages WHERE topic_id IN ({places}) ORDER BY timestamp"
        return self._database.execute(query, topics)

    def _note(self, error: Exception) -> None:
        self.damage = self.damage or f"{self._name} is cut off or damaged: {error}"
