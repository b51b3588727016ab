"""RGB-D frames, and what everything is that gives them: bags, scans, prepared scans."""

import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from redwood_depth.camera import Intrinsics
from redwood_depth.images.decode import ColorImage

MAX_GAP_NS = 20_000_000  # between a color image and its depth


@dataclass(frozen=True)
class RgbdFrame:
    """A color image and the depth image nearest to it in time.

    `depth_m` is float32 (H, W) in meters, NaN where there is none; its size may differ from the color image's. Of a
    recording without depth it is all NaN, and both stamps are the color image's. `intrinsics` is the color camera's at
    the image's size, None where it is unknown, uncalibrated or of another view. `label` is the class in view, None
    where it is not known.
    """

    color: ColorImage
    depth_m: NDArray[np.float32]
    intrinsics: Intrinsics | None
    color_stamp_ns: int
    depth_stamp_ns: int
    label: str | None = None


@dataclass
class Skipped:
    """What of a recording gives no frame, by reason; complete when its frames were read.

    `corrupt` counts images that cannot be read, `corrupt_example` says what is wrong with the first; `nearest_ns` is
    the least time between a color and a depth image, None where one of the streams is empty or nothing was missed.
    """

    unpaired_color: int = 0
    unpaired_depth: int = 0
    corrupt: int = 0
    corrupt_example: str | None = None
    nearest_ns: int | None = None

    def count_corrupt(self, error: Exception) -> None:
        """One more image that cannot be read."""
        self.corrupt += 1
        self.corrupt_example = self.corrupt_example or str(error)


class FrameSource(Protocol):
    """A recording: an iterable of frames, once, in order of time; a context manager.

    `taken` says what color, depth and calibration are taken from: topics or files. `expected` is about how many frames
    there are. `lacks_depth` says why there is no depth, None: there is. `skipped`, `damage` (why only a part can be
    read, None: all of it can) and `warnings` (what a user must know) are complete when the frames were read.
    """

    @property
    def path(self) -> Path: ...

    @property
    def taken(self) -> Mapping[str, str | None]: ...

    @property
    def expected(self) -> int: ...

    @property
    def lacks_depth(self) -> str | None: ...

    @property
    def skipped(self) -> Skipped: ...

    @property
    def damage(self) -> str | None: ...

    @property
    def warnings(self) -> Sequence[str]: ...

    def __iter__(self) -> Iterator[RgbdFrame]: ...

    def __enter__(self) -> "FrameSource": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


def pair_stamps(colors: Sequence[int], depths: Sequence[int], max_gap: int) -> list[tuple[int, int]]:
    """Pairs (color index, depth index) of two ascending streams, each frame used once, closest pairs first.

    The streams of a recording have different counts and drift apart, so position says nothing; only stamps count.
    """
    candidates = []
    for i, stamp in enumerate(colors):
        first = bisect.bisect_left(depths, stamp - max_gap)
        last = bisect.bisect_right(depths, stamp + max_gap)
        candidates += [(abs(depths[j] - stamp), i, j) for j in range(first, last)]
    partner: dict[int, int] = {}
    used: set[int] = set()
    for _, i, j in sorted(candidates):
        if i not in partner and j not in used:
            partner[i] = j
            used.add(j)
    return sorted(partner.items())
