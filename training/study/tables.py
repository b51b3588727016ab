"""The study's results for people: tables in Markdown and one figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from redwood_depth.files import whole_path, write_whole
from training.network.encoder import NORMALIZATIONS, TRAINABLE
from training.study.cells import ENCODERS, RECIPE
from training.study.grid import Results

matplotlib.use("Agg")
from matplotlib import pyplot

TABLE, FIGURE = "study.md", "study.png"
WORDS = {"encoder": "its own", "divide_by_255": "/ 255 alone", "twice": "scaled twice"}

Row = dict[str, Any]


def write_report(results: Results, folder: Path) -> None:
    """Write study.md and study.png into `folder`."""
    write_whole(folder / TABLE, as_markdown(results))
    with whole_path(folder / FIGURE) as partial:
        figure = _figure(results)
        figure.savefig(partial, dpi=110, format="png")
        pyplot.close(figure)


def rows_of(cells: Sequence[Row], table: str) -> list[Row]:
    """The rows of a table in order: means over seeds, and from which to which MAE they reach."""
    names = dict.fromkeys(cell["row"] for cell in cells if cell["table"] == table)
    rows = []
    for name in names:
        same = [cell for cell in cells if (cell["table"], cell["row"]) == (table, name)]
        maes = [cell["scores"]["mae"] for cell in same]
        means = {key: float(np.mean([cell["scores"][key] for cell in same])) for key in ("mae", "abs_rel", "delta1")}
        rows.append(
            {"row": name, **same[0]["varied"], **means, "seeds": len(same), "low": min(maes), "high": max(maes)}
        )
    return rows


def as_markdown(results: Results) -> str:
    head, constant = results.head, results.head["best_constant"]
    size = " x ".join(map(str, head["size"]))
    lines = [
        f"{head['training']['frames']} training frames of {head['training']['scans']} scans, {size} pixels, about "
        f"{head['steps']} steps of {head['batch']}; scored on {head['test']['frames']} frames of "
        f"{head['test']['scans']} held-out scans, paired by stamp, missing depth masked. Pairs of different moments: "
        + ", ".join(f"{count} where paired by {name}" for name, count in head["wrong_pairs"].items())
        + f". {head['seeds']} seed(s); {head['machine']}.",
        "",
    ]
    best = ["best constant depth, " + f"{constant['constant_m']:.2f} m", *_numbers(constant)]
    if recipe := rows_of(results.cells, RECIPE):
        lines += ["| each line keeps the changes above it | MAE | AbsRel | delta1 |", "| --- | --- | --- | --- |"]
        lines += [_line([row["row"].replace(" / ", ". ", 1), *_numbers(row)]) for row in recipe] + [_line(best), ""]
    if encoders := rows_of(results.cells, ENCODERS):
        lines += [
            "| encoder | trained of it | preprocessing | paired by | MAE | AbsRel | delta1 |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for row in encoders:
            words = [row["encoder"], row["encoder_training"], WORDS[row["normalisation"]], row["pairing"]]
            lines.append(_line([*words, *_numbers(row)]))
        lines += [_line([best[0], "", "", "", *best[1:]]), ""]
    if results.missing:
        lines += [f"Not trained yet: {len(results.missing)} cells.", ""]
    lines += [f"Skipped: {name}: {reason}" for name, reason in results.skipped.items()]
    lines += [f"Failed: {name}: {reason}" for name, reason in results.failed.items()]
    return "\n".join(lines).rstrip() + "\n"


def _numbers(row: Row) -> list[str]:
    spread = f" ({row['low']:.3f} to {row['high']:.3f})" if row.get("seeds", 1) > 1 else ""
    return [f"{row['mae']:.3f} m{spread}", f"{row['abs_rel']:.3f}", f"{row['delta1']:.3f}"]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(results: Results) -> Any:
    recipe, encoders = (rows_of(results.cells, table) for table in (RECIPE, ENCODERS))
    groups = list(dict.fromkeys((row["encoder"], row["encoder_training"]) for row in encoders))
    tall = max(2.4, 0.42 * max(len(recipe), 1.1 * len(groups)) + 1.2)
    tables = [("from the paper's recipe to ours", recipe)] * bool(recipe)
    tables += [("encoders, paper's loss", encoders)] * bool(encoders)
    across = max(1, len(tables))
    figure, axes = pyplot.subplots(1, across, figsize=(5.5 * across, tall), layout="constrained", squeeze=False)
    constant_mae = results.head["best_constant"]["mae"]
    for axis, (title, rows) in zip(axes[0], tables, strict=False):
        if rows is recipe:
            _recipe(axis, rows)
        else:
            _encoders(axis, rows, groups)
        axis.axvline(constant_mae, color="0.4", linestyle="--", linewidth=1)
        axis.annotate(
            "best constant",
            (constant_mae, 1),
            (2, -2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            rotation=90,
            va="top",
            fontsize=7,
            color="0.4",
        )
        axis.set(xlabel="MAE on held-out scans, m")
        axis.set_title(title, fontsize=9)
        axis.set_xlim(left=0)
        axis.tick_params(labelsize=7)
        axis.grid(axis="x", alpha=0.3)
    return figure


def _recipe(axis: Any, rows: Sequence[Row]) -> None:
    at = np.arange(len(rows))
    means = np.array([row["mae"] for row in rows])
    spread = np.array([[row["mae"] - row["low"], row["high"] - row["mae"]] for row in rows]).reshape(-1, 2).T
    axis.barh(at, means, xerr=spread if spread.any() else None, color="tab:blue", height=0.6)
    for y, mean in zip(at, means, strict=True):
        axis.text(mean * 0.98, y, f"{mean:.2f}", va="center", ha="right", fontsize=7, color="white")
    axis.set_yticks(at, [row["row"].partition(" / ")[2] for row in rows])
    axis.invert_yaxis()


def _encoders(axis: Any, rows: Sequence[Row], groups: Sequence[tuple[str, str]]) -> None:
    colors = dict(zip(NORMALIZATIONS, ("tab:green", "tab:orange", "tab:red"), strict=True))
    for row in rows:
        y = groups.index((row["encoder"], row["encoder_training"])) + 0.2 * (row["pairing"] == "position") - 0.1
        face = colors[row["normalisation"]] if row["pairing"] == "stamp" else "white"
        axis.plot(row["mae"], y, "o", color=colors[row["normalisation"]], markerfacecolor=face, markersize=6)
    for name, color in colors.items():
        axis.plot([], [], "o", color=color, label=WORDS[name])
    axis.plot([], [], "o", color="0.4", markerfacecolor="white", label="paired by position")
    axis.set_yticks(range(len(groups)), [f"{name}\n{_trained(training)}" for name, training in groups])
    axis.invert_yaxis()
    axis.margins(y=0.15)
    axis.figure.legend(fontsize=7, loc="outside lower right", ncols=4)


def _trained(training: str) -> str:
    return dict(zip(TRAINABLE, ("frozen", "partly trained", "all trained"), strict=True))[training]
