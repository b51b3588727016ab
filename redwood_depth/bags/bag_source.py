"""A bag as a source of RGB-D frames: its camera's topics chosen, its images paired."""

import contextlib
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from redwood_depth.bags.depth_unit import unit_of
from redwood_depth.bags.message_types import COMPRESSED_IMAGE, deserialize
from redwood_depth.bags.pairs import RgbdReader
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.registering import registration_of
from redwood_depth.bags.topics import RgbdTopics, choose_camera, lacks
from redwood_depth.errors import BagError, ImageError
from redwood_depth.images.compressed_depth import inverse_depth_code
from redwood_depth.images.payload import payload
from redwood_depth.rgbd import RgbdFrame, Skipped

_SUFFIXES = (".mcap", ".db3", ".bag")
_PACKED = (".zstd", ".lz4")


def is_bag(path: Path) -> bool:
    """Whether `path` is named as a bag's file, or is a folder with such files or a metadata.yaml."""
    if path.is_dir():
        return (path / "metadata.yaml").is_file() or any(is_bag(file) for file in path.iterdir() if file.is_file())
    name = path.with_suffix("") if path.suffix in _PACKED else path
    return path.is_file() and name.suffix in _SUFFIXES


class BagSource:
    """The FrameSource of a bag; `bag` and `topics` are open as long as it is."""

    def __init__(
        self,
        path: Path | str,
        *,
        color: str | None = None,
        depth: str | None = None,
        camera_info: str | None = None,
        predicted: str | None = None,
        may_lack_depth: bool = False,
        registered: bool = False,
        depth_unit_m: float | None = None,
    ) -> None:
        """Open a bag and choose its topics; those that are None are found.

        Args:
            path: a bag folder, or a file of a bag.
            color: topic of the color images.
            depth: topic of the depth images registered to them.
            camera_info: topic of the color camera's calibration.
            predicted: a recorded prediction, which is not taken as ground truth.
            may_lack_depth: whether a bag without depth will do.
            registered: that depth is of the color image, whatever frames, sizes and calibrations say.
            depth_unit_m: meters that one unit of the depth images is; None: as the recording says, else as REP 118.

        Raises:
            BagError: the bag cannot be read, or lacks a topic (the message lists what it has), or its depth is of
                another view than the color image.
        """
        self.bag = Bag.open(path)
        try:
            self._choice = choose_camera(self.bag, color, depth, camera_info, no_truth=predicted, may_lack_depth=True)
            self.topics: RgbdTopics = self._choice.topics
            if self.topics.depth is None and not may_lack_depth:
                remedy = "" if predicted else "; with a label (--label) its class can be scored"
                raise BagError(f"{lacks(self.bag, 'depth image')}{remedy}")
            registration, word = (None, None) if registered else registration_of(self.bag, self._choice)
        except BaseException:
            self.bag.close()
            raise
        unit = unit_of(self.bag, self._choice.depth, depth_unit_m)
        self._said = [*filter(None, (word, unit.word))]
        self._reader = RgbdReader(self.bag, self.topics, registration=registration, depth_factor=unit.factor)
        self._depth_code = _depth_code(self.bag, self.topics.depth)
        self.lacks_depth = None if self.topics.depth else lacks(self.bag, "depth image", "the bag")

    @property
    def path(self) -> Path:
        return self.bag.path

    @property
    def taken(self) -> Mapping[str, str | None]:
        return {**vars(self.topics), **({"depth_code": self._depth_code} if self._depth_code else {})}

    @property
    def expected(self) -> int:
        return min(topic.count for topic in self.bag.topics if topic.name in (self.topics.color, self.topics.depth))

    @property
    def skipped(self) -> Skipped:
        return self._reader.skipped

    @property
    def damage(self) -> str | None:
        return self.bag.damage

    @property
    def warnings(self) -> Sequence[str]:
        return [*self._choice.warnings, *self._said, *self.bag.warnings, *self._reader.warnings]

    def __iter__(self) -> Iterator[RgbdFrame]:
        return iter(self._reader)

    def stamps_ns(self) -> Iterator[int]:
        """Instead of the frames the stamps of their color images; nothing is decoded."""
        return self._reader.stamps_ns()

    def only(self, stamps_ns: Container[int]) -> None:
        """Before the frames are read: give those alone whose color image has one of these stamps."""
        self._reader.only = stamps_ns

    def __enter__(self) -> "BagSource":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.bag.close()


def _depth_code(bag: Bag, topic: str | None) -> str | None:
    """How finely the recorder wrote depth, where it had to squeeze meters into 16 bits."""
    if topic is None or topic not in {each.name for each in bag.topics if each.type == COMPRESSED_IMAGE}:
        return None
    for message in bag.messages((topic,)):
        with contextlib.suppress(BagError, ImageError):  # it comes again in its place
            image = deserialize(message)
            code = inverse_depth_code(image.format, payload(image.data))
            return code.words if code else None
        break
    return None
