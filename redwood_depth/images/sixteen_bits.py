"""16 bits to 8 by the bits that a camera really fills: 10 or 12 of them in most cameras, at the lower end."""

import threading
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DEPTHS = (10, 12)  # of sensors; what stays below them in every image is of no camera that fills 16 bits
_SATURATED = {14: (1 << 14) - 1}  # a dark image of 16 bits stays below this as well, but is not clipped there
FULL = 16


class SixteenBits:
    """The real depth of one camera's 16-bit images, by the largest value that any of them had so far.

    It grows and never shrinks, so a dark image between bright ones is as dark as it was taken; a recording is looked
    into with `count` before its first image is converted. Values that fill the upper end (shifted to the left, or 8
    bits said twice) count as full. Threads may share one.
    """

    def __init__(self) -> None:
        self._largest = 0
        self._told_bits = FULL
        self._lock = threading.Lock()

    @property
    def bits(self) -> int:
        """10, 12, 14 or 16: how many bits of 16 the images seen so far fill."""
        if self._largest in _SATURATED.values():
            return next(bits for bits, value in _SATURATED.items() if value == self._largest)
        return next((bits for bits in _DEPTHS if 0 < self._largest < 1 << bits), FULL)

    @property
    def seen(self) -> bool:
        """Whether any image had 16 bits."""
        return self._largest > 0

    @property
    def note(self) -> str | None:
        """What a user must know, None while the images fill 16 bits or none was seen."""
        if self.bits == FULL:
            return None
        return (
            f"16-bit color images hold no value above {self._largest}: taken as {self.bits} bits, "
            f"{(1 << self.bits) - 1} is white"
        )

    def news(self) -> str | None:
        """`note` where it was not told before with as many bits: for a log."""
        told, self._told_bits = self._told_bits, self.bits
        return self.note if self.bits != told else None

    def eight_bits(self, rows: NDArray[Any]) -> NDArray[np.uint8]:
        """uint8 of uint16 `rows`, after they are counted in."""
        self.count(rows)
        return scaled_to_eight_bits(rows, self.bits)

    def count(self, rows: NDArray[Any]) -> None:
        """Look at the values of one more image."""
        largest = _largest(rows)
        with self._lock:
            self._largest = max(self._largest, largest)


def scaled_to_eight_bits(rows: NDArray[Any], bits: int = FULL) -> NDArray[np.uint8]:
    """uint8 of uint16 `rows` whose white is 2**bits - 1, rounded to the nearest."""
    return _table(bits).take(rows)


@lru_cache(maxsize=len(_DEPTHS) + len(_SATURATED) + 1)
def _table(bits: int) -> NDArray[np.uint8]:
    values, white = np.arange(1 << FULL, dtype=np.uint32), (1 << bits) - 1
    return ((np.minimum(values, white) * 255 + white // 2) // white).astype(np.uint8)


def _largest(rows: NDArray[Any]) -> int:
    """The largest value; 65535 where the values' low bits show that they fill the upper end."""
    largest = int(rows.max(initial=0))
    if not 0 < largest < 1 << max(_DEPTHS):
        return largest
    some_low_bits = int(np.bitwise_or.reduce(rows, axis=None)) & 0xF  # of 12 bits shifted to the left they are 0
    said_twice = bool(((rows >> 8) == (rows & 0xFF)).all())
    return 0xFFFF if said_twice or not some_low_bits else largest
