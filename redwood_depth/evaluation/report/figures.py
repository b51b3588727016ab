"""The report's figures as inline SVG. Needs matplotlib; draws without pyplot, so nothing is shared or left open."""

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter
from numpy.typing import NDArray

from redwood_depth.evaluation.depth_result import DepthSummary, DistanceBin
from redwood_depth.evaluation.report.colors import ATTENTION, BAD, BASELINE, INK, MATPLOTLIB, MODEL, MUTED, RULE
from redwood_depth.evaluation.report.frame_selection import Evidence
from redwood_depth.evaluation.result import RecordingResult

WIDTH_IN = 4.4
_LEAST_WEIGHT = 0.05  # places of the image with less of the ground truth than this are left blank
_DEPTH_TICKS_M = (0.1, 0.2, 0.5, 1, 2, 3, 4, 6, 8, 10, 20, 50, 100)


def svg(figure: Figure, name: str, alt: str) -> str:
    """The figure as an <svg> element that scales with the page, `alt` its text for screen readers."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(?<=id=")|(?<=href="#)|(?<=url\(#)', f"{name}-", text)  # ids must differ within the page
    text = re.sub(r'\s(width|height)="[\d.]+pt"', "", text, count=2)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(alt, quote=True)}"', 1)


def by_distance(rows: Sequence[DistanceBin]) -> str:
    """Relative error of model and best constant in each bin of true distance, and how many pixels lie there."""
    with matplotlib.rc_context(MATPLOTLIB):
        figure = Figure(figsize=(WIDTH_IN, 4.0), layout="constrained")
        errors, shares = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3.2, 1]})
        places = np.arange(len(rows))
        errors.bar(places, [row.abs_rel for row in rows], 0.62, color=MODEL, label="model")
        constants = [row.constant_abs_rel for row in rows]
        errors.hlines(constants, places - 0.4, places + 0.4, color=INK, lw=1.6, label="best constant depth")
        errors.set_ylim(0, 1.12 * min(max(*(row.abs_rel for row in rows), *constants, 0.01), 1.5))
        errors.set_ylabel("relative error")
        errors.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        errors.grid(axis="y")
        errors.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=2, borderaxespad=0.1)
        shares.bar(places, [row.share for row in rows], 0.62, color=BASELINE)
        shares.set_ylabel("pixels")
        shares.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        shares.set_xticks(places, [f"{row.from_m:g}–{row.to_m:g}" for row in rows])
        shares.set_xlabel("true distance (m)")
        words = ", ".join(f"{row.from_m:g} to {row.to_m:g} m {row.abs_rel:.0%}" for row in rows)
        return svg(figure, "distance", f"Bar chart of the relative error by true distance: {words}.")


def density(evidence: Evidence) -> str:
    """Predicted against true depth of all pixels, with the median prediction at each true depth."""
    counts, edges_m = evidence.density, evidence.depth_edges_m
    low, high = _extent(counts)
    share = counts / max(int(counts.sum()), 1)
    shown = np.ma.masked_equal(share[low:high, low:high].T, 0)
    span = edges_m[low], edges_m[high]
    with matplotlib.rc_context(MATPLOTLIB):
        figure = Figure(figsize=(WIDTH_IN, 4.0), layout="constrained")
        axes = figure.subplots()
        axes.pcolormesh(
            *(edges_m[low : high + 1],) * 2, shown, norm=LogNorm(1e-7), cmap="Blues", rasterized=True, linewidth=0
        )
        axes.plot(span, span, color=INK, lw=1, label="perfect")
        for factor in (1 / 1.25, 1.25):
            label = "within factor 1.25 (delta1)" if factor > 1 else None
            axes.plot(span, [factor * depth_m for depth_m in span], color=MUTED, lw=0.8, ls=(0, (4, 3)), label=label)
        axes.plot(*_medians(counts, edges_m), color=ATTENTION, lw=1.8, label="median prediction")
        axes.set(xscale="log", yscale="log", xlim=span, ylim=span)
        _depth_ticks(axes, span)
        axes.set_xlabel("true depth (m)")
        axes.set_ylabel("predicted depth (m)")
        axes.legend(loc="upper left", fontsize=8)
        figure.set_dpi(160)
        alt = "Density of predicted against true depth on logarithmic axes, with the line of perfect prediction."
        return svg(figure, "density", alt)


def error_maps(evidence: Evidence, narrow: bool) -> str:
    """Mean relative error, and its sign, over the image."""
    weight, absolute, signed = evidence.error
    with np.errstate(invalid="ignore"), matplotlib.rc_context(MATPLOTLIB):
        figure = Figure(figsize=(WIDTH_IN, 6.2) if narrow else (2.1 * WIDTH_IN, 3.3), layout="constrained")
        left, right = figure.subplots(2, 1) if narrow else figure.subplots(1, 2)
        known = weight > _LEAST_WEIGHT * weight.max()
        error = np.where(known, absolute / weight, np.nan)
        top = max(0.05, float(np.nanpercentile(error, 99)))
        _map(left, error, "mean relative error", "magma_r", (0.0, top))
        bias = np.where(known, signed / weight, np.nan)
        reach = max(0.05, float(np.nanpercentile(np.abs(bias), 99)))
        _map(right, bias, "bias: red too far, blue too near", "RdBu_r", (-reach, reach))
        figure.set_dpi(160)
        mean = float(np.nanmean(error))
        alt = f"Two maps over the image: mean relative error, {mean:.0%} on average, and its sign."
        return svg(figure, "mapsn" if narrow else "mapsw", alt)


def _map(axes: Axes, values: NDArray[Any], title: str, colors: str, limits: tuple[float, float]) -> None:
    shown = axes.imshow(values, cmap=colors, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(RULE)
    bar = axes.figure.colorbar(shown, ax=axes, format=PercentFormatter(1, decimals=0), fraction=0.04, pad=0.02)
    bar.outline.set_visible(False)


def over_time(bag: RecordingResult, depth: DepthSummary, name: str, narrow: bool) -> str:
    """Error of each frame along the bag's time; frames without a score as marks below."""
    errors, best = bag.per_frame.scores["abs_rel"], depth.baselines["best_constant"]
    with matplotlib.rc_context(MATPLOTLIB):
        figure = Figure(figsize=(WIDTH_IN if narrow else 2.1 * WIDTH_IN, 2.1), layout="constrained")
        axes = figure.subplots()
        times = np.array(bag.per_frame.time_s)
        gaps = np.diff(times, prepend=times[0]) > 1.0
        error = np.where(gaps, np.nan, np.array(errors, float))
        axes.plot(times, error, color=MODEL, lw=1.2, label="model")
        axes.axhline(depth.scores.abs_rel, color=MODEL, lw=0.9, ls=(0, (4, 3)), label="its mean")
        constant = best.scores.abs_rel
        axes.axhline(constant, color=INK, lw=1.2, label=f"best constant depth ({best.depth_m:.2f} m)")
        unscored = [frame.time_s for frame in bag.unscored]
        if unscored:
            axes.plot(unscored, np.zeros(len(unscored)), "|", color=BAD, ms=9, label="not scored", clip_on=False)
        axes.set_xlim(0, max(bag.duration_s, 0.1))
        axes.set_ylim(0, 1.1 * max(np.nanmax(error), constant, 0.01))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_ylabel("relative error")
        axes.set_xlabel("time in the bag (s)")
        axes.grid(axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=2 if narrow else 4, borderaxespad=0.1)
        span = f"between {np.nanmin(error):.0%} and {np.nanmax(error):.0%}"
        return svg(figure, name, f"Relative error over the bag's {bag.duration_s:.1f} s, {span}.")


