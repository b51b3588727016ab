"""The page: results and evidence of an evaluation -> one HTML file without any reference to the outside."""

from pathlib import Path
from typing import Any

from redwood_depth.errors import ReportError
from redwood_depth.evaluation.report import text
from redwood_depth.evaluation.report.frame_selection import Evidence, Panel
from redwood_depth.evaluation.report.pictures import (
    ERROR_LIMIT,
    depth_gradient,
    error_gradient,
    frame_pictures,
    shown_range_m,
)
from redwood_depth.evaluation.result import EvaluationResult
from redwood_depth.files import write_whole

_TEMPLATE = "report.html.j2"
_TIMELINES = 12


def check_report_packages() -> None:
    """Raises ReportError where jinja2 or matplotlib is missing: before the work, not after it."""
    try:
        import jinja2
        import matplotlib.figure
    except ImportError as error:
        raise ReportError(f"a report needs jinja2 and matplotlib ({error}): pip install jinja2 matplotlib") from error
    del jinja2, matplotlib


def write_report(path: Path, result: EvaluationResult, evidence: Evidence) -> None:
    """Write the report of `result` in one step.

    Raises:
        ReportError: jinja2 or matplotlib is missing.
        OSError: the file cannot be written.
    """
    text = render_report(result, evidence)
    write_whole(path, text)


def render_report(result: EvaluationResult, evidence: Evidence) -> str:
    """The page as text. Raises ReportError where jinja2 or matplotlib is missing."""
    check_report_packages()
    return render(_TEMPLATE, **_figures(result, evidence), **_frames(result, evidence), **text.context(result))


def render(template: str, **context: Any) -> str:
    """A template of this folder with `context` and the common style; every text is escaped unless it is `markup`."""
    check_report_packages()
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    css = markup((Path(__file__).parent / "report.css").read_text("utf-8"))
    return environment.get_template(template).render(css=css, **context)


def markup(text: str) -> Any:
    """Text that is HTML already: our own CSS and figures, never what comes from a bag."""
    from markupsafe import Markup

    return Markup(text)


def _figures(result: EvaluationResult, evidence: Evidence) -> dict[str, Any]:
    from redwood_depth.evaluation.report import figures

    drawn = {}
    if depth := result.summary.depth:
        drawn = {
            "distance": figures.by_distance(depth.by_distance),
            "density": figures.density(evidence),
            "maps": figures.error_maps(evidence, narrow=False),
            "maps_narrow": figures.error_maps(evidence, narrow=True),
        }
    if result.live:
        drawn["latency"] = figures.latencies(result.live.latencies_ms, result.live.percentiles_ms())
    strips = []
    named = zip(result.names, result.bags, strict=True)
    with_depth = [(name, bag, bag.summary.depth) for name, bag in named if bag.summary.depth]
    for index, (name, bag, of_bag) in enumerate(with_depth[:_TIMELINES]):
        wide, narrow = (
            markup(figures.over_time(bag, of_bag, f"time{index}{'n' if small else 'w'}", small))
            for small in (False, True)
        )
        strips.append({"name": name, "wide": wide, "narrow": narrow})
    return {
        "figures": {name: markup(svg) for name, svg in drawn.items()},
        "timelines": strips,
        "hidden_timelines": max(0, len(with_depth) - _TIMELINES),
    }


def _frames(result: EvaluationResult, evidence: Evidence) -> dict[str, Any]:
    if not result.summary.depth:
        return {"panels": []}
    of_frames = (error for bag in result.bags for error in bag.per_frame.scores.get("abs_rel", ()))
    errors = sorted(error for error in of_frames if error is not None)
    median = evidence.median(errors[len(errors) // 2])
    named = [("Best", evidence.best), ("Median", median), ("Worst", evidence.worst)]
    shown = [(name, panel) for name, panel in named if panel is not None]
    range_m = shown_range_m([panel for _, panel in shown])
    return {
        "panels": [_panel(name, panel, range_m, result) for name, panel in shown],
        "depth_legend": {"low": f"{range_m[0]:g}", "high": f"{range_m[1]:g}", "stops": depth_gradient(range_m)},
        "error_legend": {"limit": f"{100 * ERROR_LIMIT:.0f}", "stops": error_gradient()},
    }


def _panel(name: str, panel: Panel, range_m: tuple[float, float], result: EvaluationResult) -> dict[str, Any]:
    place, bag = next((place, bag) for place, bag in enumerate(result.bags) if bag.bag == panel.bag)
    time_s = bag.per_frame.time_s[bag.per_frame.stamp_ns.index(panel.stamp_ns)]
    where = f"{result.names[place]}, " if len(result.bags) > 1 else ""
    caption = f"{where}{time_s:.2f} s: AbsRel {panel.scores['abs_rel']:.3f}, MAE {panel.scores['mae']:.2f} m"
    class_line = text.class_line(panel.class_scores, result.model)
    return {"name": name, "caption": caption, "pictures": frame_pictures(panel, range_m), "class_line": class_line}
