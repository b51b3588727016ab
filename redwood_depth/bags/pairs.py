"""Color and depth of a bag, paired by header stamp while streaming: a bag may be larger than the memory."""

import bisect
import contextlib
import itertools
from collections.abc import Container, Iterator

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bags.calibrations import Calibrations
from redwood_depth.bags.message_types import RawMessage, deserialize, header_stamp_ns
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.stamps import SET_BACK_NS, Clock
from redwood_depth.bags.topics import RgbdTopics
from redwood_depth.camera import is_rectified
from redwood_depth.errors import BagError, CameraError, ImageError
from redwood_depth.images.decode import color_from_message, depth_from_message
from redwood_depth.images.sixteen_bits import SixteenBits
from redwood_depth.images.wrapped_depth import WrappedDepth
from redwood_depth.registration import Registration
from redwood_depth.rgbd import MAX_GAP_NS, RgbdFrame, Skipped, pair_stamps

MAX_WAITING_BYTES = 256 << 20
_BITS_LOOKED_AT = 30  # color images, of which every third is looked into
# A frame is given its partner once both streams are this many gaps past it: what comes later cannot be nearer to it,
# nor (but for a chain of ever nearer neighbors that is this long) to its partner.
_SETTLED_GAPS = 4


class RgbdReader:
    """Iterates over a bag's pairs, once. The counts are complete when the iteration is.

    `corrupt` counts messages that cannot be read, `corrupt_example` says what is wrong with the first one;
    `nearest_ns` is the least time between a color and a depth image, None where one of the streams is empty.
    """

    def __init__(
        self,
        bag: Bag,
        topics: RgbdTopics,
        max_gap_ns: int = MAX_GAP_NS,
        registration: Registration | None = None,
        depth_factor: float = 1.0,
    ) -> None:
        """`registration` brings the depth into the color image, where it is not there already; depth as REP 118 has it
        is multiplied with `depth_factor`."""
        self.paired = 0
        self.corrupt = 0
        self.corrupt_example: str | None = None
        self.nearest_ns: int | None = None
        self._bag = bag
        self._topics = topics
        self._colors = _Waiting()
        self._depths = _Waiting()
        self._max_gap_ns = max_gap_ns
        self._clock = Clock()
        self._registration = registration
        self._depth_factor = np.float32(depth_factor)
        self._calibrations = Calibrations(is_rectified(topics.color))
        self._sixteen_bits = SixteenBits()
        self._wrapped = WrappedDepth()
        self.only: Container[int] | None = None  # stamps of the color images that are decoded; None: all

    @property
    def warnings(self) -> list[str]:
        """What a user must know of how the images were paired."""
        notes = filter(None, (self._sixteen_bits.note, self._wrapped.warning))
        return [*self._clock.warnings(), *self._calibrations.warnings(), *notes]

    @property
    def unpaired_color(self) -> int:
        """Color images that no depth image was near enough to."""
        return self._colors.dropped

    @property
    def unpaired_depth(self) -> int:
        """Depth images that no color image was near enough to."""
        return self._depths.dropped

    @property
    def skipped(self) -> Skipped:
        """What gave no frame, so far."""
        unpaired = self.unpaired_color, self.unpaired_depth
        return Skipped(*unpaired, self.corrupt, self.corrupt_example, self.nearest_ns)

    def __iter__(self) -> Iterator[RgbdFrame]:
        self._read_first_camera_info()
        self._look_at_bits()
        if self._topics.depth is None:
            yield from self._without_depth()
            return
        for color, depth in self._pairs(self._topics.depth):
            if self.only is None or self._clock.of(color) in self.only:
                yield from self._decoded(color, depth)

    def stamps_ns(self) -> Iterator[int]:
        """Instead of the frames the stamps of their color images; nothing is decoded."""
        if self._topics.depth:
            yield from (self._clock.of(color) for color, _ in self._pairs(self._topics.depth))

    def _pairs(self, depth: str) -> Iterator[tuple[RawMessage, RawMessage]]:
        messages = self._bag.messages([name for name in vars(self._topics).values() if name])
        for message in self._clock.look_ahead(messages, self._topics.color, depth):
            if message.topic == self._topics.camera_info:
                self._read_camera_info(message)
            else:
                stamp_ns = self._stamp_ns(message)
                if stamp_ns is None:
                    continue
                waiting = self._colors if message.topic == self._topics.color else self._depths
                if stamp_ns < waiting.newest_ns - SET_BACK_NS:
                    yield from self._settled(ended=True)
                    self._colors.newest_ns = self._depths.newest_ns = -1
                self._note_distance(stamp_ns, self._depths if waiting is self._colors else self._colors)
                waiting.add(stamp_ns, message)
                yield from self._settled()
        yield from self._settled(ended=True)

    def _without_depth(self) -> Iterator[RgbdFrame]:
        waiting: RawMessage | None = None  # until the next image: its camera_info may be logged after it
        for message in self._bag.messages([name for name in vars(self._topics).values() if name]):
            if message.topic == self._topics.camera_info:
                self._read_camera_info(message)
                continue
            yield from self._color_alone(waiting)
            waiting = message
        yield from self._color_alone(waiting)

    def _color_alone(self, message: RawMessage | None) -> Iterator[RgbdFrame]:
        if message is None:
            return
        try:
            stamp_ns = header_stamp_ns(message) or message.timestamp_ns
            image = color_from_message(deserialize(message), self._sixteen_bits)
        except (BagError, ImageError) as error:
            self._count_corrupt(error)
            return
        nothing: NDArray[np.float32] = np.broadcast_to(np.float32(np.nan), image.size)
        yield RgbdFrame(image, nothing, self._calibrations.at(stamp_ns, image.size), stamp_ns, stamp_ns)

    def _read_first_camera_info(self) -> None:
        """Drivers may send it once, or after the first image; it holds for the images before it as well."""
        if self._topics.camera_info:
            for message in self._bag.messages((self._topics.camera_info,)):
                self._read_camera_info(message)
                break
        self.corrupt, self.corrupt_example = 0, None  # it comes again in its place

    def _look_at_bits(self) -> None:
        """How many bits the camera's 16-bit images fill: all are converted alike, so not the first alone decides."""
        for message in itertools.islice(self._bag.messages((self._topics.color,)), 0, _BITS_LOOKED_AT, 3):
            with contextlib.suppress(BagError, ImageError):  # it comes again in its place
                color_from_message(deserialize(message), self._sixteen_bits)
            if not self._sixteen_bits.seen:
                return

    def _note_distance(self, stamp_ns: int, others: "_Waiting") -> None:
        if others.newest_ns >= 0:
            distance_ns = min(abs(stamp_ns - other_ns) for other_ns in (others.newest_ns, *others.near(stamp_ns)))
            self.nearest_ns = distance_ns if self.nearest_ns is None else min(self.nearest_ns, distance_ns)

    def _count_corrupt(self, error: Exception) -> None:
        self.corrupt += 1
        self.corrupt_example = self.corrupt_example or str(error)

    def _read_camera_info(self, message: RawMessage) -> None:
        try:
            self._calibrations.add(self._clock.of(message), deserialize(message))
        except BagError as error:
            self._count_corrupt(error)

    def _stamp_ns(self, message: RawMessage) -> int | None:
        try:
            return self._clock.stamp_ns(message)
        except BagError as error:
            self._count_corrupt(error)
            return None

    def _settled(self, ended: bool = False) -> list[tuple[RawMessage, RawMessage]]:
        """Take the pairs that nothing can change any more, and drop the frames that can find no partner any more."""
        colors, depths = self._colors, self._depths
        horizon_ns = min(colors.newest_ns, depths.newest_ns) - _SETTLED_GAPS * self._max_gap_ns
        if ended:
            horizon_ns = max(colors.newest_ns, depths.newest_ns)
        if all(stamp_ns > horizon_ns for stamp_ns in colors.stamps_ns[:1] + depths.stamps_ns[:1]):
            return []
        pairs = pair_stamps(colors.stamps_ns, depths.stamps_ns, self._max_gap_ns)
        settled = [(i, j) for i, j in pairs if max(colors.stamps_ns[i], depths.stamps_ns[j]) <= horizon_ns]
        taken = [(colors.messages[i], depths.messages[j]) for i, j in settled]
        open_pairs = set(pairs) - set(settled)
        colors.leave(horizon_ns, {i for i, _ in settled}, {i for i, _ in open_pairs})
        depths.leave(horizon_ns, {j for _, j in settled}, {j for _, j in open_pairs})
        return taken

    def _decoded(self, color: RawMessage, depth: RawMessage) -> Iterator[RgbdFrame]:
        """The frame, or nothing where it cannot be read."""
        try:
            image = color_from_message(deserialize(color), self._sixteen_bits)
            depth_m = depth_from_message(deserialize(depth), self._wrapped)
            depth_m = depth_m if self._depth_factor == 1 else depth_m * self._depth_factor
            depth_m = self._registration.apply(depth_m) if self._registration else depth_m
        except (BagError, CameraError, ImageError) as error:
            self._count_corrupt(error)
            return
        self.paired += 1
        stamp_ns = self._clock.of(color)
        intrinsics = self._calibrations.at(stamp_ns, image.size)
        yield RgbdFrame(image, depth_m, intrinsics, stamp_ns, self._clock.of(depth))


