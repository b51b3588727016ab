"""The scores of metrics.py for a whole depth image at once, raw and median-scaled, in a few milliseconds.

The values are those of `metrics.depth_scores`, `metrics.median_scale` and `metrics.ssim`, to about 1e-6: computed in
float32 with sums in float64, by OpenCV's vectorised functions into buffers that stay. Pixels that do not count are made
1 m in both images, where they have no error, so that nothing is gathered or copied. What scaling by s does is derived
rather than computed anew: it multiplies the ratio p / t and the mean of a window by s, and its variance by s^2.
"""

import itertools
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.metrics import SSIM_SIGMA, SSIM_WINDOW, usable_prediction

Image = NDArray[np.float32]
_BUFFERS = 12
_SAMPLE = 4096
_KERNEL = cv2.getGaussianKernel(SSIM_WINDOW, SSIM_SIGMA, cv2.CV_32F)
_local = threading.local()


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
    buffers = _workspace(usable.shape)
    p, t, ratio = buffers[:3]
    mask = usable.view(np.uint8)
    for source, image in ((pred, p), (target, t)):
        image.fill(1.0)
        cv2.copyTo(source, mask, image)
    scale = float(np.float32(_median(target[usable]) / _median(pred[usable])))
    cv2.divide(p, t, ratio)
    raw, scaled = _scores(p, t, ratio, buffers[3:], pixels, scale)
    by_distance = _by_distance(p, t, ratio, mask, buffers[3:], edges_m)
    coverage = pixels / int(np.count_nonzero(valid))
    for scores, similarity in zip((raw, scaled), _ssim(p, t, mask, buffers[2:], scale, edges_m[-1]), strict=True):
        scores |= {name: coverage * scores[name] for name in ("delta1", "delta2", "delta3")} | {"coverage": coverage}
        if similarity is not None:
            scores["ssim"] = similarity
    return ImageScores(raw, scaled, scale, by_distance)


