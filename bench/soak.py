"""python -m bench.soak: the node at full speed for as long as is asked: memory, processor, latency, order.

A camera sends VGA frames at 30 Hz to the bundled model over DDS. At the end a table, and a verdict: after the warm-up
the node's own memory may grow by 1 MB/h at most, the p99 latency of the last minute be 10 % above the first's at most,
and no frame arrive out of order. Own memory is what is resident without shared pages: of DDS's segments a process
touches one more buffer whenever one more is in use at a time, up to the segments' sizes. A run of minutes says little
about an hour: the uncertainty is stated. Ctrl-C prints what is there so far.
"""

import argparse
import functools
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.evaluation.result_files import write_json
from redwood_depth.files import write_whole

MEMORY_LIMIT_MB_PER_H = 1.0
P99_LIMIT = 1.10
_WARM_UP_SHARE, _WARM_UP_MOST_S = 0.2, 300.0
_MINUTE_S = 60.0


@dataclass(frozen=True)
class Window:
    """Some seconds of the run; memory without and with shared pages, latencies from image sent to depth received."""

    at_s: float
    memory_mb: float
    resident_mb: float
    cpu_percent: float
    sent: int
    answered: int
    out_of_order: int
    latencies_ms: list[float] = field(repr=False)


def run(
    bundle: ModelBundle,
    seconds: float,
    every_s: float,
    rate_hz: float,
    log: Path,
    windows: list[Window],
    tick: Callable[[str], None] = lambda note: None,
) -> dict[str, int]:
    """Fill `windows` as the run goes on; returns the node's own counts at the end. Raises EngineError."""
    from bench.camera import Camera, Rig, send_at, warm_up
    from bench.processes import OURS, NodeProcess

    with Rig() as rig, NodeProcess(OURS, "soak", log, model=bundle.folder) as process:
        camera = Camera(rig.node, "soak")
        warm_up(camera, process.check)
        camera.settle()
        camera.arrived_s.clear()
        started_s, newest, note = time.monotonic(), -1, ""
        for _ in range(max(1, round(seconds / every_s))):
            before, first = process.usage(), camera.next_number
            send_at([camera], rate_hz, min(every_s, seconds), functools.partial(tick, note))
            process.check()
            after = process.usage()
            arrived = list(camera.arrived_s.copy().items())  # in the order of arrival
            numbers = [newest, *(number for number, _ in arrived)]
            newest = max(numbers)
            window = Window(
                at_s=after.at_s - started_s,
                memory_mb=after.memory_mb - after.shared_mb,
                resident_mb=after.memory_mb,
                cpu_percent=100 * (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s),
                sent=camera.next_number - first,
                answered=len(arrived),
                out_of_order=sum(b < a for a, b in pairwise(numbers)),
                latencies_ms=[1e3 * (at_s - camera.sent_s[number]) for number, at_s in arrived],
            )
            windows.append(window)
            for number, _ in arrived:
                del camera.arrived_s[number]
            for number in [number for number in camera.sent_s if number < newest - 100]:
                del camera.sent_s[number]
            note = f"{window.memory_mb:.1f} MB, {window.cpu_percent:.0f} %, p99 {_p99(window.latencies_ms):.1f} ms"
        camera.settle()
        return camera.counts()


def judge(windows: Sequence[Window]) -> dict[str, Any]:
    """The figures of a run and whether each is within its limit; a slope counts as too steep beyond twice its error."""
    length_s = windows[-1].at_s
    warm = [w for w in windows if w.at_s > min(_WARM_UP_SHARE * length_s, _WARM_UP_MOST_S)]
    slope, error = _slope_per_hour([w.at_s for w in warm], [w.memory_mb for w in warm])
    minutes = _by_minute(warm)
    p99 = [_p99(latencies) for latencies in minutes]
    ratio = p99[-1] / p99[0] if p99 and p99[0] else 1.0
    figures = {
        "minutes": length_s / _MINUTE_S,
        "sent": sum(w.sent for w in windows),
        "answered": sum(w.answered for w in windows),
        "out_of_order": sum(w.out_of_order for w in windows),
        "memory_first_mb": warm[0].memory_mb,
        "memory_last_mb": warm[-1].memory_mb,
        "resident_first_mb": warm[0].resident_mb,
        "resident_last_mb": warm[-1].resident_mb,
        "memory_slope_mb_per_h": slope,
        "memory_slope_error_mb_per_h": error,
        "p99_first_minute_ms": p99[0] if p99 else 0.0,
        "p99_last_minute_ms": p99[-1] if p99 else 0.0,
        "p99_spread_of_minutes": float(np.std(p99) / np.mean(p99)) if p99 else 0.0,
        "p50_ms": float(np.median([ms for w in warm for ms in w.latencies_ms] or [0.0])),
        "cpu_percent": float(np.mean([w.cpu_percent for w in warm])),
    }
    verdict = {
        "memory": slope - 2 * error <= MEMORY_LIMIT_MB_PER_H,
        "p99": len(p99) < 2 or ratio <= P99_LIMIT,
        "order": figures["out_of_order"] == 0,
    }
    return {**figures, "within_limits": verdict}