class _Waiting:
    """Frames of one stream without a partner so far, in order of stamp."""

    def __init__(self) -> None:
        self.stamps_ns: list[int] = []
        self.messages: list[RawMessage] = []
        self.newest_ns = -1
        self.dropped = 0
        self._bytes = 0

    def add(self, stamp_ns: int, message: RawMessage) -> None:
        at = bisect.bisect_right(self.stamps_ns, stamp_ns)
        self.stamps_ns.insert(at, stamp_ns)
        self.messages.insert(at, message)
        self.newest_ns = max(self.newest_ns, stamp_ns)
        self._bytes += len(message.data)
        while self._bytes > MAX_WAITING_BYTES and len(self.messages) > 1:  # the other stream's clock is far away
            self._bytes -= len(self.messages.pop(0).data)
            self.stamps_ns.pop(0)
            self.dropped += 1

    def near(self, stamp_ns: int) -> list[int]:
        """The stamps before and after, as far as they still wait."""
        at = bisect.bisect_left(self.stamps_ns, stamp_ns)
        return self.stamps_ns[max(at - 1, 0) : at + 1]

    def leave(self, horizon_ns: int, taken: set[int], open_pairs: set[int]) -> None:
        """Remove what is taken, and what is not later than the horizon and has no partner."""
        stays = [
            i
            for i, stamp_ns in enumerate(self.stamps_ns)
            if i not in taken and (stamp_ns > horizon_ns or i in open_pairs)
        ]
        self.dropped += len(self.stamps_ns) - len(stays) - len(taken)
        self.stamps_ns = [self.stamps_ns[i] for i in stays]
        self.messages = [self.messages[i] for i in stays]
        self._bytes = sum(len(message.data) for message in self.messages)
