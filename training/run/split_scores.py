"""Scores of a trained run on a split of prepared data: what `train` does at its end, and `evaluate` at any time."""

import json
from collections.abc import Callable
from typing import Any

from redwood_depth.files import write_whole
from training.data.prepared_data import PreparedData
from training.errors import TrainingError
from training.run.bundle_start import is_bundle
from training.run.folder import FIGURES, METRICS, TrainedRun
from training.run.network_scores import evaluate
from training.run.paper_figures import draw_figures
from training.run.place_scores import place_lines, place_scores

COLUMNS = ("abs_rel", "mae", "rmse", "delta1")


def score_run(
    run: TrainedRun, data: PreparedData, split: str, step: Callable[[str], None] = lambda name: None
) -> dict[str, Any]:
    """`split` and what network_scores.py finds; of a run's test split RUN/metrics.json and RUN/figures are written.

    Raises:
        TrainingError: the split is empty, or has no depth.
    """
    scans = data.scans(split)
    if not scans:
        raise TrainingError(f"{data.folder} has no scan for {split}; prepare more scans")
    results = {"split": split, **evaluate(run, scans, step)}
    if places := place_scores(results["scans"]):
        results["places"] = places.to_json()
    if split == "test" and not is_bundle(run.folder):
        write_whole(run.folder / METRICS, scores_json(results))
        draw_figures(run, scans, results, run.folder / FIGURES)
    return results


def scores_json(results: dict[str, Any]) -> str:
    return json.dumps(results, indent=1) + "\n"


def score_lines(results: dict[str, Any]) -> list[str]:
    """The table that people read: all frames, then each scan, with the best constant depth beside them."""
    names = " ".join(f"{name:>8}" for name in COLUMNS)
    lines = [f"{'':34} {'frames':>6} {names}   best constant: abs_rel   mae"]
    for name, row in ({f"all of {results['split']}": results} | results["scans"]).items():
        if "abs_rel" in row:
            values = " ".join(f"{row[key]:8.3f}" for key in COLUMNS)
            constant = " ".join(
                f"{row['best_constant'][key]:{width}.3f}" for key, width in (("abs_rel", 22), ("mae", 5))
            )
            lines.append(f"{name[:34]:34} {row['frames']:6} {values}   {constant}")
    places = place_scores(results["scans"])
    return [*lines, *(place_lines(places) if places else []), _class_line(results["classes"])]


def _class_line(classes: dict[str, Any] | None) -> str:
    if classes is None:
        return "classes: not scored, the data has some that the run does not know"
    names = ("accuracy", "macro_precision", "macro_recall", "top1")
    values = ("–" if classes[name] is None else f"{classes[name]:.3f}" for name in names)
    shown = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in zip(names, values, strict=True))
    return f"classes at threshold {classes['threshold']:.2f}: {shown} (the last without the threshold)"
