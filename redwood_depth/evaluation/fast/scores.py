"""The scores of metrics.py for a whole depth image at once, raw and median-scaled, in a few milliseconds.

The values are those of `metrics.depth_scores`, `metrics.median_scale` and `metrics.ssim`, to about 1e-6: computed in
float32 with sums in float64, strip by strip (image_sums.py, image_ssim.py). Pixels that do not count are made 1 m in
both images, where they have no error, so that nothing is gathered or copied.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.evaluation.fast.ssim import SsimSums
from redwood_depth.evaluation.fast.sums import ImageSums
from redwood_depth.evaluation.fast.thread_buffers import Image, workspace
from redwood_depth.evaluation.metrics import usable_prediction

_STRIP_PX = 1 << 16  # what is computed of a strip stays in the processor's second cache
_SAMPLE = 4096


@dataclass(frozen=True)
class ImageScores:
    """Scores as metrics.depth_scores names them, with "ssim" where there is a window for it; sums by distance.

    `scale` is the factor between raw and scaled: the truth's median over the prediction's.

    `by_distance` is (bins, 4): pixels, and sums over them of |p - t|, |p - t| / t and p - t.
    """

    raw: dict[str, float]
    scaled: dict[str, float]
    scale: float
    by_distance: NDArray[np.float64]


def image_scores(pred: Image, target: Image, valid: NDArray[np.bool_], edges_m: Sequence[float]) -> ImageScores | None:
    """Scores of predicted depth (H, W) in m against `target` where `valid`; None: no usable prediction there.

    Args:
        pred: predicted depth.
        target: ground truth.
        valid: pixels that count.
        edges_m: edges of the distance bins; the last is the data range of SSIM.
    """
    rows, columns = _extent(valid)
    pred, target, valid = pred[rows, columns], target[rows, columns], valid[rows, columns]
    usable = valid & usable_prediction(pred)
    pixels = int(np.count_nonzero(usable))
    if not pixels:
        return None
    p, t = workspace("images", 2, usable.shape)
    for source, image in ((pred, p), (target, t)):
        image.fill(1.0)
        cv2.copyTo(source, usable.view(np.uint8), image)
    scale = float(np.float32(_median(t, usable, pixels) / _median(p, usable, pixels)))
    sums, windows = ImageSums(scale, edges_m), SsimSums(usable, scale, edges_m[-1])
    for strip in _strips(*usable.shape):
        sums.add(p[strip], t[strip])
        windows.add(p, t, strip)
    coverage = pixels / int(np.count_nonzero(valid))
    raw, scaled = sums.scores(usable.size - pixels)
    for scores, similarity in zip((raw, scaled), windows.means(), strict=True):
        scores |= {name: coverage * scores[name] for name in ("delta1", "delta2", "delta3")} | {"coverage": coverage}
        if similarity is not None:
            scores["ssim"] = similarity
    return ImageScores(raw, scaled, scale, sums.by_distance(usable.size - pixels))


def _strips(height: int, width: int) -> Iterator[slice]:
    rows = max(1, _STRIP_PX // width)
    count = max(1, round(height / rows))
    edges = [height * index // count for index in range(count + 1)]
    return (slice(*pair) for pair in itertools.pairwise(edges))


def _median(values: Image, usable: NDArray[np.bool_], pixels: int) -> float:
    """As np.median of the usable values, others being 1: a sample brackets it, so that only few are put in order."""
    every = max(1, pixels // _SAMPLE) | 1  # odd, so that it does not stay within some columns
    sample = np.sort(values.reshape(-1)[::every][usable.reshape(-1)[::every]])
    if sample.size:
        low, high = sample[int(0.48 * sample.size)], sample[int(0.52 * sample.size)]
        enough = values >= low
        below = values.size - int(np.count_nonzero(enough)) - (values.size - pixels if low > 1.0 else 0)
        enough &= values <= high
        inside = values[enough & usable if low <= 1.0 <= high else enough]
        first, last = (pixels - 1) // 2 - below, pixels // 2 - below
        if 0 <= first <= last < inside.size:  # else an unlucky sample
            inside.partition((first, last))
            return float((inside[first] + inside[last]) * np.float32(0.5))
    return float(np.median(values[usable]))


def _extent(valid: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns that hold all of `valid`."""
    x, y, width, height = cv2.boundingRect(valid.view(np.uint8))
    return slice(y, y + height), slice(x, x + width)
