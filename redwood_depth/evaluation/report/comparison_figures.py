"""Figures of a comparison as inline SVG. Needs matplotlib."""

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from redwood_depth.evaluation.comparison import ScoreDifference
from redwood_depth.evaluation.metrics import HIGHER_IS_BETTER
from redwood_depth.evaluation.report.colors import ATTENTION, BASELINE, INK, MATPLOTLIB, MODEL
from redwood_depth.evaluation.report.figures import WIDTH_IN, svg
from redwood_depth.evaluation.result import PerFrame

_COLORS = {"a": ATTENTION, "b": MODEL, None: BASELINE}


def intervals(scores: Mapping[str, ScoreDifference]) -> str:
    """Each score's relative change from A to B with its interval; to the right B is better."""
    with matplotlib.rc_context(MATPLOTLIB):
        figure = Figure(figsize=(WIDTH_IN, 0.3 * len(scores) + 0.9), layout="constrained")
        axes = figure.subplots()
        for place, (name, row) in enumerate(scores.items()):
            sign = (1.0 if name in HIGHER_IS_BETTER else -1.0) / max(abs(row.a), 1e-9)
            ends = sorted((sign * row.low, sign * row.high))
            axes.plot(ends, (place, place), color=_COLORS[row.better], lw=2.2, solid_capstyle="butt")
            axes.plot(sign * row.difference, place, "o", color=_COLORS[row.better], ms=5)
        axes.axvline(0, color=INK, lw=1)
        axes.set_yticks(range(len(scores)), list(scores))
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel("A is better  ←   change relative to A   →  B is better")
        axes.grid(axis="x")
        words = ", ".join(f"{name} {row.difference:+.3f}" for name, row in scores.items())
        return svg(figure, "intervals", f"Paired differences B minus A with confidence intervals: {words}.")


def errors_over_time(a: PerFrame, b: PerFrame, name: str, narrow: bool) -> str:
    """Relative error of each frame of both along the bag's time."""
    with matplotlib.rc_context(MATPLOTLIB):
        figure = Figure(figsize=(WIDTH_IN if narrow else 2.1 * WIDTH_IN, 2.1), layout="constrained")
        axes = figure.subplots()
        errors = [np.array(frames.scores["abs_rel"], float) for frames in (a, b)]
        for side, frames, error in zip("ab", (a, b), errors, strict=True):
            axes.plot(frames.time_s, error, color=_COLORS[side], lw=1.2, label=side.upper())
        axes.set_ylim(0, 1.1 * max(*(np.nanmax(error) for error in errors), 0.01))
        axes.set_xlim(0, max(*a.time_s, *b.time_s, 0.1))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_ylabel("relative error")
        axes.set_xlabel("time in the bag (s)")
        axes.grid(axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=2, borderaxespad=0.1)
        means = " and ".join(f"{np.nanmean(error):.0%} for {side}" for side, error in zip("AB", errors, strict=True))
        return svg(figure, name, f"Relative error of A and B over time; means {means}.")
