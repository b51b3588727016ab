"""What the report says: numbers of the result as sentences, cards and table rows. Nothing but strings leaves here."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from redwood_depth.evaluation.metrics import HIGHER_IS_BETTER, SCORE_NAMES
from redwood_depth.evaluation.scoring import LEFT_OUT

_COLUMNS = {
    "model": "model",
    "scaled": "median-scaled",
    "best_constant": "best constant",
    "training_median": "training median",
}
_CARDS = {
    "abs_rel": ("AbsRel", "", "Mean of |predicted − true| / true."),
    "mae": ("MAE", "m", "Mean of |predicted − true|, in metres."),
    "rmse": ("RMSE", "m", "Weighs large errors more than MAE does."),
    "delta1": ("delta1", "", "Share of pixels within a factor of 1.25 of the truth."),
}
_UNITS = {"sq_rel": "m", "rmse": "m", "mae": "m", "silog": "×100"}
_BETTER = {True: "higher is better", False: "lower is better"}


def context(result: Mapping[str, Any]) -> dict[str, Any]:
    """Everything of the template that is text."""
    return {
        "title": _title(result),
        "depth": bool(result["frames"]),
        "verdict": _verdict(result) if result["frames"] else _class_verdict(result),
        "facts": _facts(result),
        "warnings": _warnings(result),
        **(_depth_context(result) if result["frames"] else {}),
        "bags": [_bag_row(bag) for bag in result["bags"]],
        "classes": _classes(result["class"]) if "class" in result else None,
        "live": _live(result["live"]) if "live" in result else None,
        "details": _details(result),
        "footer": footer(result),
    }


def _depth_context(result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cards": [_card(name, result) for name in _CARDS],
        "captions": _captions(result),
        "table": _table(result),
    }


def footer(result: Mapping[str, Any]) -> str:
    """The last line of a page."""
    return f"Made by evaluate_bag of redwood_depth, {result['evaluated_at']}. This file needs no network."


def bag_name(bag: Mapping[str, Any]) -> str:
    """The last part of a bag's path."""
    return Path(bag["bag"]).name


def percentiles(live: Mapping[str, Any]) -> dict[str, float]:
    return {name: live[f"latency_{name}_ms"] for name in ("p50", "p95", "p99")}


def class_line(scores: Sequence[float], model: Mapping[str, Any]) -> str:
    """The class that a frame is answered with, "" where what is scored knows no classes."""
    if not scores:
        return ""
    best = max(range(len(scores)), key=scores.__getitem__)
    if scores[best] < model["class_threshold"]:
        return "none of the known classes"
    return f"{model['classes'][best]} {scores[best]:.2f}"


