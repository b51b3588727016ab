"""Scores of the study: each network on the same held-out scans, missing depth masked, beside the best constant."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from redwood_depth.evaluation.baselines import DepthHistogram, best_constant_m, constant_scores
from redwood_depth.evaluation.frame_scores import mean_scores, score_depth
from redwood_depth.evaluation.metrics import valid_depth
from training.data.prepared_data import PreparedScan
from training.errors import TrainingError
from training.run.checkpoints import BEST, load_module
from training.run.folder import CHECKPOINTS, TrainedRun
from training.run.network_scores import BATCH, predict

SHOWN = ("mae", "abs_rel", "delta1")  # mae in meters


def cell_scores(run: Path, scans: Sequence[PreparedScan]) -> dict[str, Any]:
    """Means over all frames, and over those of each scan in `scans`.

    Raises:
        TrainingError: no checkpoint, or the network gave no number.
        PreparedDataError: a scan's arrays are damaged.
    """
    trained = TrainedRun(run, load_module(run / CHECKPOINTS / BEST), 0.5, {})
    by_scan = {scan.name: _rows(trained, scan) for scan in scans}
    every = [row for rows in by_scan.values() for row in rows]
    if not every or not np.isfinite([row["mae"] for row in every]).all():
        raise TrainingError(f"{run}: the network's depth is not a number, or no frame has valid depth")
    return {**_means(every), "scans": {name: _means(rows) for name, rows in by_scan.items() if rows}}


def constant(scans: Sequence[PreparedScan]) -> dict[str, Any]:
    """The one depth with the least MAE on these very frames: `constant_m`, its scores, and those of each scan.

    Raises:
        TrainingError: no frame has valid depth.
    """
    truths = {scan.name: [_histogram(depth_mm) for depth_mm in scan.depth] for scan in scans}
    every = [truth for rows in truths.values() for truth in rows if truth is not None]
    if not every:
        raise TrainingError("no frame of the test scans has valid depth")
    best_m = best_constant_m(every)
    kept = {name: [truth for truth in rows if truth is not None] for name, rows in truths.items()}
    return {
        "constant_m": round(best_m, 3),
        **_rounded(constant_scores(best_m, every)),
        "scans": {name: _rounded(constant_scores(best_m, rows)) for name, rows in kept.items() if rows},
    }


def _rows(run: TrainedRun, scan: PreparedScan) -> list[dict[str, float]]:
    rows = []
    images, depths = scan.image, scan.depth
    for first in range(0, len(scan), BATCH):
        pred, _ = predict(run, images[first : first + BATCH], scan)
        for pred_m, depth_mm in zip(pred, depths[first : first + BATCH], strict=True):
            target_m = depth_mm.astype(np.float32) / 1000
            valid = valid_depth(target_m)
            scores = score_depth(pred_m, target_m, valid) if valid.any() else None
            rows += [scores.depth.raw] if scores else []
    return rows


def _histogram(depth_mm: Any) -> DepthHistogram | None:
    target_m = depth_mm.astype(np.float32) / 1000
    valid = valid_depth(target_m)
    return DepthHistogram.of(target_m[valid]) if valid.any() else None


def _means(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    return {"frames": len(rows), **_rounded(mean_scores(list(rows)))}


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(scores[name], 4) for name in SHOWN}
