"""An evaluation as a table of plain text."""

from collections.abc import Sequence

from redwood_depth.evaluation.class_result import ClassScores
from redwood_depth.evaluation.depth_result import DepthScores, DepthSummary
from redwood_depth.evaluation.live_result import LiveScores
from redwood_depth.evaluation.metrics import ERROR_NAMES, HIGHER_IS_BETTER
from redwood_depth.evaluation.result import RecordingResult, Summary, distinct_names
from redwood_depth.evaluation.scoring import LEFT_OUT
from redwood_depth.evaluation.verdict import verdict

_UNITS = {"sq_rel": "m", "rmse": "m", "mae": "m", "silog": "x100"}


def score_table(summary: Summary) -> str:
    """Lines for one summary: scores beside baselines, errors by distance, class, what is missing."""
    lines = [_frames(summary)]
    if summary.depth_not_scored is not None:
        lines.append(f"depth was not scored: {summary.depth_not_scored}")
    if summary.depth:
        lines += ["", *_scores(summary.depth), "", *_distances(summary.depth)]
        if paper := summary.depth.paper:
            lines += ["", f"  protocol of the paper: mae {paper.mae:.3f} m, ssim {paper.ssim:.3f}"]
    if summary.classes:
        lines += ["", *_class(summary.classes)]
    return "\n".join([*lines, "", f"  {verdict(summary).text}"])


def score_rows(bags: Sequence[RecordingResult]) -> str:
    """Many recordings, a row each; what was skipped of one, or of its class, is a word behind it."""
    names = distinct_names([bag.bag for bag in bags])
    width = max(len("recording"), *map(len, names))
    lines = [f"  {'recording':{width}}{'frames':>8}{'abs_rel':>9}{'best constant':>15}{'mae m':>8}{'delta1':>8}"]
    for name, bag in zip(names, bags, strict=True):
        cells = ["-"] * 4
        if depth := bag.summary.depth:
            constant = depth.baselines["best_constant"].scores
            values = (depth.scores.abs_rel, constant.abs_rel, depth.scores.mae, depth.scores.delta1)
            cells = [f"{value:.3f}" for value in values]
        row = f"  {name:{width}}{bag.summary.frames_scored:>8}{cells[0]:>9}{cells[1]:>15}{cells[2]:>8}{cells[3]:>8}"
        lines.append("  ".join([row, *_remarks(bag)]))
    return "\n".join(lines)


def _remarks(bag: RecordingResult) -> list[str]:
    left_out = bag.summary.left_out
    found = [f"{bag.label}: {bag.summary.classes.accuracy:.1%} right"] if bag.summary.classes else []
    return [*found, *(f"{left_out[name]} {words}" for name, words in LEFT_OUT.items() if left_out.get(name))]


def live_table(live: LiveScores) -> str:
    """Lines for what the node made of the bag's pace, and what it cost."""
    share = live.dropped / max(live.sent, 1)
    percentiles = ", ".join(f"{name} {value:.1f} ms" for name, value in live.percentiles_ms().items())
    return "\n".join(
        (
            f"  {live.sent} images sent at {live.sent_hz:.1f} Hz, {live.answered} answered at "
            f"{live.answered_hz:.1f} Hz, {live.dropped} dropped ({share:.1%})",
            *([f"  dropped because: {live.dropped_because}"] if live.dropped_because else []),
            f"  image sent to depth received: {percentiles}",
            f"  the node{'' if live.started else f' {live.node}, which ran already'}: {_cost(live)}",
        )
    )


def _cost(live: LiveScores) -> str:
    if live.cpu_percent is None or live.memory_mb is None:
        return "its process was not found on this machine, so nothing is known of CPU and memory"
    return f"{live.cpu_percent:.0f} % of one core, {live.memory_mb:.0f} MB"


def _frames(summary: Summary) -> str:
    left_out = [f"{summary.left_out[name]} {words}" for name, words in LEFT_OUT.items() if summary.left_out.get(name)]
    of_class = bool(summary.classes) and not summary.frames
    parts = [f"{summary.frames_scored} frames scored{' by class' if of_class else ''}", *left_out]
    if summary.focal_corrected < summary.frames:
        count = summary.frames - summary.focal_corrected
        parts.append(f"{count} without calibration, not corrected for focal length")
    if summary.latency_ms is not None:
        parts.append(f"{summary.latency_ms:.1f} ms a frame")
    return ", ".join(parts)


def _scores(depth: DepthSummary) -> list[str]:
    columns = list(depth.columns().values())
    heads = ["model", "median-scaled", *(name.replace("_", " ") for name in depth.baselines)]
    depths = ["", "", *(f"{baseline.depth_m:.3f} m" for baseline in depth.baselines.values())]
    rows = [_row("", heads), _row("", depths), "lower is better"]
    rows += [_row(f"{name} {_UNITS.get(name, '')}", _cells(name, columns)) for name in ERROR_NAMES]
    rows.append("higher is better")
    return rows + [_row(name, _cells(name, columns)) for name in HIGHER_IS_BETTER]


def _cells(name: str, columns: list[DepthScores]) -> list[str]:
    values = [column.by_name().get(name) for column in columns]
    return ["-" if value is None else f"{value:.3f}" for value in values]


def _row(name: str, cells: list[str]) -> str:
    return f"  {name:16}" + "".join(f"{cell:>17}" for cell in cells)


def _distances(depth: DepthSummary) -> list[str]:
    rows = [_row("true distance", ["share of pixels", "mae m", "abs_rel", "bias m"])]
    for row in depth.by_distance:
        cells = [f"{row.share:.1%}", f"{row.mae:.3f}", f"{row.abs_rel:.3f}", f"{row.bias_m:+.3f}"]
        rows.append(_row(f"{row.from_m:g} - {row.to_m:g} m", cells))
    return rows


def _class(scores: ClassScores) -> list[str]:
    line = f"  class: {scores.accuracy:.1%} of {scores.frames} frames right; "
    line += f"{scores.answered:.1%} have a class at {scores.threshold:g} or above"
    if scores.top1 is not None:
        line += f"; the true class first in {scores.top1:.1%}, mean score {scores.mean_score:.2f}"
    if sum(row.frames > 0 for row in scores.per_class.values()) < 2:
        return [line]
    lines = [line, _row("class", ["frames", "precision", "recall"])]
    for name, row in scores.per_class.items():
        lines.append(_row(name, [str(row.frames), _share(row.precision), _share(row.recall)]))
    return [*lines, _row("mean", [str(scores.frames), _share(scores.macro_precision), _share(scores.macro_recall)])]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