def columns(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The columns of the score table by name: the model raw, median-scaled, and the baselines."""
    return {"model": result, "scaled": result["scaled"], **result["baselines"]}


def _title(result: Mapping[str, Any]) -> str:
    model, names = result["model"], [bag_name(bag) for bag in result["bags"]]
    bags = ", ".join(names) if len(names) <= 2 else f"{len(names)} bags"
    return f"{model['name']} {model['version']} on {bags}".replace("  ", " ")


def _verdict(result: Mapping[str, Any]) -> dict[str, str]:
    error, constant = result["abs_rel"], result["baselines"]["best_constant"]["abs_rel"]
    if max(error, constant) < 0.0005:
        return {"kind": "good", "text": "No error to speak of, nor has the best constant depth any: the truth is flat."}
    gain = 1.0 - error / max(constant, 1e-6)
    side = f"{abs(gain):.0%} {'less' if gain > 0 else 'more'} relative error than the best constant depth"
    text = f"{side} ({error:.3f} against {constant:.3f})."
    if gain <= 0:
        text += " A model must beat that baseline to be of any use here."
    by_scale = 1.0 - result["scaled"]["abs_rel"] / error if error else 0.0
    if by_scale > 0.15:
        text += f" Scaled to each frame's true median it would be {by_scale:.0%} better: scale is the weak part."
    return {"kind": "good" if gain > 0 else "bad", "text": text}


def _class_verdict(result: Mapping[str, Any]) -> dict[str, str]:
    classes = result["class"]
    text = f"{classes['accuracy']:.1%} of the frames are answered with the right class. Depth was not scored."
    return {"kind": "good" if classes["accuracy"] > 0.5 else "bad", "text": text}


def _facts(result: Mapping[str, Any]) -> list[str]:
    seconds = sum(bag["duration_s"] for bag in result["bags"])
    facts = [f"{result['frames'] or result['class']['frames']} frames of {seconds:.1f} s"]
    left_out = sum(result["left_out"].values())
    facts.append(f"{left_out} left out" if left_out else "none left out")
    low, high = result["depth_range_m"]
    facts += [f"ground truth {low:g} to {high:g} m"] if result["frames"] else ["no ground truth of depth"]
    facts.append(result["model"]["engine"])
    return facts


def _warnings(result: Mapping[str, Any]) -> list[str]:
    found = []
    for bag in result["bags"]:
        if "depth_not_scored" in bag:
            found.append(f"{bag_name(bag)}: depth was not scored: {bag['depth_not_scored']}")
        found += [f"{bag_name(bag)}: {warning}" for warning in bag["warnings"]]
        if bag["damage"]:
            found.append(f"{bag_name(bag)} was scored in part: {bag['damage']}")
    if result["model"]["classes"] and result["focal_corrected"] < result["frames"]:
        count = result["frames"] - result["focal_corrected"]
        found.append(f"{count} frames had no usable calibration: their depth is not corrected for the focal length.")
    return found


def _card(name: str, result: Mapping[str, Any]) -> dict[str, Any]:
    title, unit, meaning = _CARDS[name]
    values = {column: scores[name] for column, scores in columns(result).items()}
    top = max(*values.values(), 1e-9)
    bars = [
        {"kind": column, "name": _COLUMNS[column], "value": f"{value:.3f}", "percent": f"{100 * value / top:.1f}"}
        for column, value in values.items()
    ]
    better = "↑ better" if name in HIGHER_IS_BETTER else "↓ better"
    return {"name": title, "unit": unit, "meaning": meaning, "better": better, "value": bars[0]["value"], "bars": bars}


def _captions(result: Mapping[str, Any]) -> dict[str, str]:
    worst = max(result["by_distance"], key=lambda row: row["share"] * row["mae"])
    lean = "too near" if worst["bias_m"] < 0 else "too far"
    distance = (
        f"Most error comes from {worst['from_m']:g} to {worst['to_m']:g} m: {worst['mae']:.2f} m off on average, "
        f"leaning {abs(worst['bias_m']):.2f} m {lean}, over {worst['share']:.0%} of the pixels."
    )
    return {"distance": distance, "scores": _how_scored(result)}


def _how_scored(result: Mapping[str, Any]) -> str:
    constants = [f"{_COLUMNS[name]} is {row['depth_m']:.3f} m everywhere" for name, row in result["baselines"].items()]
    return (
        "Per-frame means over the pixels with valid ground truth, then the mean over frames; no crop, no alignment. "
        f"Median-scaled: each frame multiplied to have the truth's median, which only an evaluation can know. "
        f"Baselines: {', '.join(constants)}."
    )


def _table(result: Mapping[str, Any]) -> dict[str, Any]:
    names = [name for name in (*SCORE_NAMES, "ssim", "coverage") if name in result]
    return {"heads": [_COLUMNS[name] for name in columns(result)], "rows": [_row(name, result) for name in names]}


def _row(name: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the score table; the best of what can be known without the truth is marked, so not median-scaled."""
    higher = name in HIGHER_IS_BETTER
    values = {column: scores.get(name) for column, scores in columns(result).items()}
    honest = [value for column, value in values.items() if value is not None and column != "scaled"]
    best = max(honest) if higher else min(honest)
    cells = [
        {"text": "–" if value is None else f"{value:.3f}", "best": value == best and column != "scaled"}
        for column, value in values.items()
    ]
    unit = f", {_UNITS[name]}" if name in _UNITS else ""
    return {"name": name, "better": f"{'↑' if higher else '↓'}{unit}", "cells": cells}


def _bag_row(bag: Mapping[str, Any]) -> dict[str, str]:
    return {
        "name": bag_name(bag),
        "frames": str(bag["frames"] or bag["class"]["frames"]),
        **{name: f"{bag[name]:.3f}" if name in bag else "–" for name in ("abs_rel", "mae", "delta1")},
        "constant": f"{bag['baselines']['best_constant']['abs_rel']:.3f}" if "baselines" in bag else "–",
        "label": bag["label"] or "–",
    }


def _classes(result: Mapping[str, Any]) -> dict[str, Any]:
    table = result["confusion"]
    confusion = []
    for index, (name, counts) in enumerate(zip(table["true"], table["frames"], strict=True)):
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
        {"name": name, "frames": row["frames"], "precision": _share(row["precision"]), "recall": _share(row["recall"])}
        for name, row in result["per_class"].items()
    ]
    rows.append(
        {
            "name": "mean over classes",
            "frames": result["frames"],
            "precision": _share(result["macro_precision"]),
            "recall": _share(result["macro_recall"]),
        }
    )
    sentence = f"{result['accuracy']:.1%} of {result['frames']} labelled frames are answered rightly."
    sentence += f" {result['answered']:.1%} have a class that reaches the threshold."
    if result["top1"] is not None:
        sentence += f" The true class comes first, whatever its score, in {result['top1']:.1%}."
    return {
        "sentence": sentence,
        "rows": rows,
        "answered": table["answered"],
        "confusion": confusion,
        "threshold": f"{result['threshold']:g}",
    }


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _live(live: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("images sent", f"{live['sent']} at {live['sent_hz']:.1f} Hz (rate {live['rate']:g})"),
        ("depth received", f"{live['answered']} at {live['answered_hz']:.1f} Hz"),
        ("dropped", f"{live['dropped']} ({live['dropped'] / max(live['sent'], 1):.1%}), replaced by a newer image"),
        ("latency", ", ".join(f"{name} {value:.1f} ms" for name, value in percentiles(live).items())),
        ("node", live["node"] if live["started"] else f"{live['node']}, which ran already"),
        *_cost(live),
    ]


