"""Whether ground truth is of its images: turned or mirrored, standing still, or cut off at a range."""

import zlib
from collections import Counter
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.rgbd import RgbdFrame

_EVERY, _MOST = 4, 16  # every so many frames is looked at, up to so many
_LEAST_LOOKED_AT = 3
_SIZE = (48, 36)
_LEAST_VALID = 0.3
_LEAST_RELIEF = 0.05  # of the logarithms: a wall looks alike however it is turned
_UPSIDE_DOWN = "upside down"  # of images that are turned themselves the prediction is wrong in this way: no word
_TURNS = {
    "as it is": (1, 1),
    "flipped left to right (mirrored)": (1, -1),
    _UPSIDE_DOWN: (-1, 1),
    "turned by 180 degrees": (-1, -1),
}
_BETTER, _CLEAR = 0.25, 0.6  # correlation with the prediction: more than turned otherwise, and at all
_MOST_FRAMES_SHARE = 0.75
_LEAST_REPEATED, _REPEATED_SHARE = 5, 0.1
_ROUGH, _ROUGHER = 0.01, 5  # how much neighbors differ in the wrong byte order: relative, and times the right one
_SPIKE, _OVER_NEXT, _LEAST_VALUES = 0.05, 3, 20


class TruthChecks:
    """Collects from the frames of a recording in order; almost nothing is looked at in most of them."""

    def __init__(self) -> None:
        self._frames = 0
        self._last: tuple[int | None, int | None] | None = None
        self._repeated: Counter[str] = Counter()
        self._turns: list[dict[str, float]] = []
        self._bytes: list[tuple[float, float] | None] = []  # roughness as it is, and with the bytes swapped
        self._spikes: list[tuple[float, float] | None] = []  # the largest value, and its share

    def add(self, frame: RgbdFrame, pred_m: NDArray[np.float32]) -> None:
        """A frame and what was predicted for it, at the ground truth's size."""
        digests = _digest(frame.color.pixels), _digest(frame.depth_m)
        if self._last and None not in (*digests, *self._last):
            color, depth = (now == before for now, before in zip(digests, self._last, strict=True))
            self._repeated.update({"color": color and not depth, "depth": depth and not color})
        self._last = digests
        if self._frames % _EVERY == 0 and self._frames < _EVERY * _MOST:
            self._spikes.append(_spike(frame.depth_m))
            self._bytes.append(_roughness(frame.depth_m))
            if found := _agreement(pred_m, frame.depth_m):
                self._turns.append(found)
        self._frames += 1

    def warnings(self) -> list[str]:
        return [
            word
            for word in (self._turned(), *map(self._frozen, ("color", "depth")), self._saturated(), self._swapped())
            if word
        ]

    def _turned(self) -> str | None:
        if len(self._turns) < _LEAST_LOOKED_AT:
            return None
        means = {name: float(np.mean([one[name] for one in self._turns])) for name in _TURNS}
        best = max(means, key=lambda name: means[name])
        own = means["as it is"]
        wins = sum(one[best] > one["as it is"] for one in self._turns)
        others = max(mean for name, mean in means.items() if name != best)
        if (
            best == _UPSIDE_DOWN
            or means[best] < max(_CLEAR, others + _BETTER)
            or wins < _MOST_FRAMES_SHARE * len(self._turns)
        ):
            return None
        return (
            f"depth seems to be {best} against the color images: the prediction then agrees with it by "
            f"{means[best]:.2f}, as it is by {own:.2f} (correlation, {len(self._turns)} frames)"
        )

    def _frozen(self, stream: str) -> str | None:
        count, other = self._repeated[stream], "depth" if stream == "color" else "color"
        if count < _LEAST_REPEATED or count < _REPEATED_SHARE * self._frames:
            return None
        return (
            f"{stream} stands still: {count} of {self._frames} images are identical with the one before, while {other} "
            "goes on; their scores say nothing"
        )

    def _saturated(self) -> str | None:
        spikes = [spike for spike in self._spikes if spike]
        if len(spikes) < max(_LEAST_LOOKED_AT, _MOST_FRAMES_SHARE * len(self._spikes)):
            return None
        value, count = Counter(value for value, _ in spikes).most_common(1)[0]
        if count < _MOST_FRAMES_SHARE * len(self._spikes):
            return None
        share = float(np.mean([part for _, part in spikes]))
        return (
            f"depth is saturated: {share:.0%} of its pixels have the largest value, {value:.4g} m, in {count} of "
            f"{len(self._spikes)} frames: no distance, but the end of the range; --max-depth below it leaves them out"
        )

    def _swapped(self) -> str | None:
        known = [one for one in self._bytes if one]
        wrong = [(own, other) for own, other in known if own > max(_ROUGH, _ROUGHER * other)]
        if len(wrong) < max(_LEAST_LOOKED_AT, _MOST_FRAMES_SHARE * len(known)):
            return None
        own, other = np.median(wrong, axis=0)
        return (
            f"depth has its bytes in the other order: neighboring pixels differ by {own:.1%}, with the bytes swapped "
            f"by {other:.1%} ({len(wrong)} of {len(known)} frames); the driver's is_bigendian is wrong"
        )


def _roughness(depth_m: NDArray[np.float32]) -> tuple[float, float] | None:
    """Mean difference of neighbors over the median, of whole millimeters and of the same with swapped bytes."""
    values = depth_m[::4] * np.float32(1000.0)
    pairs = np.stack([values[:, :-1], values[:, 1:]])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    whole = np.rint(pairs)
    if pairs.shape[1] < 1000 or whole.max() > 65535 or np.abs(pairs - whole).max() > 0.02:
        return None
    found = []
    for numbers in (whole.astype(np.uint16), whole.astype(np.uint16).byteswap()):
        wide = numbers.astype(np.float64)
        found.append(float(np.mean(np.abs(wide[0] - wide[1])) / max(np.median(wide), 1.0)))
    return found[0], found[1]


def _digest(pixels: NDArray[Any]) -> int | None:
    """Of a part of the pixels; None where they are all alike: such images say nothing."""
    sparse = np.ascontiguousarray(pixels[::7, ::7])
    known = sparse[sparse > 0]
    return zlib.crc32(sparse.tobytes()) if known.size and known.min() < known.max() else None


def _spike(depth_m: NDArray[np.float32]) -> tuple[float, float] | None:
    """The largest value and its share of the valid pixels, where many have it and few the next smaller one."""
    valid = depth_m[np.isfinite(depth_m)]
    if valid.size < 1000:
        return None
    values, counts = np.unique(valid, return_counts=True)
    if values.size < _LEAST_VALUES or counts[-1] < _SPIKE * valid.size:
        return None
    return (float(values[-1]), counts[-1] / valid.size) if counts[-1] > _OVER_NEXT * counts[-6:-1].max() else None


def _agreement(pred_m: NDArray[np.float32], true_m: NDArray[np.float32]) -> dict[str, float] | None:
    """Correlation of the logarithms of predicted and true depth, as it is and turned; None: too little depth."""
    pred, true = (cv2.resize(depth, _SIZE, interpolation=cv2.INTER_NEAREST) for depth in (pred_m, true_m))
    found = {}
    for name, (v, u) in _TURNS.items():
        turned = true[::v, ::u]
        known = (turned > 0) & (pred > 0) & np.isfinite(turned)
        if known.mean() < _LEAST_VALID:
            return None
        logarithms = np.log(pred[known]), np.log(turned[known])
        if min(float(one.std()) for one in logarithms) < _LEAST_RELIEF:
            return None
        found[name] = float(np.corrcoef(*logarithms)[0, 1])
    return found
