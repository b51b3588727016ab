"""Scores of a bundle on scans and labelled photos, always beside what no model at all would score."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from redwood_depth.baselines import DepthHistogram, best_constant_m, constant_scores
from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.onnxruntime_engine import OnnxRuntimeEngine
from redwood_depth.errors import BundleError, ScanError
from redwood_depth.estimator import Estimator
from redwood_depth.frame_scores import mean_scores
from redwood_depth.images import ColorImage
from redwood_depth.metrics import MAX_DEPTH_M, MIN_DEPTH_M, depth_scores, median_scale, valid_depth
from training.class_head import CLASS_GROUPS, class_rates
from training.dataset import load_scan
from training.photos import load_photo, photo_files

METRICS = ("abs_rel", "mae", "rmse", "delta1")


def load_estimator(folder: Path | str) -> Estimator:
    """The robot's own estimator with the bundle in ONNX Runtime. Raises BundleError, EngineError."""
    bundle = ModelBundle.load(folder)
    return Estimator(bundle, OnnxRuntimeEngine(bundle, threads=2))


def evaluate_scan(estimator: Estimator, path: Path, report: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Depth scores at the size of the ground truth with the focal correction, both baselines, and how loud classes are.

    Raw first; `scaled` has each frame's median set right, so it tells shape from scale. `report()` is called after
    every frame.

    Raises:
        ScanError: the scan cannot be read, or has no valid depth.
    """
    scan = load_scan(path)
    bundle = estimator.bundle
    truths, raw, scaled, loudest = [], [], [], []
    for color, depth_mm in zip(scan.colors, scan.depths, strict=True):
        target_m = depth_mm.astype(np.float32) / 1000
        valid = valid_depth(target_m)
        if valid.any():
            prediction = estimator.predict(ColorImage(color), scan.intrinsics, target_m.shape)
            pred_m = prediction.depth_m
            in_scale_m = pred_m * np.float32(median_scale(pred_m, target_m, valid) or 1.0)
            raw.append(depth_scores(pred=pred_m, target=target_m, valid=valid) or {})
            scaled.append(depth_scores(pred=in_scale_m, target=target_m, valid=valid) or {})
            truths.append(DepthHistogram.of(target_m[valid]))
            loudest.append(prediction.class_scores.max())
        report()
    if not raw:
        raise ScanError(f"{path}: no frame has depth between {MIN_DEPTH_M:g} and {MAX_DEPTH_M:g} m")
    median_m = bundle.training_median_m * scan.intrinsics.depth_scale(bundle.training_camera)
    return {
        "frames": len(raw),
        "unpaired": scan.unpaired,
        **_rounded(mean_scores(raw)),
        "scaled": _rounded(mean_scores(scaled)),
        "best_constant": _constant(best_constant_m(truths), truths),
        "training_median": _constant(median_m, truths),
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


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(scores[name], 4) for name in METRICS}


def _constant(constant_m: float, truths: Sequence[DepthHistogram]) -> dict[str, float]:
    return {"constant_m": round(constant_m, 3), **_rounded(constant_scores(constant_m, truths))}