def _slope_per_hour(at_s: Sequence[float], memory_mb: Sequence[float]) -> tuple[float, float]:
    """Least-squares slope and its standard error, per hour; the error is infinite with less than three points."""
    if len(at_s) < 3:
        return 0.0, float("inf")
    hours = np.asarray(at_s) / 3600
    (slope, offset), residuals = np.polyfit(hours, memory_mb, 1), np.asarray(memory_mb)
    residuals = residuals - (slope * hours + offset)
    spread = np.sum((hours - hours.mean()) ** 2)
    return float(slope), float(np.sqrt(np.sum(residuals**2) / (len(hours) - 2) / spread))


def _by_minute(windows: Sequence[Window]) -> list[list[float]]:
    """Latencies of each minute; the last one is the last 60 s, so that no minute is a short one."""
    if not windows:
        return []
    first_s, last_s = windows[0].at_s, windows[-1].at_s
    starts = [first_s + _MINUTE_S * index for index in range(int((last_s - first_s) // _MINUTE_S))]
    spans = [(start, start + _MINUTE_S) for start in starts[:-1]] + [(last_s - _MINUTE_S, last_s + 1)] * bool(starts)
    return [[ms for w in windows if begin <= w.at_s < end for ms in w.latencies_ms] for begin, end in spans]


def _p99(latencies_ms: Sequence[float]) -> float:
    return float(np.percentile(latencies_ms, 99)) if latencies_ms else float("nan")


def table(result: dict[str, Any]) -> str:
    """Markdown: what was measured, the limit, and whether it holds."""
    holds = {True: "yes", False: "**no**"}
    within = {name: holds[value] for name, value in result["within_limits"].items()}
    slope, error = result["memory_slope_mb_per_h"], result["memory_slope_error_mb_per_h"]
    first, last = result["p99_first_minute_ms"], result["p99_last_minute_ms"]
    memory = (
        f"{result['memory_first_mb']:.1f} to {result['memory_last_mb']:.1f} MB, {slope:+.2f} ± {2 * error:.2f} MB/h"
    )
    resident = f"{result['resident_first_mb']:.1f} to {result['resident_last_mb']:.1f} MB"
    p99 = f"{first:.1f} to {last:.1f} ms; minutes differ by {100 * result['p99_spread_of_minutes']:.0f} %"
    counts = result.get("node", {})
    return "\n".join(
        (
            f"{result['minutes']:.1f} minutes, {result['answered']} of {result['sent']} frames answered, p50 "
            f"{result['p50_ms']:.1f} ms, {result['cpu_percent']:.0f} % of one core; the node counted {counts}",
            "",
            "| | measured after the warm-up | limit | within |",
            "| --- | --- | --- | --- |",
            f"| own memory | {memory} | {MEMORY_LIMIT_MB_PER_H} MB/h | {within['memory']} |",
            f"| resident, with DDS's shared pages | {resident} | the segments' sizes | |",
            f"| p99 latency, first to last minute | {p99} | +{100 * (P99_LIMIT - 1):.0f} % | {within['p99']} |",
            f"| frames out of order | {result['out_of_order']} | 0 | {within['order']} |",
        )
    )


def _plain(figures: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no NaN and no infinity: None."""
    return {
        key: None if isinstance(value, float) and not np.isfinite(value) else value for key, value in figures.items()
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns 0 within all limits, 1 outside, 130 after Ctrl-C."""
    parser = command_parser("python -m bench.soak", __doc__ or "")
    parser.add_argument("--minutes", type=float, default=60.0, help="default %(default)s")
    parser.add_argument("--every", type=float, default=10.0, metavar="SECONDS", help="a look; default %(default)s")
    parser.add_argument("--rate", type=float, default=30.0, help="frames a second, default %(default)s")
    parser.add_argument("--model", type=Path, default=DEMO_BUNDLE, metavar="BUNDLE", help="default: the bundled one")
    parser.add_argument("--output", type=Path, default=Path("out/soak"), metavar="DIR", help="default: %(default)s")
    return run_command(parser, _command, argv)


def _command(arguments: argparse.Namespace) -> int:
    from bench.processes import isolate
    from redwood_depth.node.dds import use_shared_memory_profile

    isolate()
    use_shared_memory_profile()
    arguments.output.mkdir(parents=True, exist_ok=True)
    bundle, windows = ModelBundle.load(arguments.model), list[Window]()
    counts: dict[str, int] = {}
    seconds, log = 60 * arguments.minutes, arguments.output / "node.log"
    interrupted = False
    try:
        with Progress("frames", round(seconds * arguments.rate)) as progress:
            counts = run(bundle, seconds, arguments.every, arguments.rate, log, windows, progress.advance)
    except KeyboardInterrupt:
        interrupted = True
    if not windows:
        raise KeyboardInterrupt
    result = {**judge(windows), "node": counts}
    write_whole(arguments.output / "soak.md", table(result) + "\n")
    details = [_plain({**asdict(w), "p99_ms": _p99(w.latencies_ms), "latencies_ms": None}) for w in windows]
    write_json(arguments.output / "soak.json", {**_plain(result), "windows": details})
    print(table(result))
    if interrupted:
        return 130
    return 0 if all(result["within_limits"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
