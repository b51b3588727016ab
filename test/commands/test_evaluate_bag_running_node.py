"""evaluate_bag --live beside a node that runs already: it is used, its own cost is measured, and it lives on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from bag_samples import rgbd_messages, write_bag
from sensor_msgs.msg import Image

from bench.harness.ros import Client, NodeProcess
from bench.harness.tiny_bundle import write_tiny_bundle
from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.evaluate_bag import main
from redwood_depth.evaluation.live.process_watch import find_node_process

FRAMES = 20


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    depths = [np.full((480, 640), 2000, np.uint16)] * FRAMES
    return write_bag(tmp_path / "bag", rgbd_messages(FRAMES, depths, brightness=51))


@pytest.fixture
def node(ros_domain: str, tiny_bundle: ModelBundle) -> Iterator[NodeProcess]:
    with NodeProcess("front", "-r", "image:=/eye/picture", model=tiny_bundle.folder, backend="onnxruntime") as process:
        process.wait_for("active")
        yield process


def live(tmp_path: Path, *arguments: object) -> dict[str, Any]:
    target = tmp_path / "scores.json"
    assert main([*map(str, arguments), "--live", "--json", str(target)]) == 0
    return dict(json.loads(target.read_text()))


def test_a_running_node_is_used(
    tmp_path: Path, bag: Path, node: NodeProcess, tiny_bundle: ModelBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find_node_process("/front") == node.pid
    result = live(tmp_path, bag, "--rate", 0.5, "--report", tmp_path / "r.html")
    assert result["live"]["node"] == "/front/perception"
    assert not result["live"]["started"]
    assert result["model"]["sha256"] == tiny_bundle.sha256
    assert result["live"]["sent"] == FRAMES
    assert result["frames"] == result["live"]["answered"] >= 0.9 * FRAMES
    assert result["mae"] == pytest.approx(0.1, abs=0.01)
    assert result["focal_corrected"] == result["frames"]
    assert result["live"]["cpu_percent"] > 0
    assert result["live"]["memory_mb"] > 20
    assert "/front/perception, which ran already" in (tmp_path / "r.html").read_text("utf-8")
    captured = capsys.readouterr()
    assert "using the running node /front/perception" in captured.err
    assert "which ran already" in captured.out
    with Client("front") as client:  # it lives on
        client.wait_until(lambda: bool(client.received["/diagnostics"]), what="diagnostics after the evaluation")


def test_what_contradicts_a_running_node_is_one_line(
    tmp_path: Path, bag: Path, node: NodeProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_tiny_bundle(tmp_path / "other", height=48, width=64)
    contradictions = [
        (["--model", str(other.folder)], "has the model"),
        (["--backend", "onnxruntime"], "has a backend of its own"),
        (["--namespace", "/rear"], "no node /rear/perception runs"),
    ]
    for options, words in contradictions:
        assert main([str(bag), "--live", *options]) == 1
        error = capsys.readouterr().err
        assert words in error
        assert len(error.splitlines()) == 1


def test_images_that_somebody_else_sends_are_not_mixed_with_the_bag(
    bag: Path, node: NodeProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    with Client("front") as client:
        camera = client.node.create_publisher(Image, "/eye/picture", 1)
        client.wait_until(lambda: camera.get_subscription_count() > 0, what="discovery of the camera")
        assert main([str(bag), "--live"]) == 1
    assert "somebody sends images to /front/perception on /eye/picture" in capsys.readouterr().err


def test_an_inactive_node_is_named(bag: Path, ros_domain: str, capsys: pytest.CaptureFixture[str]) -> None:
    with NodeProcess("idle", autostart="false"):
        with Client("idle") as client:
            client.wait_until(lambda: bool(client.received["/diagnostics"]), what="the node")
        assert main([str(bag), "--live", "--namespace", "idle"]) == 1
    assert "the node /idle/perception runs, but takes no images" in capsys.readouterr().err
