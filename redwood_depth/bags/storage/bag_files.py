"""Opening a storage file as what its first bytes say that it is."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol

from redwood_depth.bags.decompression import MAGICS
from redwood_depth.bags.message_types import RawMessage, Topic
from redwood_depth.bags.storage import compressed_files
from redwood_depth.bags.storage.mcap import McapFile
from redwood_depth.bags.storage.recording import Recording
from redwood_depth.bags.storage.ros1 import Ros1File
from redwood_depth.bags.storage.sqlite import SqliteFile, has_log
from redwood_depth.bags.storage.temporary import TemporaryFolder
from redwood_depth.errors import BagError

_MCAP, _SQLITE, _ROS1 = b"\x89MCAP", b"SQLite format 3\0", b"#ROSBAG V"
_LONGEST_MAGIC = len(_SQLITE)
_BY_SUFFIX = {".mcap": _MCAP, ".db3": _SQLITE, ".bag": _ROS1}
_OTHERS = {
    b"\x1f\x8b": "gzip compressed it: gunzip it first",
    b"PK\x03\x04": "it is a zip: unzip it first",
    b"BZh": "bzip2 compressed it: bunzip2 it first",
    b"\xfd7zXZ": "xz compressed it: unxz it first",
}


class StorageFile(Protocol):
    """An open file: see McapFile, SqliteFile and Ros1File."""

    start_ns: int

    @property
    def damage(self) -> str | None: ...

    def topics(self) -> list[Topic]: ...

    def messages(self, names: Collection[str]) -> Iterator[RawMessage]: ...

    def close(self) -> None: ...


def open_storage(path: Path, temporary: TemporaryFolder, recording: Recording) -> StorageFile | None:
    """Open a file of a recording; what is wrong with it, or worth a word, is added to `recording`.

    Returns None where nothing in it can be read.
    """
    try:
        return _opened(path, temporary, recording)
    except BagError as error:
        recording.damage.append(str(error))
    except OSError as error:
        recording.damage.append(f"cannot read {path}: {error.strerror or error}")
    return None


def _opened(path: Path, temporary: TemporaryFolder, recording: Recording) -> StorageFile:
    copy = path
    if _beginning(path).startswith(MAGICS):
        copy, damage = compressed_files.decompressed_copy(path, temporary)
        recording.damage += filter(None, [damage])
    kind = _kind(copy)
    if kind == _MCAP:
        return McapFile(copy, path.name)
    if kind == _ROS1:
        return Ros1File(copy, path.name)
    file = SqliteFile(copy, path.name, temporary)
    recording.warnings += filter(None, [file.warning])
    return file


def _kind(path: Path) -> bytes:
    """The magic bytes that the file has, or should have by its name."""
    beginning = _beginning(path)
    for magic in _BY_SUFFIX.values():
        if beginning.startswith(magic):
            return magic
    for magic, remedy in _OTHERS.items():
        if beginning.startswith(magic):
            raise BagError(f"{path.name} is not read as it is: {remedy}")
    if path.suffix not in _BY_SUFFIX:
        raise BagError(f"{path.name} is not an MCAP, SQLite (.db3) or ROS 1 (.bag) file")
    if not beginning and not has_log(path):
        raise BagError(f"{path.name} is empty")
    return _BY_SUFFIX[path.suffix]


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LONGEST_MAGIC)
