"""What the report says: numbers of the result as sentences, cards and table rows. Nothing but strings leaves here."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.evaluation.class_result import ClassScores
from redwood_depth.evaluation.depth_result import DepthSummary
from redwood_depth.evaluation.live_result import LiveScores
from redwood_depth.evaluation.metrics import HIGHER_IS_BETTER, SCORE_NAMES
from redwood_depth.evaluation.result import EvaluationResult, ImageSizes, RecordingResult, ScoredModel, Summary
from redwood_depth.evaluation.scoring import LEFT_OUT
from redwood_depth.evaluation.verdict import verdict
from redwood_depth.prediction import best_class

_COLUMNS = {
    "model": "model",
    "scaled": "median-scaled",
    "best_constant": "best constant",
    "training_median": "training median",
}
_CARDS = {
    "abs_rel": ("AbsRel", "", "Mean of |predicted − true| / true."),
    "mae": ("MAE", "m", "Mean of |predicted − true|, in meters."),
    "rmse": ("RMSE", "m", "Weighs large errors more than MAE does."),
    "delta1": ("delta1", "", "Share of pixels within a factor of 1.25 of the ground truth."),
}
_UNITS = {"sq_rel": "m", "rmse": "m", "mae": "m", "silog": "×100"}
_BETTER = {True: "higher is better", False: "lower is better"}


def context(result: EvaluationResult) -> dict[str, Any]:
    """Everything of the template that is text."""
    depth, classes = result.summary.depth, result.summary.classes
    return {
        "title": _title(result),
        "depth": bool(depth),
        "verdict": _verdict(result.summary),
        "facts": _facts(result),
        "warnings": _warnings(result),
        **(_depth_context(depth) if depth else {}),
        "bags": [_bag_row(name, bag) for name, bag in zip(result.names, result.bags, strict=True)],
        "classes": _classes(classes) if classes else None,
        "live": _live(result.live) if result.live else None,
        "details": _details(result),
        "footer": footer(result.evaluated_at),
    }


def _depth_context(depth: DepthSummary) -> dict[str, Any]:
    return {
        "cards": [_card(name, depth) for name in _CARDS],
        "captions": _captions(depth),
        "table": _table(depth),
    }


def footer(evaluated_at: str) -> str:
    """The last line of a page."""
    return f"Made by evaluate_bag of redwood_depth, {evaluated_at}. This file needs no network."


def class_line(scores: NDArray[np.float32], model: ScoredModel) -> str:
    """The class that a frame is answered with, "" where what is scored knows no classes."""
    if not scores.size:
        return ""
    best = best_class(scores, model.class_threshold)
    return "none of the known classes" if best is None else f"{model.classes[best]} {scores[best]:.2f}"


def _title(result: EvaluationResult) -> str:
    names = result.names
    return f"{result.model.title} on {', '.join(names) if len(names) <= 2 else f'{len(names)} bags'}"


def _verdict(summary: Summary) -> dict[str, str]:
    found = verdict(summary)
    return {"kind": "good" if found.good else "bad", "text": found.text}


def _facts(result: EvaluationResult) -> list[str]:
    summary, seconds = result.summary, sum(bag.duration_s for bag in result.bags)
    facts = [f"{summary.frames_scored} frames of {seconds:.1f} s"]
    left_out = sum(summary.left_out.values())
    facts.append(f"{left_out} skipped" if left_out else "none skipped")
    low, high = summary.depth_range_m
    facts += [f"ground truth {low:g} to {high:g} m"] if summary.frames else ["no ground truth of depth"]
    facts.append(result.model.engine)
    return facts


def _warnings(result: EvaluationResult) -> list[str]:
    found, summary = [], result.summary
    for name, bag in zip(result.names, result.bags, strict=True):
        if bag.summary.depth_not_scored is not None:
            found.append(f"{name}: depth was not scored: {bag.summary.depth_not_scored}")
        found += [f"{name}: {warning}" for warning in bag.warnings]
        if bag.damage:
            found.append(f"{name} was scored in part: {bag.damage}")
    if result.model.classes and summary.focal_corrected < summary.frames:
        count = summary.frames - summary.focal_corrected
        found.append(f"{count} frames had no usable calibration: their depth is not corrected for the focal length.")
    return found


def _card(name: str, depth: DepthSummary) -> dict[str, Any]:
    title, unit, meaning = _CARDS[name]
    values = {column: scores.by_name()[name] for column, scores in depth.columns().items()}
    top = max(*values.values(), 1e-9)
    bars = [
        {"kind": column, "name": _COLUMNS[column], "value": f"{value:.3f}", "percent": f"{100 * value / top:.1f}"}
        for column, value in values.items()
    ]
    better = "↑ better" if name in HIGHER_IS_BETTER else "↓ better"
    return {"name": title, "unit": unit, "meaning": meaning, "better": better, "value": bars[0]["value"], "bars": bars}


def _captions(depth: DepthSummary) -> dict[str, str]:
    worst = max(depth.by_distance, key=lambda row: row.share * row.mae)
    lean = "too near" if worst.bias_m < 0 else "too far"
    distance = (
        f"Most error comes from {worst.from_m:g} to {worst.to_m:g} m: {worst.mae:.2f} m off on average, "
        f"leaning {abs(worst.bias_m):.2f} m {lean}, over {worst.share:.0%} of the pixels."
    )
    return {"distance": distance, "scores": _how_scored(depth)}


def _how_scored(depth: DepthSummary) -> str:
    constants = [f"{_COLUMNS[name]} is {one.depth_m:.3f} m everywhere" for name, one in depth.baselines.items()]
    return (
        "Per-frame means over the pixels with valid ground truth, then the mean over frames; no crop, no alignment. "
        f"Median-scaled: each frame multiplied to have the ground truth's median, which only an evaluation can know. "
        f"Baselines: {', '.join(constants)}."
    )


def _table(depth: DepthSummary) -> dict[str, Any]:
    names = [name for name in (*SCORE_NAMES, "ssim", "coverage") if name in depth.scores.by_name()]
    return {"heads": [_COLUMNS[name] for name in depth.columns()], "rows": [_row(name, depth) for name in names]}


def _row(name: str, depth: DepthSummary) -> dict[str, Any]:
    """A row of the score table; the best of what can be known without the truth is marked, so not median-scaled."""
    higher = name in HIGHER_IS_BETTER
    values = {column: scores.by_name().get(name) for column, scores in depth.columns().items()}
    honest = [value for column, value in values.items() if value is not None and column != "scaled"]
    best = max(honest) if higher else min(honest)
    cells = [
        {"text": "–" if value is None else f"{value:.3f}", "best": value == best and column != "scaled"}
        for column, value in values.items()
    ]
    unit = f", {_UNITS[name]}" if name in _UNITS else ""
    return {"name": name, "better": f"{'↑' if higher else '↓'}{unit}", "cells": cells}


def _bag_row(name: str, bag: RecordingResult) -> dict[str, str]:
    depth = bag.summary.depth
    scores = depth.scores.by_name() if depth else {}
    return {
        "name": name,
        "frames": str(bag.summary.frames_scored),
        **{key: f"{scores[key]:.3f}" if key in scores else "–" for key in ("abs_rel", "mae", "delta1")},
        "constant": f"{depth.baselines['best_constant'].scores.abs_rel:.3f}" if depth else "–",
        "label": bag.label or "–",
    }


def _classes(scores: ClassScores) -> dict[str, Any]:
    table = scores.confusion
    confusion = []
    for index, (name, counts) in enumerate(zip(table.true, table.frames, strict=True)):
        shown = max(sum(counts), 1)
        cells = [
            {
                "count": count or "·",
                "share": f"{count / shown:.3f}",
                "kind": "empty" if not count else "right" if place == index else "wrong",
            }
            for place, count in enumerate(counts)
        ]
        confusion.append({"name": name, "cells": cells})
    rows = [
        {"name": name, "frames": row.frames, "precision": _share(row.precision), "recall": _share(row.recall)}
        for name, row in scores.per_class.items()
    ]
    rows.append(
        {
            "name": "mean over classes",
            "frames": scores.frames,
            "precision": _share(scores.macro_precision),
            "recall": _share(scores.macro_recall),
        }
    )
    sentence = f"{scores.accuracy:.1%} of {scores.frames} labeled frames are predicted rightly."
    sentence += f" {scores.answered:.1%} have a class that reaches the threshold."
    if scores.top1 is not None:
        sentence += f" The true class comes first, whatever its score, in {scores.top1:.1%}."
    return {
        "sentence": sentence,
        "rows": rows,
        "answered": table.answered,
        "confusion": confusion,
        "threshold": f"{scores.threshold:g}",
    }


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _live(live: LiveScores) -> list[tuple[str, str]]:
    return [
        ("images sent", f"{live.sent} at {live.sent_hz:.1f} Hz (rate {live.rate:g})"),
        ("depth received", f"{live.answered} at {live.answered_hz:.1f} Hz"),
        ("dropped", f"{live.dropped} ({live.dropped / max(live.sent, 1):.1%}){_because(live)}"),
        ("latency", ", ".join(f"{name} {value:.1f} ms" for name, value in live.percentiles_ms().items())),
        ("node", live.node if live.started else f"{live.node}, which ran already"),
        *_cost(live),
    ]


def _because(live: LiveScores) -> str:
    return f": {live.dropped_because}" if live.dropped_because else ""


def _cost(live: LiveScores) -> list[tuple[str, str]]:
    if live.cpu_percent is None or live.memory_mb is None:
        return [("CPU and memory", "not measured: the node's process was not found on this machine")]
    return [
        ("CPU of the node", f"{live.cpu_percent:.0f} % of one core"),
        ("memory of the node", f"{live.memory_mb:.0f} MB at most"),
    ]


def _details(result: EvaluationResult) -> list[tuple[str, str]]:
    model, summary = result.model, result.summary
    rows = [("scored", model.title)]
    if model.sha256:
        rows.append(("model", f"sha256 {model.sha256[:16]}…, {model.precision}, input {model.input}"))
    rows.append(("run by", model.engine))
    for name, bag in zip(result.names, result.bags, strict=True):
        sizes = "; ".join(_size(size) for size in bag.sizes)
        topics = ", ".join(f"{kind} {topic}" for kind, topic in bag.topics.items() if topic)
        rows.append((name, f"{bag.bag}: {topics}; {bag.duration_s:.1f} s; {sizes}"))
    low, high = summary.depth_range_m
    if summary.depth:
        rows.append(("counted pixels", f"finite ground truth from {low:g} to {high:g} m, at the ground truth's size"))
        rows.append(("color and depth", f"nearest in time, at most {result.max_gap_ms:g} ms apart"))
        if paper := summary.depth.paper:
            rows.append(("protocol of the paper", f"MAE {paper.mae:.3f} m, SSIM {paper.ssim:.3f}; 96x128, no mask"))
    left_out = [f"{count} {LEFT_OUT[name]}" for name, count in summary.left_out.items() if count]
    rows.append(("skipped", ", ".join(left_out) or "nothing"))
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in result.versions.items())))
    rows.append(("command", result.command))
    return rows


def _size(size: ImageSizes) -> str:
    color, depth = ("×".join(map(str, reversed(pixels or ()))) for pixels in (size.color, size.depth))
    return f"{size.frames} frames of {color}" + (f" with depth {depth}" if depth not in (color, "") else "")
