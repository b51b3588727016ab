"""The page of a comparison: two results side by side -> one HTML file without any reference to the outside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redwood_depth.evaluation.comparison import Comparison, ScoreDifference
from redwood_depth.evaluation.identity import same_recordings
from redwood_depth.evaluation.metrics import HIGHER_IS_BETTER
from redwood_depth.evaluation.report import text
from redwood_depth.evaluation.report.page import markup, render
from redwood_depth.evaluation.result import EvaluationResult, ScoredModel, distinct_names
from redwood_depth.files import write_whole

_TEMPLATE = "compare.html.j2"
_TIMELINES = 12


def write_comparison(path: Path, comparison: Comparison, a: EvaluationResult, b: EvaluationResult) -> None:
    """Write the page of `comparison`, which compares the results `a` and `b`, in one step.

    Raises:
        ReportError: jinja2 or matplotlib is missing.
        OSError: the file cannot be written.
    """
    write_whole(path, render(_TEMPLATE, **_context(comparison), strips=_strips(a, b)))


def _context(comparison: Comparison) -> dict[str, Any]:
    from redwood_depth.evaluation.report.comparison_figures import intervals

    models = {"a": comparison.model_a, "b": comparison.model_b}
    names = {side: _name(model) for side, model in models.items()}
    return {
        "names": names,
        "verdict": _verdict(comparison, names),
        "facts": _facts(comparison),
        "rows": [_row(name, row) for name, row in comparison.scores.items()],
        "figure": markup(intervals(comparison.scores)),
        "engines": {side: model.engine for side, model in models.items()},
        "command": comparison.command,
        "footer": text.footer(comparison.evaluated_at),
    }


def _name(model: ScoredModel) -> str:
    return f"{model.title} ({model.sha256[:8]})" if model.sha256 else model.title


def _verdict(comparison: Comparison, names: Mapping[str, str]) -> str:
    row = comparison.scores["abs_rel"]
    numbers = f"AbsRel {row.a:.3f} for A, {row.b:.3f} for B"
    if row.better is None:
        return f"{numbers}: these frames show no difference, for the interval of B − A contains 0."
    gain = abs(row.difference) / max(row.a, row.b)
    return f"{row.better.upper()}, {names[row.better]}, is better: {numbers}, {gain:.0%} less."


def _facts(comparison: Comparison) -> list[str]:
    blocks = sorted(comparison.blocks.values())
    length = f"{blocks[0]}" if blocks[0] == blocks[-1] else f"{blocks[0]} to {blocks[-1]}"
    only = {"A": comparison.only_a, "B": comparison.only_b}
    return [
        f"{comparison.frames} frames in common",
        *(f"{count} only in {side}" for side, count in only.items() if count),
        f"{comparison.confidence:.0%} intervals of the paired differences, bootstrapped in blocks of {length} frames",
        *comparison.warnings,
    ]


def _row(name: str, row: ScoreDifference) -> dict[str, str]:
    return {
        "name": name,
        "arrow": "↑" if name in HIGHER_IS_BETTER else "↓",
        "a": f"{row.a:.4f}",
        "b": f"{row.b:.4f}",
        "difference": f"{row.difference:+.4f}",
        "interval": f"{row.low:+.4f} to {row.high:+.4f}",
        "better": (row.better or "–").upper(),
        "best": row.better or "",
    }


def _strips(a: EvaluationResult, b: EvaluationResult) -> list[dict[str, Any]]:
    """Both errors over time, for each bag that both scored."""
    from redwood_depth.evaluation.report.comparison_figures import errors_over_time

    strips, same = [], same_recordings(a.bags, b.bags)
    names = distinct_names([one.a.bag for one in same])
    for index, (name, one) in enumerate(zip(names[:_TIMELINES], same, strict=False)):
        frames = one.a.per_frame, one.b.per_frame
        wide, narrow = (markup(errors_over_time(*frames, f"pair{index}{int(small)}", small)) for small in (False, True))
        strips.append({"name": name, "wide": wide, "narrow": narrow})
    return strips
