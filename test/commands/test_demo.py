"""The demo on a small bag, with a model whose answers are known: node process, DDS, recording, scores, sheet."""

import errno
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from redwood_depth.bags.reader import Bag
from redwood_depth.bundle import ModelBundle
from redwood_depth.commands import demo, scans_to_bag

pytestmark = pytest.mark.usefixtures("ros_domain")
FRAMES, BRIGHTNESS = 20, 60
DEPTH_M = 0.5 + 8.0 * BRIGHTNESS / 255  # what the tiny model makes of it


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Even images at 10 Hz whose true depth is 0.1 m more than the tiny model will say."""
    scan = tmp_path / "scan"
    for kind in ("rgb", "depth"):
        (scan / kind).mkdir(parents=True)
    for index in range(1, FRAMES + 1):
        name = f"{index:07d}-{index * 100_000:012d}"
        cv2.imwrite(str(scan / "rgb" / f"{name}.jpg"), np.full((480, 640, 3), BRIGHTNESS, np.uint8))
        cv2.imwrite(str(scan / "depth" / f"{name}.png"), np.full((480, 640), round(1e3 * (DEPTH_M + 0.1)), np.uint16))
    assert scans_to_bag.main([str(scan), "--output", str(tmp_path / "bag"), "--compressed"]) == 0
    return tmp_path / "bag"


def test_a_bag_goes_through_the_node_and_comes_back_scored(
    bag: Path, tiny_bundle: ModelBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    arguments = ["--bag", str(bag), "--model", str(tiny_bundle.folder), "--output", str(output)]
    for _ in range(2):  # results of an earlier run are replaced
        assert demo.main(arguments) == 0
    metrics = json.loads((output / "metrics.json").read_text())
    assert metrics["frames"] >= 0.95 * FRAMES
    assert metrics["mae"] == pytest.approx(0.1, abs=0.02)
    assert metrics["baselines"]["best_constant"]["mae"] == pytest.approx(0.0, abs=1e-3)
    assert 0 < metrics["latency_ms"] <= metrics["latency_p95_ms"]
    assert metrics["classes"] == {"none of the known classes": metrics["frames"]}
    sheet = cv2.imread(str(output / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[0] > 1000
    with Bag.open(output / "outputs") as outputs:
        counts = {topic.name.removeprefix("/redwood_depth/"): topic.count for topic in outputs.topics}
    assert counts["depth/image"] == counts["depth/camera_info"] == counts["classification"] == metrics["answered"]
    printed = capsys.readouterr().out
    assert "abs_rel" in printed
    assert str(output / "sheet.png") in printed
    assert "Traceback" not in (output / "node.log").read_text()


def test_a_node_that_does_not_start_is_one_line(
    bag: Path, tiny_bundle: ModelBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_bundle.model_path.write_bytes(b"altered")
    arguments = ["--bag", str(bag), "--model", str(tiny_bundle.folder), "--output", str(tmp_path / "out")]
    assert demo.main(arguments) == 1
    assert "is not the model that model.json describes" in capsys.readouterr().err


def test_a_full_disk_is_one_line_and_leaves_no_half_bag(
    bag: Path,
    tiny_bundle: ModelBundle,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("redwood_depth.bags.writer.BagWriter.write_serialized", full)
    arguments = ["--bag", str(bag), "--model", str(tiny_bundle.folder), "--output", str(tmp_path / "out")]
    assert demo.main(arguments) == 1
    error = capsys.readouterr().err
    assert "No space left on device" in error
    assert len(error.splitlines()) == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"node.log"}
