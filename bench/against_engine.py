"""The node against the bare engine: what the way through ROS costs on top of the network."""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.camera import Camera, Rig, send_at, warm_up
from bench.frames import frames_rgb
from bench.processes import NodeProcess, Usage
from bench.steps import growth, percentiles, read_records, receive_to_publish_ms, step_table
from redwood_depth.bundle import ModelBundle
from redwood_depth.engines import open_engine
from redwood_depth.errors import EngineError
from redwood_depth.images.decode import ColorImage

Tick = Callable[[str], None]
_OVERLOAD = 2.0
_PAUSE_S = 0.005  # after the depth the node publishes camera_info and classes: nothing may compete with that
_SHARE = 0.8  # of what the node can do: a rate that it must hold without dropping


def compare(bundle: ModelBundle, seconds: float, out: Path, tick: Tick) -> dict[str, Any]:
    """A frame through the node, the same frame through `engine.infer` alone, in turn, for `seconds`.

    Both wait for nothing else, so noise of the machine hits both alike. Latency of the node is from its callback to the
    last of its outputs published, by its own clock.
    """
    small = [ColorImage(image).resized_rgb(bundle.height, bundle.width) for image in frames_rgb()]
    engine = open_engine(bundle, "onnxruntime")
    file, engine_ms, answered = out / "steps.jsonl", [], []
    with Rig() as rig, _node(bundle, "alone", out, file) as process:
        camera = Camera(rig.node, "alone")
        warm_up(camera, process.check)
        for image in small:
            engine.infer(image)
        first, until_s, engine_cpu_s, used = camera.next_number, time.monotonic() + seconds, 0.0, process.usage()
        while time.monotonic() < until_s:
            process.check()
            latency_s = camera.ask()
            if latency_s is not None:
                answered.append(1e3 * latency_s)
            time.sleep(_PAUSE_S)
            image = small[camera.next_number % len(small)]
            started_s, started_cpu_s = time.monotonic(), time.process_time()
            engine.infer(image)
            engine_ms.append(1e3 * (time.monotonic() - started_s))
            engine_cpu_s += time.process_time() - started_cpu_s
            time.sleep(_PAUSE_S)
            tick(f"node and engine in turn, {bundle.name}")
        node_cost = cost(used, process.usage(), camera.next_number - first)
    description = str(engine.description)
    engine.close()
    records = read_records(file, first)
    if not records:
        raise EngineError(f"the node answered nothing of {bundle.name}; its words are in {out / 'alone.log'}")
    bare, node = percentiles(engine_ms), percentiles(receive_to_publish_ms(records))
    return {
        **_about(bundle),
        "engine_description": description,
        "pairs": len(records),
        "engine": bare,
        "node": node,
        "camera_to_depth": percentiles(answered),
        "ratio_p50": node["p50_ms"] / bare["p50_ms"],
        "ratio_p99": node["p99_ms"] / bare["p99_ms"],
        "steps": step_table(records, bare["p50_ms"]),
        "engine_cpu_ms": 1e3 * engine_cpu_s / len(engine_ms),
        "node_cpu_ms": node_cost["cpu_ms_per_frame"],
        "memory_mb": node_cost["memory_mb"],
    }


def sustain(
    bundle: ModelBundle, rate_hz: float | None, seconds: float, overload_s: float, out: Path, tick: Tick
) -> dict[str, Any]:
    """The node at a steady rate for `seconds`, then at twice the rate that it can do.

    `rate_hz` None: most of what it can do, which is measured first with one frame in work and one waiting.
    """
    with Rig() as rig, _node(bundle, "steady", out, out / "steady.jsonl") as process:
        camera = Camera(rig.node, "steady")
        warm_up(camera, process.check)
        most_hz = _most(camera, 5.0)
        wanted_hz = rate_hz or _SHARE * most_hz
        steady = _paced(camera, process, wanted_hz, seconds, lambda: tick(f"{bundle.name} at {wanted_hz:.0f} Hz"))
        twice_hz = _OVERLOAD * most_hz
        above = _paced(camera, process, twice_hz, overload_s, lambda: tick(f"{bundle.name} at {twice_hz:.0f} Hz"))
    return {**_about(bundle), "most_hz": most_hz, "steady": steady, "overload": above}


def _node(bundle: ModelBundle, namespace: str, out: Path, file: Path) -> NodeProcess:
    own = (str(file),)
    return NodeProcess(
        "bench.timed_node", namespace, out / f"{namespace}.log", own, model=bundle.folder, backend="onnxruntime"
    )


def _about(bundle: ModelBundle) -> dict[str, Any]:
    return {
        "model": f"{bundle.name} {bundle.version}",
        "encoder": bundle.encoder,
        "height": bundle.height,
        "width": bundle.width,
    }


def _arrived(camera: Camera, least: int) -> bool:
    return len(camera.arrived_s) >= least


def _most(camera: Camera, seconds: float) -> float:
    """Frames a second that the node answers when there is always one waiting."""
    until_s, before, sent = time.monotonic() + seconds, len(camera.arrived_s), 0
    while (left_s := until_s - time.monotonic()) > 0:
        least = before + sent - 1  # answers, so that one frame at most is on its way
        if camera.wait_for(functools.partial(_arrived, camera, least), left_s):
            camera.send()
            sent += 1
    answered = len(camera.arrived_s) - before
    camera.settle()
    return answered / seconds


def _paced(
    camera: Camera, process: NodeProcess, rate_hz: float, seconds: float, tick: Callable[[], None]
) -> dict[str, Any]:
    """Send at a rate, and what came of it: counts of both sides, latencies from sent to arrived, cost."""
    before, first, used = camera.counts(), camera.next_number, process.usage()
    took_s = send_at([camera], rate_hz, seconds, tick)
    camera.settle()
    process.check()
    after = camera.counts()
    counted = {name: after[name] - before[name] for name in after}
    latencies = camera.latencies_ms(first)
    sent = camera.next_number - first
    return {
        "rate_hz": rate_hz,
        "seconds": took_s,
        "sent": sent,
        "sent_hz": sent / took_s,
        **counted,
        "arrived": len(latencies),
        "answered_hz": len(latencies) / took_s,
        "counts_agree": counted["received"] == counted["published"] + counted["dropped"] + counted["bad"],
        "latency": percentiles([latency_ms for _, latency_ms in latencies]),
        **growth(latencies),
        **cost(used, process.usage(), counted["published"]),
    }


def cost(before: Usage, after: Usage, frames: int) -> dict[str, float]:
    """Processor time between two looks, a frame and in percent of a core; memory at both."""
    cpu_s = after.cpu_s - before.cpu_s
    return {
        "cpu_ms_per_frame": 1e3 * cpu_s / max(1, frames),
        "cpu_percent": 100 * cpu_s / (after.at_s - before.at_s),
        "memory_before_mb": before.memory_mb,
        "memory_mb": after.memory_mb,
    }
