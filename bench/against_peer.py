"""Our node against the usual way (bench/peer_node.py): same weights, same frames, same camera, in turn."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.against_engine import cost
from bench.camera import Camera, Rig, send_at, warm_up
from bench.processes import OURS, NodeProcess
from bench.steps import growth, percentiles
from redwood_depth.bundle import ModelBundle
from redwood_depth.errors import EngineError

Tick = Callable[[str], None]
_TURNS = 4
_HELD_SHARE = 0.7  # of what the peer can do
_LARGEST_DIFFERENCE = 0.01  # of the depth, between the two
_CAMERA_HZ = (30.0, 60.0)


class _Side:
    """One of the two nodes and its camera."""

    def __init__(self, rig: Rig, process: NodeProcess, namespace: str) -> None:
        self.process = process
        self.camera = Camera(rig.node, namespace)

    def turn(self, rate_hz: float, seconds: float, tick: Callable[[], None]) -> dict[str, Any]:
        """Send for a while, wait for the last answer; raw figures of this turn."""
        first, used = self.camera.next_number, self.process.usage()
        took_s = send_at([self.camera], rate_hz, seconds, tick)
        self.camera.settle(1.5)
        self.process.check()
        latencies, after = self.camera.latencies_ms(first), self.process.usage()
        figures = cost(used, after, len(latencies))
        return {"sent": self.camera.next_number - first, "took_s": took_s, "latencies": latencies, **figures}

    def one_at_a_time(self, frames: int, tick: Callable[[], None]) -> list[float]:
        """Latencies in ms where each frame waits for the answer to the one before."""
        latencies_ms = []
        for _ in range(frames):
            self.process.check()
            if (latency_s := self.camera.ask()) is not None:
                latencies_ms.append(1e3 * latency_s)
            tick()
        return latencies_ms


def compare(bundle: ModelBundle, packages: str, seconds: float, out: Path, tick: Tick) -> dict[str, Any]:
    """Both nodes alive, a camera for each, and turns of sending to one or the other.

    Args:
        bundle: the model of both.
        packages: folder of Python packages with torch and onnx; empty: they are in this environment.
        seconds: of sending to each node at each rate.
        out: for logs.
        tick: called at each frame with what is under way.

    Raises:
        EngineError: a node does not start, or they do not agree on the depth.
    """
    threads, tried = _best_threads(bundle, packages, out, tick)
    with (
        Rig() as rig,
        NodeProcess(OURS, "ours", out / "ours.log", model=bundle.folder, backend="onnxruntime") as our_process,
        _peer(bundle, packages, threads, out) as peer_process,
    ):
        sides = {"ours": _Side(rig, our_process, "ours"), "peer": _Side(rig, peer_process, "peer")}
        for side in sides.values():
            warm_up(side.camera, side.process.check)
        difference = _difference(sides["ours"].camera, sides["peer"].camera)
        alone: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(_TURNS):
            for name, side in sides.items():
                alone[name] += side.one_at_a_time(max(5, int(4 * seconds) // _TURNS), lambda: tick("one at a time"))
        at_a_time = {name: percentiles(values) for name, values in alone.items()}
        held_hz = min(_CAMERA_HZ[0], _HELD_SHARE * 1e3 / at_a_time["peer"]["p50_ms"])
        rates = [_at_rate(sides, rate_hz, seconds, tick) for rate_hz in sorted({held_hz, *_CAMERA_HZ})]
        peer_words = (out / "peer.log").read_text("utf-8", "replace").strip().splitlines()
    return {
        "model": f"{bundle.name} {bundle.version}",
        "peer": next((line.split("]: ")[-1] for line in peer_words if "PyTorch" in line), ""),
        "peer_threads": threads,
        "peer_threads_tried_ms": tried,
        "largest_difference": difference,
        "one_at_a_time": {**at_a_time, "ratio_p50": at_a_time["peer"]["p50_ms"] / at_a_time["ours"]["p50_ms"]},
        "at_rate": rates,
    }


def _peer(bundle: ModelBundle, packages: str, threads: int, out: Path) -> NodeProcess:
    return NodeProcess("bench.peer_node", "peer", out / "peer.log", (str(bundle.folder), packages, str(threads)))


def _best_threads(bundle: ModelBundle, packages: str, out: Path, tick: Tick) -> tuple[int, dict[str, float]]:
    """The peer's better thread setting on this machine, and the median latency in ms with each; 0: PyTorch's own."""
    tried: dict[int, float] = {}
    for threads in (0, 1):
        with Rig() as rig, _peer(bundle, packages, threads, out) as process:
            side = _Side(rig, process, "peer")
            warm_up(side.camera, process.check)
            latencies = side.one_at_a_time(30, lambda: tick("the usual node: its better number of threads"))
            if not latencies:
                raise EngineError("the usual node answers nothing")
            tried[threads] = percentiles(latencies)["p50_ms"]
    best = min(tried, key=lambda threads: tried[threads])
    return best, {str(threads or "PyTorch's own"): latency_ms for threads, latency_ms in tried.items()}


def _difference(ours: Camera, peer: Camera) -> float:
    """Largest relative difference of depth on one frame, or EngineError where they do not compute the same."""
    answers = []
    for camera in (ours, peer):
        while camera.next_number % 15:  # the same frame of the bag
            camera.ask()
        camera.ask()
        answers.append(np.array(camera.depth_m()))
    difference = float(np.max(np.abs(answers[0] - answers[1]) / answers[0]))
    if not difference <= _LARGEST_DIFFERENCE:
        raise EngineError(
            f"the two nodes differ by up to {difference:.1%} of the depth: they do not run the same model"
        )
    return difference


def _at_rate(sides: dict[str, _Side], rate_hz: float, seconds: float, tick: Tick) -> dict[str, Any]:
    turns: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    for _ in range(_TURNS):
        for name, side in sides.items():
            what = f"{name} at {rate_hz:.0f} Hz"
            turns[name].append(side.turn(rate_hz, seconds / _TURNS, functools.partial(tick, what)))
    result: dict[str, Any] = {"rate_hz": rate_hz, **{name: _summary(turns[name]) for name in sides}}
    ours, peer = result["ours"], result["peer"]
    result["ratio_p50"] = peer["latency"]["p50_ms"] / ours["latency"]["p50_ms"]
    result["ratio_p99"] = peer["latency"]["p99_ms"] / ours["latency"]["p99_ms"]
    return result


def _summary(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """All turns of one side; growth is that within a turn, the median over the turns."""
    sent = sum(turn["sent"] for turn in turns)
    latencies = [latency_ms for turn in turns for _, latency_ms in turn["latencies"]]
    if not latencies:
        raise EngineError("a node answered nothing while it was compared")
    grown = [growth(turn["latencies"]).get("last_to_first", 1.0) for turn in turns]
    return {
        "sent": sent,
        "arrived": len(latencies),
        "answered_hz": len(latencies) / sum(turn["took_s"] for turn in turns),
        "latency": percentiles(latencies),
        "last_to_first": float(np.median(grown)),
        "cpu_ms_per_frame": float(np.mean([turn["cpu_ms_per_frame"] for turn in turns])),
        "memory_mb": max(turn["memory_mb"] for turn in turns),
    }
