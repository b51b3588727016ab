"""Reading recordings: rosbag2's MCAP and SQLite files and ROS 1's bags. Needs `rosbags`, no ROS."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from redwood_depth.bags.message_types import RawMessage, Topic
from redwood_depth.bags.storage.bag_files import StorageFile, open_storage
from redwood_depth.bags.storage.merge import merged
from redwood_depth.bags.storage.recording import Recording, find_recording
from redwood_depth.bags.storage.temporary import TemporaryFolder
from redwood_depth.errors import BagError

_ROS_TYPE = re.compile(r"\w*/(msg|srv|action)/\w+|")


class Bag:
    """An open bag; a context manager. `topics` are in order of name, `message_count` is that of all topics.

    A bag whose recording was killed or whose copy was cut off opens as well: its readable part is read, and `damage`
    says in one line what is wrong with it (None: nothing found so far; complete once all messages were read).
    `warnings` says what else a user must know of how it was read.
    """

    def __init__(self, path: Path, recording: Recording, files: Sequence[StorageFile], opened: ExitStack) -> None:
        self.path = path
        self.topics = _all_topics(files)
        self.message_count = sum(topic.count for topic in self.topics)
        self.warnings = recording.warnings
        self._damage = recording.damage
        self._files = files
        self._opened = opened

    @classmethod
    def open(cls, path: Path | str) -> "Bag":
        """Open a bag folder, or a single .mcap, .db3 or .bag file, compressed (.zstd, .lz4) or not.

        Raises:
            BagError: no bag there, or nothing in it can be read.
        """
        path = Path(path).expanduser()
        recording = find_recording(path)
        with ExitStack() as opened:
            temporary = TemporaryFolder()
            opened.callback(temporary.close)
            files = [file for name in recording.files if (file := open_storage(name, temporary, recording))]
            for file in files:
                opened.callback(file.close)
            _check(path, recording, files)
            return cls(path, recording, files, opened.pop_all())

    @property
    def damage(self) -> str | None:
        return "; ".join([*self._damage, *(file.damage for file in self._files if file.damage)]) or None

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """The messages of these topics, of all files, in the order they were logged.

        What cannot be read is skipped, with `damage` set.
        """
        names = set(topics)
        return merged((file.start_ns, file.messages(names)) for file in self._files)

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> "Bag":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _all_topics(files: Sequence[StorageFile]) -> tuple[Topic, ...]:
    counts: Counter[tuple[str, str]] = Counter()
    for topic in (topic for file in files for topic in file.topics()):
        counts[topic.name, topic.type] += topic.count
    return tuple(sorted(Topic(name, kind, count) for (name, kind), count in counts.items()))


def _check(path: Path, recording: Recording, files: Sequence[StorageFile]) -> None:
    """Raises BagError where nothing can be read; notes what metadata.yaml knows and the files do not have."""
    topics = _all_topics(files)
    damage = [*recording.damage, *(file.damage for file in files if file.damage)]
    if damage and not topics:
        raise BagError(f"cannot read the bag {path}: {'; '.join([*damage, *recording.warnings])}")
    if topics and not any(_ROS_TYPE.fullmatch(topic.type) for topic in topics):
        found = ", ".join(str(topic) for topic in topics[:3])
        raise BagError(f"{path} holds no ROS messages ({found}): convert them to sensor_msgs, or record with ros2 bag")
    count = sum(topic.count for topic in topics)
    if not damage and recording.message_count and recording.message_count > count:
        recording.warnings.append(f"metadata.yaml counts {recording.message_count} messages, its files hold {count}")
