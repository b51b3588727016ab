"""Writing rosbag2 bags (MCAP) without a ROS installation. Needs `rosbags`."""

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.rosbag2 import StoragePlugin, Writer

from redwood_depth.bags.message_types import typestore
from redwood_depth.errors import BagError


class BagWriter:
    """A context manager that writes one bag: all of it appears at `path` when the block ends, nothing if it fails.

    It is written into a hidden folder beside `path`, so that the last step is a rename within one file system.
    """

    def __init__(self, path: Path | str) -> None:
        """Raises BagError where `path` exists already, or cannot be written."""
        self.path = Path(path).expanduser()
        if self.path.exists():
            raise BagError(f"{self.path} exists already; remove it or choose another name")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._partial = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=self.path.parent))
        except OSError as error:
            raise BagError(f"cannot write {self.path}: {error.strerror}") from error
        # The MCAP file is named after the folder it is made in: that one has the final name. Version 8 of the metadata
        # writes QoS as Humble can read it; Jazzy and Kilted, which write 9, read both.
        self._writer = Writer(self._partial / self.path.name, version=8, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._connections: dict[tuple[str, str], Any] = {}
        self.count = 0

    def write(self, topic: str, message: Any, timestamp_ns: int) -> None:
        """Write a `rosbags` message (not one of rclpy)."""
        self.write_serialized(topic, message.__msgtype__, timestamp_ns, _serialize(message))

    def write_stamped(self, topic: str, message: Any) -> None:
        """Write a `rosbags` message that was logged when its header says."""
        stamp = message.header.stamp
        self.write(topic, message, stamp.sec * 1_000_000_000 + stamp.nanosec)

    def write_serialized(self, topic: str, type_name: str, timestamp_ns: int, cdr_bytes: bytes | memoryview) -> None:
        """Write a message as DDS brought it.

        Args:
            topic: its topic, with leading slash.
            type_name: such as "sensor_msgs/msg/Image"; of ROS's common interfaces or vision_msgs.
            timestamp_ns: time of logging in nanoseconds.
            cdr_bytes: the message in CDR with its 4-byte encapsulation.

        Raises:
            BagError: a type that is not known.
        """
        key = topic, type_name
        if key not in self._connections:
            if type_name not in typestore().fielddefs:
                raise BagError(f"cannot record {topic}: unknown message type {type_name}")
            self._connections[key] = self._writer.add_connection(topic, type_name, typestore=typestore())
        self._writer.write(self._connections[key], timestamp_ns, cdr_bytes)
        self.count += 1

    def __enter__(self) -> "BagWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
            else:
                self._writer.abort()
        finally:
            shutil.rmtree(self._partial, ignore_errors=True)

    def _finish(self) -> None:
        self._writer.close()
        if not self.count:
            raise BagError(f"{self.path} was not written: there was no message to write")
        try:
            (self._partial / self.path.name).rename(self.path)
        except OSError as error:
            raise BagError(f"cannot write {self.path}: {error.strerror}") from error


def _serialize(message: Any) -> Any:
    return typestore().serialize_cdr(message, message.__msgtype__)