def latencies(latencies_ms: Sequence[float], percentiles: Mapping[str, float]) -> str:
    """Histogram of image sent to depth received, with its percentiles."""
    with matplotlib.rc_context(MATPLOTLIB):
        figure = Figure(figsize=(WIDTH_IN, 2.4), layout="constrained")
        axes = figure.subplots()
        top = float(np.percentile(latencies_ms, 99.5)) * 1.15
        axes.hist(np.minimum(latencies_ms, top), bins=40, range=(0, top), color=MODEL)
        for (name, value), style in zip(percentiles.items(), ("-", (0, (5, 3)), (0, (2, 2))), strict=False):
            axes.axvline(value, color=ATTENTION, lw=1.4, ls=style, label=f"{name} {value:.0f} ms")
        axes.set_xlim(0, top)
        axes.set_xlabel("image sent to depth received (ms)")
        axes.set_ylabel("frames")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=3, borderaxespad=0.1)
        words = ", ".join(f"{name} {value:.0f} ms" for name, value in percentiles.items())
        return svg(figure, "latency", f"Histogram of latency: {words}.")


def _extent(counts: NDArray[np.int64]) -> tuple[int, int]:
    """Bins that hold all but a few of the pixels, of either depth."""
    of_both = np.cumsum(counts.sum(axis=0) + counts.sum(axis=1))
    low, high = np.searchsorted(of_both, np.array((0.0005, 0.9995)) * of_both[-1])
    return max(int(low) - 3, 0), min(int(high) + 4, len(of_both))


def _medians(counts: NDArray[np.int64], edges_m: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Median prediction of each true bin with enough pixels to have one worth drawing."""
    middles = np.sqrt(edges_m[:-1] * edges_m[1:])
    rows = [row for row in range(len(counts)) if counts[row].sum() > 1e-3 * counts.sum()]
    places = [int(np.searchsorted(np.cumsum(counts[row]), counts[row].sum() / 2)) for row in rows]
    return [float(middles[row]) for row in rows], [float(middles[place]) for place in places]


def _depth_ticks(axes: Axes, span: tuple[float, float]) -> None:
    ticks = [tick for tick in _DEPTH_TICKS_M if span[0] <= tick <= span[1]]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks)
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
