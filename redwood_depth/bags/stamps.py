"""When the images of a bag were taken: by their header stamps, or by the time of logging where the stamps cannot tell.

Drivers leave stamps out, repeat them, or take them from a clock of their own. Such stamps pair images by position at
best, so they are never used: the bag is paired by the time of logging then, and a warning says so.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise

import numpy as np

from redwood_depth.bags.message_types import RawMessage, header_stamp_ns
from redwood_depth.errors import BagError

# How far the beginning is looked at: this many images of each stream, unless they are many or large.
_SAMPLE_IMAGES = 16
_SAMPLE_MESSAGES = 2000
_SAMPLE_BYTES = 32 << 20
_MOST_REPEATED = 0.2
# Transport and processing make the delay from stamp to logging; more than this, or less than nothing, is another clock.
_MAX_DELAY_NS = 10_000_000_000
_MIN_DELAY_NS = -100_000_000
_OTHER_CLOCK_NS = 1_000_000_000
_REMEMBERED = 1024
# A stamp that is so much older than its stream's newest is not a latecomer: the clock was set back.
SET_BACK_NS = 1_000_000_000


@dataclass
class _Sample:
    """Header stamps and times of logging of a stream's first images, in nanoseconds."""

    stamps_ns: list[int] = field(default_factory=list)
    logged_ns: list[int] = field(default_factory=list)

    def delays_ns(self) -> list[int]:
        """From stamp to logging."""
        return [logged - stamp for stamp, logged in zip(self.stamps_ns, self.logged_ns, strict=True)]


class Clock:
    """Tells the stamps of a bag's color and depth images, in nanoseconds, all by one clock.

    `logged` says that it is the time of logging; else it is the header's. `repeated` counts the images that had to be
    skipped because an earlier one of their topic had the same stamp, `unset` those without a stamp.
    """

    def __init__(self) -> None:
        self.logged = False
        self.repeated = 0
        self.unset = 0
        self._begins_at_zero = False
        self._warnings: list[str] = []
        self._seen: dict[str, deque[int]] = {}

    def look_ahead(self, messages: Iterator[RawMessage], color: str, depth: str) -> Iterator[RawMessage]:
        """The same messages, after the first ones have decided which clock is used.

        Raises:
            BagError: neither the stamps nor the times of logging tell images apart.
        """
        samples = {color: _Sample(), depth: _Sample()}
        first, size = [], 0
        for message in messages:
            first.append(message)
            size += len(message.data)
            if message.topic in samples:
                _sample(samples[message.topic], message)
            enough = min(len(sample.stamps_ns) for sample in samples.values()) >= _SAMPLE_IMAGES
            if enough or size > _SAMPLE_BYTES or len(first) >= _SAMPLE_MESSAGES:
                break
        self._decide(samples[color], samples[depth])
        return chain(first, messages)

    def of(self, message: RawMessage) -> int:
        """The message's stamp, 0 where it has none. Raises BagError where it has no header."""
        return message.timestamp_ns if self.logged else header_stamp_ns(message)

    def stamp_ns(self, message: RawMessage) -> int | None:
        """The same; None (and counted) where there is none, or an earlier image of the topic has it.

        Raises:
            BagError: the message has no header.
        """
        stamp_ns = self.of(message)
        if not stamp_ns and not self._begins_at_zero:
            self.unset += 1
            return None
        seen = self._seen.setdefault(message.topic, deque(maxlen=_REMEMBERED))
        if seen and stamp_ns < seen[-1] - SET_BACK_NS:
            seen.clear()  # stamps may come again
        if stamp_ns in seen:
            self.repeated += 1
            return None
        seen.append(stamp_ns)
        return stamp_ns

    def warnings(self) -> list[str]:
        """What a user must know, once all messages were read."""
        found = list(self._warnings)
        if self.unset:
            found.append(f"{self.unset} images have no stamp among others that have one: they were skipped")
        if self.repeated:
            found.append(f"{self.repeated} images have the stamp of an earlier one of their topic: they were skipped")
        return found

    def _decide(self, color: _Sample, depth: _Sample) -> None:
        self._begins_at_zero = _begins_at_zero(color) or _begins_at_zero(depth)
        between_ns = _between(color, depth)
        apart = f"{abs(between_ns) / 1e9:.1f} s apart where they were logged together"
        fault = _fault("color", color) or _fault("depth", depth)
        if fault is None and abs(between_ns) > _OTHER_CLOCK_NS and _plausible(color) and _plausible(depth):
            self._warnings.append(f"the stamps of color and depth are {apart}: is one of the clocks wrong?")
        elif fault is None and _of_two_clocks(color, depth, between_ns):
            fault = f"the stamps of color and depth are of different clocks ({apart})"
        if fault:
            self._use_logged(fault, color, depth)

    def _use_logged(self, fault: str, color: _Sample, depth: _Sample) -> None:
        remedy = "record with header.stamp set by the driver"
        if _repeats(color.logged_ns) or _repeats(depth.logged_ns):
            raise BagError(f"{fault}, the times of logging repeat: nothing says which images belong together; {remedy}")
        self.logged = True
        self._warnings.append(
            f"{fault}: color and depth were paired by the time of logging, which may be a frame off; {remedy}"
        )