def _median(values: NDArray[np.float32]) -> float:
    """As np.median: a sample brackets it, so that only the few values in between are put in order."""
    sample = np.sort(values[:: max(1, values.size // _SAMPLE)])
    low, high = sample[int(0.46 * sample.size)], sample[int(0.54 * sample.size)]
    below = int(np.count_nonzero(values < low))
    inside = values[(values >= low) & (values <= high)]
    first, last = (values.size - 1) // 2 - below, values.size // 2 - below
    if not 0 <= first <= last < inside.size:  # an unlucky sample
        return float(np.median(values))
    inside.partition((first, last))
    return float((inside[first] + inside[last]) * np.float32(0.5))


def _extent(valid: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns that hold all of `valid`."""
    x, y, width, height = cv2.boundingRect(valid.view(np.uint8))
    return slice(y, y + height), slice(x, x + width)


def _workspace(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Buffers of this thread; kept, since fresh memory of this size costs more than what is computed in it."""
    size = math.prod(shape)
    store: NDArray[np.float32] | None = getattr(_local, "store", None)
    if store is None or store.shape[1] < size:
        store = _local.store = np.empty((_BUFFERS, size), np.float32)
    return store[:, :size].reshape(_BUFFERS, *shape)


@dataclass(frozen=True)
class _Sums:
    """Sums over the pixels that count, from which scores at any scale follow; `outside` is the number of the others."""

    pixels: int
    outside: int
    p_ratio: float  # p * p / t
    p: float
    t: float
    log: float
    log_square: float


def _scores(
    p: Image, t: Image, ratio: Image, free: NDArray[np.float32], pixels: int, scale: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Raw and scaled, but for coverage; pixels that do not count are 1 in `p`, `t` and `ratio`."""
    log, product, scaled = free[:3]
    outside = p.size - pixels
    cv2.log(ratio, log)
    cv2.multiply(p, ratio, product)
    p_ratio_sum, p_sum, t_sum = (_sum(image) - outside for image in (product, p, t))
    sums = _Sums(pixels, outside, p_ratio_sum, p_sum, t_sum, _sum(log), cv2.norm(log, cv2.NORM_L2SQR))
    np.multiply(p, np.float32(scale), out=scaled)
    return _at_scale(1.0, p, t, ratio, log, product, sums), _at_scale(scale, scaled, t, ratio, log, product, sums)


def _at_scale(s: float, p: Image, t: Image, ratio: Image, log: Image, constant: Image, sums: _Sums) -> dict[str, float]:
    """Scores of the prediction times `s`, which `p` contains already, `ratio` and `log` not; `constant` is free."""
    pixels, outside, shift = sums.pixels, sums.outside, math.log(s)
    error = cv2.norm(p, t, cv2.NORM_L1) - outside * abs(s - 1.0)
    square = cv2.norm(p, t, cv2.NORM_L2SQR) - outside * (s - 1.0) ** 2
    relative_square = s * s * sums.p_ratio - 2 * s * sums.p + sums.t
    constant.fill(1.0 / s)
    relative = s * (cv2.norm(ratio, constant, cv2.NORM_L1) - outside * abs(1.0 - float(constant.flat[0])))
    constant.fill(-shift)
    log_error = cv2.norm(log, constant, cv2.NORM_L1) - outside * abs(float(constant.flat[0]))
    mean_log, mean_square = sums.log / pixels, sums.log_square / pixels
    return {
        "abs_rel": relative / pixels,
        "sq_rel": max(relative_square, 0.0) / pixels,
        "rmse": math.sqrt(max(square, 0.0) / pixels),
        "rmse_log": math.sqrt(max(mean_square + 2 * shift * mean_log + shift * shift, 0.0)),
        "log10": log_error / pixels / math.log(10.0),
        "silog": 100.0 * math.sqrt(max(mean_square - mean_log**2, 0.0)),
        "mae": error / pixels,
        **{f"delta{n}": _within(ratio, 1.25**n, s, outside) / pixels for n in (1, 2, 3)},
    }


def _within(ratio: Image, factor: float, scale: float, outside: int) -> int:
    """Pixels that count with max(s r, 1 / (s r)) < factor."""
    low, high = 1.0 / factor / scale, factor / scale
    bounds = np.float32(low), np.float32(high)
    inside = np.count_nonzero(ratio < bounds[1]) - np.count_nonzero(ratio <= bounds[0])
    return int(inside) - (outside if bounds[0] < 1.0 < bounds[1] else 0)


def _by_distance(
    p: Image, t: Image, ratio: Image, mask: NDArray[np.uint8], free: NDArray[np.float32], edges_m: Sequence[float]
) -> NDArray[np.float64]:
    one = free[0]
    one.fill(1.0)
    result = np.zeros((len(edges_m) - 1, 4))
    bounds = [-math.inf, *edges_m[1:-1], math.inf]
    low, high = float(t.min()), float(t.max())
    for index, (from_m, to_m) in enumerate(itertools.pairwise(bounds)):
        if from_m > high or to_m <= low:
            continue
        here = (t >= np.float32(from_m)) & (t < np.float32(to_m))
        inside = cv2.bitwise_and(here.view(np.uint8), mask)
        pixels = cv2.countNonZero(inside)
        errors = cv2.norm(p, t, cv2.NORM_L1, inside), cv2.norm(ratio, one, cv2.NORM_L1, inside)
        bias = cv2.norm(p, cv2.NORM_L1, inside) - cv2.norm(t, cv2.NORM_L1, inside)  # sums, for no depth is negative
        result[index] = pixels, *errors, bias
    return result


def _ssim(
    p: Image, t: Image, mask: NDArray[np.uint8], free: NDArray[np.float32], scale: float, data_range_m: float
) -> tuple[float | None, float | None]:
    """As metrics.ssim, raw and scaled. Windows with a pixel that does not count are left out."""
    whole = cv2.erode(mask, np.ones((SSIM_WINDOW,) * 2, np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    pixels = cv2.countNonZero(whole)
    if not pixels:
        return None, None
    mean_p, mean_t, var_p, var_t, covariance, product, other, total = free[:8]
    for a, b, blurred in ((p, p, var_p), (t, t, var_t), (p, t, covariance)):
        cv2.multiply(a, b, product)
        _blur(product, blurred)
    _blur(p, mean_p)
    _blur(t, mean_t)
    cv2.multiply(mean_p, mean_t, product)
    cv2.subtract(covariance, product, covariance)
    for mean, var in ((mean_p, var_p), (mean_t, var_t)):
        cv2.multiply(mean, mean, mean)
        cv2.subtract(var, mean, var)
    c1, c2 = (0.01 * data_range_m) ** 2, (0.03 * data_range_m) ** 2
    values = []
    for s in (1.0, scale):
        np.multiply(product, np.float32(2 * s), out=total)
        total += np.float32(c1)
        np.multiply(covariance, np.float32(2 * s), out=other)
        other += np.float32(c2)
        cv2.multiply(total, other, total)
        for low, high, constant in ((mean_p, mean_t, c1), (var_p, var_t, c2)):
            cv2.scaleAdd(low, s * s, high, other)
            other += np.float32(constant)
            cv2.divide(total, other, total)
        total += np.float32(1.0)  # from 0 to 2, so that the norm is the sum
        values.append(cv2.norm(total, cv2.NORM_L1, whole) / pixels - 1.0)
    return values[0], values[1]


def _blur(image: Image, result: Image) -> Any:
    return cv2.sepFilter2D(image, -1, _KERNEL, _KERNEL, result)


def _sum(image: Any) -> float:
    return float(cv2.sumElems(image)[0])
