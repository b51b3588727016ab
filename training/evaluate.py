"""Scores of a bundle on scans and labelled photos, always beside what no model at all would score."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.onnxruntime_engine import OnnxRuntimeEngine
from redwood_depth.errors import BundleError, ScanError
from redwood_depth.estimator import Estimator
from redwood_depth.images import ColorImage
from training.class_head import CLASS_GROUPS, class_rates
from training.dataset import load_scan
from training.photos import load_photo, photo_files

VALID_RANGE_M = (0.1, 10.0)
METRICS = ("abs_rel", "mae", "rmse", "delta1")

Depth = npt.NDArray[np.float32]


def load_estimator(folder: Path | str) -> Estimator:
    """The robot's own estimator with the bundle in ONNX Runtime. Raises BundleError, EngineError."""
    bundle = ModelBundle.load(folder)
    return Estimator(bundle, OnnxRuntimeEngine(bundle, threads=2))


def evaluate_scan(estimator: Estimator, path: Path, report: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Depth scores at the size of the ground truth with the focal correction, both baselines, and how loud classes are.

    `report()` is called after every frame.

    Raises:
        ScanError: the scan cannot be read, or has no valid depth.
    """
    scan = load_scan(path)
    targets, frames, loudest = [], [], []
    for color, depth_mm in zip(scan.colors, scan.depths, strict=True):
        target_m = depth_mm.astype(np.float32) / 1000
        if _valid(target_m).any():
            prediction = estimator.predict(ColorImage(color), scan.intrinsics, target_m.shape)
            targets.append(target_m)
            frames.append(frame_scores(prediction.depth_m, target_m))
            loudest.append(prediction.class_scores.max())
        report()
    if not frames:
        raise ScanError(f"{path}: no frame has depth between {VALID_RANGE_M[0]:g} and {VALID_RANGE_M[1]:g} m")
    bundle = estimator.bundle
    median_m = bundle.training_median_m * scan.intrinsics.depth_scale(bundle.training_camera)
    return {
        "frames": len(frames),
        "unpaired": scan.unpaired,
        **mean_scores(frames),
        "best_constant": constant_scores(targets, best_constant_m(targets)),
        "training_median": constant_scores(targets, median_m),
        "share_above_class_threshold": round(float(np.mean(np.array(loudest) >= bundle.class_threshold)), 4),
    }


def evaluate_photos(estimator: Estimator, folder: Path) -> dict[str, float]:
    """Class rates on labelled photos, one folder a class (the bundle may have been fitted on them: see trained_on).

    Raises:
        ScanError: there are no photos, or one cannot be read.
        BundleError: the bundle has other classes.
    """
    bundle = estimator.bundle
    if bundle.classes != tuple(CLASS_GROUPS):
        raise BundleError(f"photos are labelled {tuple(CLASS_GROUPS)}, the bundle knows {bundle.classes}")
    files = photo_files(folder)
    photos = [load_photo(path, (bundle.height, bundle.width)) for _, path in files]
    scores = torch.from_numpy(np.stack([estimator.predict(ColorImage(photo)).class_scores for photo in photos]))
    labels = torch.tensor([list(CLASS_GROUPS).index(name) for name, _ in files])
    return {name: round(rate, 4) for name, rate in class_rates(scores, labels, bundle.class_threshold).items()}


def frame_scores(pred_m: Depth, target_m: Depth) -> dict[str, float]:
    """Scores of one frame, both (H, W) in metres, over the pixels with a target in VALID_RANGE_M."""
    valid = _valid(target_m)
    pred, target = pred_m[valid].astype(np.float64), target_m[valid].astype(np.float64)
    error = np.abs(pred - target)
    return {
        "abs_rel": float(np.mean(error / target)),
        "mae": float(np.mean(error)),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "delta1": float(np.mean(np.maximum(pred / target, target / pred) < 1.25)),
    }


def mean_scores(frames: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean over frames of each score."""
    return {name: round(float(np.mean([frame[name] for frame in frames])), 4) for name in METRICS}


def constant_scores(targets: Sequence[Depth], constant_m: float) -> dict[str, float]:
    """The constant, and what predicting it everywhere scores."""
    frames = [frame_scores(np.full_like(target, constant_m), target) for target in targets]
    return {"constant_m": round(constant_m, 3), **mean_scores(frames)}


def best_constant_m(targets: Sequence[Depth]) -> float:
    """The constant with the least AbsRel over all pixels: the median of the depths, each weighing 1 / depth."""
    values = np.concatenate([target[::4, ::4].ravel() for target in targets])
    values = np.sort(values[_valid(values)].astype(np.float64))
    share = np.cumsum(1 / values)
    return float(values[np.searchsorted(share, share[-1] / 2)])


def _valid(target_m: Depth) -> npt.NDArray[np.bool_]:
    return (target_m >= VALID_RANGE_M[0]) & (target_m <= VALID_RANGE_M[1])
