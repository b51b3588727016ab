"""Which recordings of two results are the same, and which frames: by what is in them, never by a file's name.

A frame is the same where stamp and ground truth are. Results of versions before 0.6 have no digest of the ground truth:
there it is the stamps, the sizes of the images, and how deep the scene is.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import BagError
from redwood_depth.evaluation.result import RecordingResult

_STEP = 8  # every eighth pixel of every eighth row: enough to tell any two measurements of a real scene apart
_MOST_MM = 65535.0
_LEAST_COMMON = 0.5  # share of the frames with common stamps that must have the same ground truth
_LIKE = 0.1  # relative: the best constant depth of two parts of one recording


@dataclass(frozen=True)
class SameRecording:
    """One recording in both results; `frames` are (index in A, index in B), in order of A.

    `sure`: by its ground truth, and not only by what looks like it.
    """

    a: RecordingResult
    b: RecordingResult
    frames: list[tuple[int, int]]
    sure: bool


def truth_digest(depth_m: NDArray[Any]) -> str:
    """Eight hexadecimal digits of ground truth (H, W) in m: its shape and whole millimeters, 0 where there is none."""
    sparse = np.nan_to_num(np.asarray(depth_m[::_STEP, ::_STEP], np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    whole_mm = np.rint(np.clip(1000.0 * sparse, 0.0, _MOST_MM)).astype("<u2")
    return f"{zlib.crc32(whole_mm.tobytes(), zlib.crc32(repr(depth_m.shape).encode())):08x}"


def same_recordings(a: Sequence[RecordingResult], b: Sequence[RecordingResult]) -> list[SameRecording]:
    """Recordings with depth that both results scored, each once, in order of A; those most alike first.

    Raises:
        BagError: there are none.
    """
    found = [same for of_a in a for of_b in b if (same := _same(of_a, of_b))]
    found.sort(key=lambda one: (-one.sure, -len(one.frames), one.a.name != one.b.name))
    taken: list[SameRecording] = []
    for one in found:
        if not any(one.a is other.a or one.b is other.b for other in taken):
            taken.append(one)
    if not taken:
        raise BagError(f"{_why(a, b)}; evaluate both on the same bags")
    return sorted(taken, key=lambda one: next(index for index, bag in enumerate(a) if bag is one.a))


def _same(a: RecordingResult, b: RecordingResult) -> SameRecording | None:
    common = list(_of_equal_stamps(a, b))
    if a.truth_digests and b.truth_digests:
        equal = [(i, j) for i, j in common if a.truth_digests[i] == b.truth_digests[j]]
        return SameRecording(a, b, equal, True) if equal and len(equal) >= _LEAST_COMMON * len(common) else None
    fewer = min(len(a.per_frame.stamp_ns), len(b.per_frame.stamp_ns))
    alike = len(common) >= _LEAST_COMMON * fewer and _sizes(a) == _sizes(b) and _as_deep(a, b)
    return SameRecording(a, b, common, False) if common and alike else None


def _of_equal_stamps(a: RecordingResult, b: RecordingResult) -> Iterator[tuple[int, int]]:
    """Indices of frames whose depth both scored; a stamp that comes again is paired once."""
    places = {stamp: index for index, stamp in enumerate(b.per_frame.stamp_ns)}
    if _has_depth(a) and _has_depth(b):
        for index, stamp in enumerate(a.per_frame.stamp_ns):
            if (other := places.pop(stamp, None)) is not None:
                yield index, other


def _sizes(bag: RecordingResult) -> set[str]:
    return {f"{size.color} {size.depth}" for size in bag.sizes}


def _as_deep(a: RecordingResult, b: RecordingResult) -> bool:
    if not a.summary.depth or not b.summary.depth:
        return False
    of_a, of_b = (bag.summary.depth.baselines["best_constant"].depth_m for bag in (a, b) if bag.summary.depth)
    return abs(of_a - of_b) <= _LIKE * max(of_a, of_b)


def _why(a: Sequence[RecordingResult], b: Sequence[RecordingResult]) -> str:
    without = [side for side, bags in (("A", a), ("B", b)) if not any(map(_has_depth, bags))]
    if without:
        return f"{' and '.join(without)} scored no depth frame by frame: there is nothing to compare"
    stamps = sum(len(list(_of_equal_stamps(of_a, of_b))) for of_a in a for of_b in b)
    found = f"{stamps} frames have the same stamps, but another ground truth" if stamps else "no stamps are the same"
    return f"the two results are not of the same recordings: {found}"


def _has_depth(bag: RecordingResult) -> bool:
    return "abs_rel" in bag.per_frame.scores
