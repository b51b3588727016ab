"""Scores of one depth image against ground truth, in meters; NumPy and OpenCV only.

The literature differs in cap, crop, mask and averaging. Here: no crop; only pixels with valid ground truth count; a
frame's score is the mean over its pixels; nothing is scaled unless the caller does it with `median_scale`.
"""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

MIN_DEPTH_M = 0.1
MAX_DEPTH_M = 10.0
ERROR_NAMES = ("abs_rel", "sq_rel", "rmse", "rmse_log", "log10", "silog", "mae")
SCORE_NAMES = (*ERROR_NAMES, "delta1", "delta2", "delta3")
HIGHER_IS_BETTER = ("delta1", "delta2", "delta3", "ssim", "coverage")

_BLOCK = 1 << 14  # pixels: their intermediate results stay in the cache
SSIM_WINDOW = 11
PAPER_SIZE = (96, 128)  # height, width
SSIM_SIGMA = 1.5


def valid_depth(target: ArrayLike, low: float = MIN_DEPTH_M, high: float = MAX_DEPTH_M) -> NDArray[np.bool_]:
    """Mask, shaped as `target`, of ground truth that counts: finite and in [low, high] meters."""
    depth_m = np.asarray(target)
    # In the target's own precision: 0.1f is a little more than 0.1 and must not fall below the bound.
    low_m, high_m = np.asarray((low, high)).astype(depth_m.dtype if depth_m.dtype.kind == "f" else float)
    valid: NDArray[np.bool_] = (depth_m >= low_m) & (depth_m <= high_m)
    return valid


def usable_prediction(pred: ArrayLike) -> NDArray[np.bool_]:
    """Mask, shaped as `pred`, of predictions that are a depth at all: finite and greater than zero."""
    depth_m = np.asarray(pred)
    return (depth_m > 0) & (depth_m < np.inf)


