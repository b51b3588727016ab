"""The paper's figures of a run as PNG: curves, prediction panels, the table of its Figure 8, confusion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from redwood_depth.files import whole_path
from training.data.prepared_data import PreparedScan
from training.run.callbacks import CHOSEN_BY
from training.run.folder import HISTORY, TrainedRun, read_json
from training.run.network_scores import predict

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.ticker import MaxNLocator

PANELS = 6
TABLE = ("mae", "ssim", "abs_rel", "delta1")


def draw_figures(run: TrainedRun, scans: Sequence[PreparedScan], results: dict[str, Any], folder: Path) -> None:
    """Write curves.png, predictions.png, table.png and, where classes are known, confusion.png into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _curves(read_json(run.folder / HISTORY), folder / "curves.png")
    _predictions(run, scans, folder / "predictions.png")
    _table(results, folder / "table.png")
    if results["classes"]:
        _confusion(results["classes"]["confusion"], folder / "confusion.png")


def _curves(rows: list[dict[str, float]], path: Path) -> None:
    """Training loss and validation scores an epoch; the dotted line is the epoch that was kept."""
    best = 1 + min(rows, key=lambda row: row[CHOSEN_BY])["epoch"]
    names = [name for name in rows[-1] if name == "loss" or name.startswith("validation/")]
    figure, axes = pyplot.subplots(1, len(names), figsize=(3.2 * len(names), 2.8), squeeze=False, layout="constrained")
    for axis, name in zip(axes[0], names, strict=True):
        axis.plot([row["epoch"] + 1 for row in rows], [row.get(name, np.nan) for row in rows], marker=".")
        axis.axvline(best, color="k", linewidth=0.8, linestyle=":")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set(title="training loss" if name == "loss" else name.replace("/", " "), xlabel="epoch")
        axis.grid(alpha=0.3)
    _save(figure, path)


def _predictions(run: TrainedRun, scans: Sequence[PreparedScan], path: Path) -> None:
    """The middle frame of some scans: image, truth, prediction, error."""
    chosen = [scans[i] for i in np.unique(np.linspace(0, len(scans) - 1, min(PANELS, len(scans))).astype(int))]
    figure, axes = pyplot.subplots(
        len(chosen), 4, figsize=(10, 1.95 * len(chosen)), squeeze=False, layout="constrained"
    )
    for row, scan in zip(axes, chosen, strict=True):
        middle = len(scan) // 2
        image, truth = np.asarray(scan.image[middle]), scan.depth[middle].astype(np.float32) / 1000
        depth, scores = predict(run, image[None], scan)
        truth[truth == 0] = np.nan
        high = float(np.nanpercentile(truth, 98)) if np.isfinite(truth).any() else 10.0
        best = int(scores[0].argmax())
        known = scores[0, best] >= run.threshold
        says = f"{run.module.classes[best]} {scores[0, best]:.2f}" if known else "none of these"
        row[0].imshow(image)
        row[1].imshow(truth, cmap="turbo", vmin=0, vmax=high)
        shown = row[2].imshow(depth[0], cmap="turbo", vmin=0, vmax=high)
        error = row[3].imshow(np.abs(depth[0] - truth), cmap="magma", vmin=0, vmax=high / 4)
        for axis, title in zip(row, (f"{scan.name}: {says}", "ground truth", "prediction", "|error|"), strict=True):
            axis.set_title(title, fontsize=7)
            axis.axis("off")
        figure.colorbar(shown, ax=row[2], label="m")
        figure.colorbar(error, ax=row[3], label="m")
    _save(figure, path)


def _table(results: dict[str, Any], path: Path) -> None:
    """Depth and class scores of the split, as the paper's Figure 8 lists them, with the baselines that it lacks."""
    rows = [("network", results), ("median-scaled", results["scaled"]), ("paper's protocol", results["paper_protocol"])]
    rows += [("best constant", results["best_constant"]), ("training median", results["training_median"])]
    tables: list[tuple[tuple[str, ...], list[tuple[str, list[Any]]]]] = [
        (("MAE (m)", "SSIM", "AbsRel", "delta1"), [(label, [row.get(key) for key in TABLE]) for label, row in rows])
    ]
    if classes := results["classes"]:
        rates = [("all (macro)", [classes[key] for key in ("accuracy", "macro_precision", "macro_recall")])]
        rates += [(name, [None, row["precision"], row["recall"]]) for name, row in classes["per_class"].items()]
        tables.append((("accuracy", "precision", "recall"), rates))
    lines = [len(cells) + 1.5 for _, cells in tables]
    figure, axes = pyplot.subplots(
        len(tables), figsize=(6, 0.27 * sum(lines) + 0.4), height_ratios=lines, squeeze=False, layout="constrained"
    )
    for axis, (columns, cells) in zip(axes[:, 0], tables, strict=True):
        axis.axis("off")
        texts = [["" if value is None else f"{value:.3f}" for value in values] for _, values in cells]
        labels = [label for label, _ in cells]
        axis.table(texts, rowLabels=labels, colLabels=columns, bbox=(0.28, 0, 0.72, 1)).set_fontsize(9)
    figure.suptitle(f"{results['split']}: {results['frames']} frames", fontsize=10)
    _save(figure, path)


def _confusion(confusion: dict[str, Any], path: Path) -> None:
    counts = np.array(confusion["frames"])
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axis = pyplot.subplots(figsize=(1.1 * len(counts) + 1.6, 1.0 * len(counts) + 1.2), layout="constrained")
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axis.text(column, row, str(count), ha="center", va="center", color="white" if share[row, column] > 0.5 else "k")
    axis.set_xticks(range(len(counts)), confusion["answered"], rotation=30, ha="right")
    axis.set_yticks(range(len(counts)), confusion["true"])
    axis.set(xlabel="answered", ylabel="true")
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    with whole_path(path) as partial:
        figure.savefig(partial, dpi=130, format="png")
    pyplot.close(figure)
