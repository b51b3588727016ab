"""An evaluation as a table of plain text."""

from collections.abc import Mapping
from typing import Any

from redwood_depth.evaluation.metrics import ERROR_NAMES, HIGHER_IS_BETTER
from redwood_depth.evaluation.scoring import LEFT_OUT

_UNITS = {"sq_rel": "m", "rmse": "m", "mae": "m", "silog": "x100"}


def score_table(result: Mapping[str, Any]) -> str:
    """Lines for one summary: scores beside baselines, errors by distance, class, what is missing."""
    lines = [_frames(result)]
    if "depth_not_scored" in result:
        lines.append(f"depth was not scored: {result['depth_not_scored']}")
    if result["frames"]:
        lines += ["", *_scores(result), "", *_distances(result)]
    if "paper" in result:
        lines += [
            "",
            f"  protocol of the paper: mae {result['paper']['mae']:.3f} m, ssim {result['paper']['ssim']:.3f}",
        ]
    if "class" in result:
        lines += ["", *_class(result["class"])]
    return "\n".join(lines)


def score_line(bag: Mapping[str, Any]) -> str:
    """One bag of many in a line."""
    words = [_frames(bag)]
    if bag["frames"]:
        constant = bag["baselines"]["best_constant"]["abs_rel"]
        words += [f"abs_rel {bag['abs_rel']:.3f} (best constant {constant:.3f})", f"mae {bag['mae']:.3f} m"]
    if "class" in bag:
        words.append(f"{bag['label']}: {bag['class']['accuracy']:.1%} right")
    return f"{bag['bag']}: {', '.join(words)}"


def live_table(live: Mapping[str, Any]) -> str:
    """Lines for the entry "live" of a result: what the node made of the bag's pace, and what it cost."""
    share = live["dropped"] / max(live["sent"], 1)
    percentiles = ", ".join(f"{name} {live[f'latency_{name}_ms']:.1f} ms" for name in ("p50", "p95", "p99"))
    return "\n".join(
        (
            f"  {live['sent']} images sent at {live['sent_hz']:.1f} Hz, {live['answered']} answered at "
            f"{live['answered_hz']:.1f} Hz, {live['dropped']} dropped ({share:.1%})",
            f"  image sent to depth received: {percentiles}",
            f"  the node{'' if live['started'] else ' ' + live['node'] + ', which ran already'}: {_cost(live)}",
        )
    )


def _cost(live: Mapping[str, Any]) -> str:
    if live["cpu_percent"] is None:
        return "its process was not found on this machine, so nothing is known of CPU and memory"
    return f"{live['cpu_percent']:.0f} % of one core, {live['memory_mb']:.0f} MB"


def _frames(result: Mapping[str, Any]) -> str:
    left_out = [f"{result['left_out'][name]} {words}" for name, words in LEFT_OUT.items() if result["left_out"][name]]
    frames = result["frames"]
    of_class = [f"{result['class']['frames']} frames scored by class"] if "class" in result and not frames else []
    parts = [*(of_class or [f"{frames} frames scored"]), *left_out]
    if result["focal_corrected"] < result["frames"]:
        parts.append(
            f"{result['frames'] - result['focal_corrected']} without calibration, not corrected for focal length"
        )
    if "latency_ms" in result:
        parts.append(f"{result['latency_ms']:.1f} ms a frame")
    return ", ".join(parts)


def _scores(result: Mapping[str, Any]) -> list[str]:
    baselines = result["baselines"]
    columns = [result, result["scaled"], *baselines.values()]
    heads = ["model", "median-scaled", *(name.replace("_", " ") for name in baselines)]
    depths = ["", "", *(f"{baseline['depth_m']:.3f} m" for baseline in baselines.values())]
    rows = [_row("", heads), _row("", depths), "lower is better"]
    rows += [_row(f"{name} {_UNITS.get(name, '')}", _cells(name, columns)) for name in ERROR_NAMES]
    rows.append("higher is better")
    return rows + [_row(name, _cells(name, columns)) for name in HIGHER_IS_BETTER]


def _cells(name: str, columns: list[Mapping[str, Any]]) -> list[str]:
    return [f"{column[name]:.3f}" if name in column else "-" for column in columns]


def _row(name: str, cells: list[str]) -> str:
    return f"  {name:16}" + "".join(f"{cell:>17}" for cell in cells)


def _distances(result: Mapping[str, Any]) -> list[str]:
    rows = [_row("true distance", ["share of pixels", "mae m", "abs_rel", "bias m"])]
    for row in result["by_distance"]:
        cells = [f"{row['share']:.1%}", f"{row['mae']:.3f}", f"{row['abs_rel']:.3f}", f"{row['bias_m']:+.3f}"]
        rows.append(_row(f"{row['from_m']:g} - {row['to_m']:g} m", cells))
    return rows


def _class(result: Mapping[str, Any]) -> list[str]:
    line = f"  class: {result['accuracy']:.1%} of {result['frames']} frames right; "
    line += f"{result['answered']:.1%} have a class at {result['threshold']:g} or above"
    if result["top1"] is not None:
        line += f"; the true class first in {result['top1']:.1%}, mean score {result['mean_score']:.2f}"
    if sum(row["frames"] > 0 for row in result["per_class"].values()) < 2:
        return [line]
    lines = [line, _row("class", ["frames", "precision", "recall"])]
    for name, row in result["per_class"].items():
        cells = ["-" if row[part] is None else f"{row[part]:.3f}" for part in ("precision", "recall")]
        lines.append(_row(name, [str(row["frames"]), *cells]))
    macro = ["-" if result[name] is None else f"{result[name]:.3f}" for name in ("macro_precision", "macro_recall")]
    return [*lines, _row("mean", [str(result["frames"]), *macro])]
