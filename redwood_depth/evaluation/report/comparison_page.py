"""The page of a comparison: two results side by side -> one HTML file without any reference to the outside."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from redwood_depth.evaluation.metrics import HIGHER_IS_BETTER
from redwood_depth.evaluation.report import text
from redwood_depth.evaluation.report.page import markup, render
from redwood_depth.evaluation.result_files import write_text

_TEMPLATE = "compare.html.j2"
_TIMELINES = 12


def write_comparison(path: Path, result: Mapping[str, Any], a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
    """Write the page of `result`, which compares the results `a` and `b`, in one step.

    Raises:
        ReportError: jinja2 or matplotlib is missing.
        OSError: the file cannot be written.
    """
    write_text(path, render(_TEMPLATE, **_context(result), strips=_strips(a, b)))


def _context(result: Mapping[str, Any]) -> dict[str, Any]:
    from redwood_depth.evaluation.report.comparison_figures import intervals

    names = {side: _name(result[f"model_{side}"]) for side in ("a", "b")}
    return {
        "names": names,
        "verdict": _verdict(result, names),
        "facts": _facts(result),
        "rows": [_row(name, row) for name, row in result["scores"].items()],
        "figure": markup(intervals(result["scores"])),
        "engines": {side: result[f"model_{side}"]["engine"] for side in ("a", "b")},
        "command": result["command"],
        "footer": text.footer(result),
    }


def _name(model: Mapping[str, Any]) -> str:
    name = f"{model['name']} {model['version']}".strip()
    return f"{name} ({model['sha256'][:8]})" if model["sha256"] else name


def _verdict(result: Mapping[str, Any], names: Mapping[str, str]) -> str:
    row = result["scores"]["abs_rel"]
    numbers = f"AbsRel {row['a']:.3f} for A, {row['b']:.3f} for B"
    if row["better"] is None:
        return f"{numbers}: these frames show no difference, for the interval of B − A contains 0."
    gain = abs(row["difference"]) / max(row["a"], row["b"])
    return f"{row['better'].upper()}, {names[row['better']]}, is better: {numbers}, {gain:.0%} less."


def _facts(result: Mapping[str, Any]) -> list[str]:
    blocks = sorted(result["blocks"].values())
    length = f"{blocks[0]}" if blocks[0] == blocks[-1] else f"{blocks[0]} to {blocks[-1]}"
    return [
        f"{result['frames']} frames in common",
        *(f"{result[f'only_{side}']} only in {side.upper()}" for side in ("a", "b") if result[f"only_{side}"]),
        f"{result['confidence']:.0%} intervals of the paired differences, bootstrapped in blocks of {length} frames",
    ]


def _row(name: str, row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "name": name,
        "arrow": "↑" if name in HIGHER_IS_BETTER else "↓",
        "a": f"{row['a']:.4f}",
        "b": f"{row['b']:.4f}",
        "difference": f"{row['difference']:+.4f}",
        "interval": f"{row['low']:+.4f} to {row['high']:+.4f}",
        "better": (row["better"] or "–").upper(),
        "best": row["better"] or "",
    }


def _strips(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Both errors over time, for each bag that both scored."""
    from redwood_depth.evaluation.report.comparison_figures import errors_over_time

    strips = []
    for index, (bag, other) in enumerate(_common_bags(a["bags"], b["bags"])[:_TIMELINES]):
        pair = bag["per_frame"], other["per_frame"]
        wide, narrow = (markup(errors_over_time(*pair, f"pair{index}{int(small)}", small)) for small in (False, True))
        strips.append({"name": text.bag_name(bag), "wide": wide, "narrow": narrow})
    return strips


def _common_bags(a: Sequence[Any], b: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Bags of the same name; or the only one of each side, whatever they are called."""
    if len(a) == len(b) == 1:
        return [(a[0], b[0])]
    others = {text.bag_name(bag): bag for bag in b}
    return [(bag, others[text.bag_name(bag)]) for bag in a if text.bag_name(bag) in others]
