"""Colors of the report, shared by figures and page, and what matplotlib is told."""

from typing import Any

INK, MUTED, RULE = "#16202b", "#5b6775", "#d5dbe1"
MODEL, BASELINE, GOOD, BAD, ATTENTION = "#0b63b0", "#8b97a3", "#157347", "#b3261e", "#b45309"
MISSING_RGB = (226, 230, 234)

MATPLOTLIB: Any = {
    "svg.fonttype": "none",  # text stays text: sharp, selectable, in the page's own font
    "svg.hashsalt": "redwood_depth",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "path.simplify": True,
}