def _sample(sample: _Sample, message: RawMessage) -> None:
    try:
        sample.stamps_ns.append(header_stamp_ns(message))
    except BagError:
        return  # counted where it is read
    sample.logged_ns.append(message.timestamp_ns)


def _fault(name: str, sample: _Sample) -> str | None:
    """Why the stamps of a stream do not tell its images apart."""
    stamps_ns = sample.stamps_ns
    if 2 * stamps_ns.count(0) > len(stamps_ns):
        return f"the {name} images have no stamp (header.stamp is 0)"
    if not _repeats(stamps_ns):
        return None
    if len(set(stamps_ns)) == 1:
        return f"the {name} images have one and the same stamp ({stamps_ns[0] / 1e9:.3f} s)"
    return f"the stamps of the {name} images repeat ({len(set(stamps_ns))} different ones in {len(stamps_ns)} images)"


def _repeats(stamps_ns: Sequence[int]) -> bool:
    """Counted one after another: a recording of a loop has stamps again that are not repeated."""
    return sum(one == other for one, other in pairwise(stamps_ns)) > _MOST_REPEATED * len(stamps_ns)


def _begins_at_zero(sample: _Sample) -> bool:
    """Whether 0 is a stamp like others, as in scans: as long before the second one as it was logged before it."""
    delays_ns = sample.delays_ns()[:2]
    return sample.stamps_ns[:1] == [0] and max(delays_ns) - min(delays_ns) < SET_BACK_NS


def _plausible(sample: _Sample) -> bool:
    """Whether the stamps are of the clock that the recorder has: a little before the time of logging."""
    delays_ns = sample.delays_ns()
    return not delays_ns or _MIN_DELAY_NS < float(np.median(delays_ns)) < _MAX_DELAY_NS


def _of_two_clocks(color: _Sample, depth: _Sample, between_ns: int) -> bool:
    """One stream has the recorder's clock and the other has not, or neither has and they are far apart."""
    one_alone = _plausible(color) != _plausible(depth)
    return abs(between_ns) > (-_MIN_DELAY_NS if one_alone else _OTHER_CLOCK_NS)


def _between(color: _Sample, depth: _Sample) -> int:
    """Depth's stamp minus color's, beyond what lies between their times of logging; 0 where a stream is empty.

    The median over images that were logged beside each other: a clock that drifts is then the same to both.
    """
    colors = list(zip(color.logged_ns, color.stamps_ns, strict=True))
    found_ns = []
    for logged_ns, stamp_ns in zip(depth.logged_ns, depth.stamps_ns, strict=True) if colors else ():
        beside_ns, other_ns = min(colors, key=lambda one: abs(one[0] - logged_ns))
        found_ns.append((stamp_ns - other_ns) - (logged_ns - beside_ns))
    return int(np.median(found_ns)) if found_ns else 0
