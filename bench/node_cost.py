"""What the node costs when nothing happens, when nobody listens, and when there are several of it."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.against_engine import cost
from bench.camera import Camera, Rig, send_at, wait_until, warm_up
from bench.processes import OURS, NodeProcess
from bench.steps import percentiles
from redwood_depth.bundle import ModelBundle

Tick = Callable[[str], None]
_CAMERA_HZ = 30.0


def idle(bundle: ModelBundle, seconds: float, out: Path, tick: Tick) -> dict[str, Any]:
    """Processor time of a node without images, and of one whose images nobody wants the results of."""
    with Rig() as rig, NodeProcess(OURS, "idle", out / "idle.log", model=bundle.folder) as process:
        camera = Camera(rig.node, "idle")
        warm_up(camera, process.check)
        camera.settle()
        before = process.usage()
        for _ in range(max(1, round(seconds))):
            time.sleep(1.0)
            tick("a node without images")
        without_images = cost(before, process.usage(), 1)
        rig.node.destroy_subscription(camera.forget_depth())
        unwatched = camera.counts()["unwatched"]
        before = process.usage()
        send_at([camera], _CAMERA_HZ, seconds, lambda: tick("images, but nobody listens"))
        after = process.usage()
        sent = camera.counts()["unwatched"] - unwatched
    return {
        "without_images": {name: without_images[name] for name in ("cpu_percent", "memory_mb")},
        "unwatched": {"rate_hz": _CAMERA_HZ, "frames": sent, **cost(before, after, sent)},
    }


def several(bundle: ModelBundle, counts: Sequence[int], seconds: float, out: Path, tick: Tick) -> list[dict[str, Any]]:
    """As many nodes as cameras, each camera at 30 Hz; `counts` of them, one after the other."""
    return [_together(bundle, count, seconds, out, tick) for count in counts]


def _together(bundle: ModelBundle, count: int, seconds: float, out: Path, tick: Tick) -> dict[str, Any]:
    with contextlib.ExitStack() as stack:
        rig = stack.enter_context(Rig())
        names = [f"camera_{index}" for index in range(count)]
        processes = [
            stack.enter_context(NodeProcess(OURS, name, out / f"{name}.log", model=bundle.folder)) for name in names
        ]
        cameras = [Camera(rig.node, name) for name in names]
        for camera, process in zip(cameras, processes, strict=True):
            warm_up(camera, process.check)
        first = [camera.next_number for camera in cameras]
        before = [process.usage() for process in processes]
        took_s = send_at(cameras, _CAMERA_HZ, seconds, lambda: tick(f"{count} cameras at {_CAMERA_HZ:.0f} Hz"))
        after = [process.usage() for process in processes]
        wait_until(lambda: all(camera.arrived_s for camera in cameras), 5.0, "answers of every node")
        for camera in cameras:
            camera.settle(0.5)
        answers = [camera.latencies_ms(number) for camera, number in zip(cameras, first, strict=True)]
    rates = [len(answer) / took_s for answer in answers]
    used_s = sum(later.cpu_s - earlier.cpu_s for earlier, later in zip(before, after, strict=True))
    return {
        "cameras": count,
        "sent_hz": sum(camera.next_number - number for camera, number in zip(cameras, first, strict=True)) / took_s,
        "answered_hz": sum(rates),
        "least_hz": min(rates),
        "latency": percentiles([latency_ms for answer in answers for _, latency_ms in answer]),
        "cpu_ms_per_frame": 1e3 * used_s / max(1, sum(map(len, answers))),
        "cpu_percent": 100 * used_s / took_s,
        "memory_mb": sum(usage.memory_mb for usage in after),
    }
