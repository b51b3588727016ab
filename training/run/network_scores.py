"""Scores of a trained network on prepared scans, beside what no model at all would score."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from redwood_depth.bundle import NO_CLASS
from redwood_depth.evaluation.baselines import best_constant_m, constant_scores
from redwood_depth.evaluation.classification import class_results
from redwood_depth.evaluation.frame_scores import DepthFrame, mean_scores, score_depth
from redwood_depth.evaluation.metrics import valid_depth
from redwood_depth.evaluation.records import to_json
from training.data.dataset import CAMERA
from training.data.prepared_data import PreparedScan
from training.data.scan_preparation import resize_color
from training.errors import TrainingError
from training.run.folder import TrainedRun

SHOWN = ("abs_rel", "mae", "rmse", "delta1", "ssim")
BATCH = 8


@dataclass
class ScanScores:
    """What is kept of one scan's frames."""

    frames: list[DepthFrame] = field(default_factory=list)
    class_scores: list[npt.NDArray[np.float32]] = field(default_factory=list)


def predict(
    run: TrainedRun, images: npt.NDArray[np.uint8], scan: PreparedScan
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Depth (N, H, W) in meters at the images' size, (N, H, W, 3) RGB, and class scores (N, C).

    As on the robot: resized by area, depth corrected for the camera and brought back bilinearly.
    """
    config = run.module.config
    small = np.stack([resize_color(np.asarray(image), config.height, config.width) for image in images])
    with torch.no_grad():
        outputs = run.module.model(torch.from_numpy(small).permute(0, 3, 1, 2).float())
    scale = np.float32(scan.intrinsics.depth_scale(CAMERA))
    size = (scan.width, scan.height)
    depth = np.stack([cv2.resize(d, size, interpolation=cv2.INTER_LINEAR) for d in outputs["depth"].float().numpy()])
    return depth * scale, outputs["class_scores"].float().numpy()


def evaluate(
    run: TrainedRun,
    scans: Sequence[PreparedScan],
    step: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Depth scores at the prepared size, raw and median-scaled, both baselines, the paper's protocol, and classes.

    Means over all frames first, then for each scan. `step` is called with the name of every finished scan.

    Raises:
        TrainingError: no frame has valid depth.
    """
    by_scan: dict[str, ScanScores] = {}
    for scan in scans:
        by_scan[scan.name] = _score(run, scan)
        step(scan.name)
    found = [scores for scores in by_scan.values() if scores.frames]
    if not found:
        raise TrainingError("no frame of these scans has valid depth")
    results = {
        "frames": sum(len(s.class_scores) for s in by_scan.values()),
        **_depth_results(found, run.training_median_m),
    }
    labels = [_label(run, scan) for scan in scans for _ in by_scan[scan.name].class_scores]
    scores = np.concatenate([s.class_scores for s in by_scan.values()])
    known = set(labels) <= {*run.module.classes, NO_CLASS}
    results["classes"] = to_json(class_results(scores, labels, run.module.classes, run.threshold)) if known else None
    results["scans"] = {}
    for scan in scans:
        kept = by_scan[scan.name]
        loudest = np.max(kept.class_scores, axis=1) if kept.class_scores else np.zeros(1)
        results["scans"][scan.name] = {
            "frames": len(kept.class_scores),
            **(_depth_results([kept], run.training_median_m) if kept.frames else {}),
            "share_above_class_threshold": round(float(np.mean(loudest >= run.threshold)), 4),
        }
    return results


def _score(run: TrainedRun, scan: PreparedScan) -> ScanScores:
    kept = ScanScores()
    images, depths = scan.image, scan.depth
    for first in range(0, len(scan), BATCH):
        pred, scores = predict(run, images[first : first + BATCH], scan)
        for pred_m, class_scores, depth_mm in zip(pred, scores, depths[first : first + BATCH], strict=True):
            kept.class_scores.append(class_scores)
            target_m = depth_mm.astype(np.float32) / 1000
            valid = valid_depth(target_m)
            of_frame = score_depth(pred_m, target_m, valid, paper=True) if valid.any() else None
            if of_frame is not None:
                kept.frames.append(of_frame)
    return kept


def _depth_results(scans: Sequence[ScanScores], median_m: float) -> dict[str, Any]:
    frames = [frame for scan in scans for frame in scan.frames]
    truths = [frame.truth for frame in frames]
    best_m = best_constant_m(truths)
    return {
        **_rounded(mean_scores([frame.depth.raw for frame in frames])),
        "scaled": _rounded(mean_scores([frame.depth.scaled for frame in frames])),
        "paper_protocol": _rounded(mean_scores([frame.paper for frame in frames if frame.paper])),
        "best_constant": {"constant_m": round(best_m, 3), **_rounded(constant_scores(best_m, truths))},
        "training_median": {"constant_m": round(median_m, 3), **_rounded(constant_scores(median_m, truths))},
    }


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(scores[name], 4) for name in SHOWN if name in scores}


def _label(run: TrainedRun, scan: PreparedScan) -> str:
    """The class by name: the data's order of classes need not be the run's."""
    return scan.class_name if scan.class_index >= 0 else NO_CLASS
