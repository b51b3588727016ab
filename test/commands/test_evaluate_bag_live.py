"""evaluate_bag --live: a bag through DDS into a node of its own, and what the node publishes scored beside its cost."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from bag_samples import rgbd_messages, write_bag

from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.evaluate_bag import main
from redwood_depth.evaluation.live.process_watch import ProcessWatch

FRAMES = 30


@pytest.mark.usefixtures("ros_domain")
def test_live_and_direct_scores_agree(
    tmp_path: Path, tiny_bundle: ModelBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    depths = [np.full((480, 640), 2000 + 20 * index, np.uint16) for index in range(FRAMES)]
    bag = write_bag(tmp_path / "bag", rgbd_messages(FRAMES, depths, brightness=51))
    results = {}
    for name, options in (("direct", []), ("live", ["--live", "--rate", "0.5", "--report", str(tmp_path / "r.html")])):
        target = tmp_path / f"{name}.json"
        code = main([str(bag), "--model", str(tiny_bundle.folder), "--json", str(target), *options])
        assert code == 0, capsys.readouterr().err
        results[name] = json.loads(target.read_text())
    live, frames = results["live"]["live"], results["live"]["bags"][0]["per_frame"]
    direct = dict(zip(*(results["direct"]["bags"][0]["per_frame"][name] for name in ("stamp_ns", "mae")), strict=True))
    assert live["sent"] == FRAMES
    assert live["answered"] == results["live"]["frames"] >= 0.9 * FRAMES
    assert live["dropped"] == FRAMES - live["answered"]
    assert 0 < live["latency_p50_ms"] <= live["latency_p95_ms"] <= live["latency_p99_ms"] < 2000
    assert live["cpu_percent"] > 0
    assert live["memory_mb"] > 20
    assert live["sent_hz"] == pytest.approx(15.0 * FRAMES / (FRAMES - 1), rel=0.2)  # 30 Hz at half the pace
    assert frames["mae"] == pytest.approx([direct[stamp] for stamp in frames["stamp_ns"]], rel=0.01)
    assert "Latency through the node" in (tmp_path / "r.html").read_text("utf-8")
    assert "image sent to depth received" in capsys.readouterr().out


def test_a_busy_process_is_seen_at_work() -> None:
    with ProcessWatch(os.getpid()) as watch:
        end_s = time.monotonic() + 0.5
        while time.monotonic() < end_s:
            np.linalg.svd(np.ones((50, 50)))
    assert watch.cpu_percent > 5
    assert watch.memory_mb > 20
    with ProcessWatch(2**22 + 1) as watch:
        pass
    assert (watch.cpu_percent, watch.memory_mb) == (0.0, 0.0)