def _cost(live: Mapping[str, Any]) -> list[tuple[str, str]]:
    if live["cpu_percent"] is None:
        return [("CPU and memory", "not measured: the node's process was not found on this machine")]
    return [
        ("CPU of the node", f"{live['cpu_percent']:.0f} % of one core"),
        ("memory of the node", f"{live['memory_mb']:.0f} MB at most"),
    ]


def _details(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    model = result["model"]
    rows = [("scored", f"{model['name']} {model['version']}".strip())]
    if model["sha256"]:
        rows.append(("model", f"sha256 {model['sha256'][:16]}…, {model['precision']}, input {model['input']}"))
    rows.append(("run by", model["engine"]))
    for bag in result["bags"]:
        sizes = "; ".join(_size(size) for size in bag["sizes"])
        topics = ", ".join(f"{name} {topic}" for name, topic in bag["topics"].items() if topic)
        rows.append((bag_name(bag), f"{bag['bag']}: {topics}; {bag['duration_s']:.1f} s; {sizes}"))
    low, high = result["depth_range_m"]
    if result["frames"]:
        rows.append(("counted pixels", f"finite ground truth from {low:g} to {high:g} m, at the ground truth's size"))
        rows.append(("colour and depth", f"nearest in time, at most {result['max_gap_ms']:g} ms apart"))
    if "paper" in result:
        paper = result["paper"]
        rows.append(("protocol of the paper", f"MAE {paper['mae']:.3f} m, SSIM {paper['ssim']:.3f}; 96x128, no mask"))
    left_out = [f"{count} {LEFT_OUT[name]}" for name, count in result["left_out"].items() if count]
    rows.append(("left out", ", ".join(left_out) or "nothing"))
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in result["versions"].items())))
    rows.append(("command", result["command"]))
    return rows


def _size(size: Mapping[str, Any]) -> str:
    color, depth = ("×".join(map(str, reversed(size[name] or ()))) for name in ("color", "depth"))
    return f"{size['frames']} frames of {color}" + (f" with depth {depth}" if depth not in (color, "") else "")