def depth_scores(
    *,
    pred: ArrayLike,
    target: ArrayLike,
    valid: NDArray[np.bool_] | None = None,
    weights: ArrayLike | None = None,
) -> dict[str, float] | None:
    """Scores of predicted depth, means over the pixels that `valid` marks, accumulated in float64.

    abs_rel = mean(|p - t| / t), sq_rel = mean((p - t)^2 / t) in m, rmse in m, rmse_log of natural logarithms, deltaN =
    share of pixels with max(p / t, t / p) < 1.25^N: Eigen, Puhrsch, Fergus, "Depth Map Prediction from a Single Image
    using a Multi-Scale Deep Network", NIPS 2014, section 4.2. log10 = mean |log10 p - log10 t|: Saxena, Sun, Ng,
    "Make3D", PAMI 2009. silog = 100 * standard deviation of ln p - ln t: the KITTI depth benchmark (Uhrig et al.,
    "Sparsity Invariant CNNs", 3DV 2017), which is Eigen's scale-invariant error at lambda = 1. mae = mean |p - t| in m.

    A prediction that is NaN, infinite or not positive has no error that could be averaged: such pixels do not enter
    the errors, count as wrong in delta1..3, and lower `coverage`, the share of valid pixels with a usable prediction.

    Args:
        pred: predicted depth in m, of the same shape as `target`.
        target: ground truth in m.
        valid: pixels that count; None: `valid_depth(target)`.
        weights: weight of each pixel, as of a histogram's bins; None: 1 each.

    Returns:
        SCORE_NAMES and "coverage", or None where no pixel has both valid ground truth and a usable prediction; the
        caller counts such a frame.

    Raises:
        ValueError: the shapes differ.
    """
    pred, target = np.asarray(pred), np.asarray(target)
    mask = valid_depth(target) if valid is None else np.asarray(valid, bool)
    weight = np.ones(target.shape) if weights is None else np.asarray(weights, np.float64)
    if not pred.shape == target.shape == mask.shape == weight.shape:
        shapes = f"{pred.shape}, {target.shape}, {mask.shape}, {weight.shape}"
        raise ValueError(f"prediction, ground truth, mask and weights differ in shape: {shapes}")
    usable = mask & usable_prediction(pred) & (weight > 0)
    if not usable.any():
        return None
    p, t, w = pred[usable], target[usable], weight[usable]
    sums = np.zeros(len(SCORE_NAMES))
    for start in range(0, p.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        sums += _sums(p[block].astype(np.float64), t[block].astype(np.float64), w[block])
    return _scores(sums / w.sum(), coverage=float(w.sum() / weight[mask].sum()))


def _sums(p: NDArray[np.float64], t: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted sums over pixels, in the order of `_scores`."""
    error, ratio = np.abs(p - t), p / t
    log_ratio = np.log(ratio)
    worse = np.maximum(ratio, t / p)
    values = [error / t, error * error / t, error * error, log_ratio * log_ratio, np.abs(log_ratio), log_ratio, error]
    values += [(worse < 1.25**n).astype(np.float64) for n in (1, 2, 3)]
    return np.array([np.einsum("i,i->", value, w) for value in values])  # np.dot would start threads


def _scores(means: NDArray[np.float64], coverage: float) -> dict[str, float]:
    abs_rel, sq_rel, square, log_square, log_error, log_bias, mae, *deltas = means.tolist()
    return {
        "abs_rel": abs_rel,
        "sq_rel": sq_rel,
        "rmse": math.sqrt(square),
        "rmse_log": math.sqrt(log_square),
        "log10": log_error / math.log(10.0),
        "silog": 100.0 * math.sqrt(max(log_square - log_bias**2, 0.0)),
        "mae": mae,
        **{f"delta{n}": coverage * delta for n, delta in enumerate(deltas, start=1)},
        "coverage": coverage,
    }


def median_scale(pred: ArrayLike, target: ArrayLike, valid: NDArray[np.bool_]) -> float | None:
    """Factor that gives the prediction the ground truth's median, over pixels valid in both; None: there are none.

    Scores after it say how good the shape is when the scale is unknown: Zhou et al., "Unsupervised Learning of Depth
    and Ego-Motion from Video", CVPR 2017, section 4.1.
    """
    both = valid & usable_prediction(pred)
    if not both.any():
        return None
    return float(np.median(np.asarray(target)[both]) / np.median(np.asarray(pred)[both]))


def ssim(
    *, pred: ArrayLike, target: ArrayLike, valid: NDArray[np.bool_] | None = None, data_range_m: float = MAX_DEPTH_M
) -> float | None:
    """Structural similarity of two depth images (H, W) in m: Wang et al., IEEE TIP 13(4), 2004.

    Gaussian windows of 11x11 pixels, sigma 1.5, K1 = 0.01, K2 = 0.03, biased (co)variances; the mean over windows that
    lie wholly inside the image, on valid ground truth and on usable predictions. None where there is no such window.
    The value depends on `data_range_m`: the default is the farthest depth that counts, not this frame's own range.
    """
    mask = valid_depth(target) if valid is None else valid
    mask = mask & usable_prediction(pred)
    p = np.where(mask, pred, 0.0).astype(np.float32)
    t = np.where(mask, target, 0.0).astype(np.float32)
    return _ssim(p, t, mask, data_range_m)


def _ssim(p: NDArray[np.float32], t: NDArray[np.float32], mask: NDArray[np.bool_], data_range_m: float) -> float | None:
    """Mean over the windows that lie wholly in `mask`; both images are finite."""
    window = np.ones((SSIM_WINDOW, SSIM_WINDOW), np.uint8)
    whole = cv2.erode(mask.astype(np.uint8), window, borderType=cv2.BORDER_CONSTANT, borderValue=0).astype(bool)
    if not whole.any():
        return None
    mean_p, mean_t = _blur(p), _blur(t)
    var_p, var_t = _blur(p * p) - mean_p**2, _blur(t * t) - mean_t**2
    covariance = _blur(p * t) - mean_p * mean_t
    c1, c2 = (0.01 * data_range_m) ** 2, (0.03 * data_range_m) ** 2
    similarity = ((2 * mean_p * mean_t + c1) * (2 * covariance + c2)) / (
        (mean_p**2 + mean_t**2 + c1) * (var_p + var_t + c2)
    )
    return float(similarity[whole].mean(dtype=np.float64))


def _blur(image: NDArray[np.float32]) -> Any:
    return cv2.GaussianBlur(image, (SSIM_WINDOW, SSIM_WINDOW), SSIM_SIGMA)


def paper_scores(pred: ArrayLike, target: ArrayLike, data_range_m: float = MAX_DEPTH_M) -> dict[str, float]:
    """MAE and SSIM as Nayak, Du, Portmann report them ("Multitask Deep Learning for Depth Estimation and Object
    Classification"): both images (H, W) in m brought to 96x128 by nearest neighbor, no mask.

    So missing ground truth counts, as depth 0, and so does a missing prediction. What the paper leaves open of SSIM is
    as in `ssim`. The values compare with that paper's only; `mae` under a mask is the honest one.
    """
    images: list[NDArray[np.float32]] = []
    for depth_m in (pred, target):
        small = cv2.resize(np.asarray(depth_m, np.float32), PAPER_SIZE[::-1], interpolation=cv2.INTER_NEAREST)
        images.append(np.nan_to_num(np.asarray(small, np.float32), nan=0.0, posinf=0.0, neginf=0.0))
    p, t = images
    everywhere = np.ones(PAPER_SIZE, bool)
    return {"mae": float(np.abs(p - t).mean(dtype=np.float64)), "ssim": _ssim(p, t, everywhere, data_range_m) or 0.0}
