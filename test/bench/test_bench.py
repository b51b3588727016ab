"""make bench: its parts work, with a model of a few nodes and a second each. No times are asserted."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from bench import against_engine, node_cost
from bench.document import document, table
from bench.goals import goals
from bench.harness.tiny_bundle import write_tiny_bundle
from bench.machine import machine, threads, versions
from bench.scan import write_scan
from bench.steps import STEPS, growth, percentiles, step_times_ms
from redwood_depth.bundle import ModelBundle
from redwood_depth.scans.redwood import RedwoodScan, decode_color, decode_depth

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bundle(tmp_path: Path, ros_domain: str) -> ModelBundle:
    return write_tiny_bundle(tmp_path / "tiny", 96, 128)


def result_of(**sections: Any) -> dict[str, Any]:
    head = {"date": "2026-11-23", "commit": "abc", "complete": False, "minutes": 0.1, "seconds": 1.0}
    return {**head, "machine": machine(), "versions": versions(), "threads": threads(), **sections}


def test_steps_sum_up_to_the_latency() -> None:
    record = {"received_s": 1.0, "begun_s": 1.001, "ended_s": 1.020, "convert": 0.001, "resize": 0.002, "infer": 0.008}
    record |= {"predict": 0.011, "outputs": 0.005, "encode": 0.001, "publish": 0.003}
    steps = step_times_ms(record)
    assert list(steps) == list(STEPS)
    assert sum(steps.values()) == pytest.approx(20.0)
    assert steps["check, resize back"] == pytest.approx(1.0)
    assert steps["other messages"] == pytest.approx(1.0)
    assert steps["rest"] == pytest.approx(2.0)


def test_growth_compares_the_last_fifth_with_the_first() -> None:
    flat = growth([(index / 30, 20.0) for index in range(50)])
    assert flat["last_to_first"] == 1.0
    queueing = growth([(index / 30, 20.0 + index) for index in range(50)])
    assert queueing["p50_by_fifth_ms"] == [24.5, 34.5, 44.5, 54.5, 64.5]
    assert percentiles([]) == {}


def test_tables_are_markdown() -> None:
    assert table(("a", "bb"), [("ccc", 1)]) == "| a   | bb |\n|-----|----|\n| ccc | 1  |"


def test_node_and_engine_in_turn(bundle: ModelBundle, tmp_path: Path) -> None:
    row = against_engine.compare(bundle, 1.0, tmp_path, lambda _: None)
    assert row["pairs"] > 3
    assert list(row["steps"]) == list(STEPS)
    for step in ("resize", "run", "encode", "publish", "check, resize back"):  # the node's functions are still found
        assert row["steps"][step]["p50_ms"] > 0, step
    assert row["ratio_p50"] == pytest.approx(row["node"]["p50_ms"] / row["engine"]["p50_ms"])
    text = document(result_of(node_against_engine=[row]))
    assert "tiny 1.0" in text
    assert f"**{row['ratio_p50']:.2f}**" in text


def test_counts_of_both_sides_agree(bundle: ModelBundle, tmp_path: Path) -> None:
    row = against_engine.sustain(bundle, 20.0, 2.0, 2.0, tmp_path, lambda _: None)
    steady, above = row["steady"], row["overload"]
    assert steady["sent"] == 40
    for run in (steady, above):
        assert run["received"] == run["published"] + run["dropped"] + run["bad"]
        assert run["received"] <= run["sent"]
        assert run["arrived"] <= run["published"]
    assert above["rate_hz"] == pytest.approx(2 * row["most_hz"])
    found = goals(result_of(sustained=[row]))
    assert any("received = published" in goal.aim and goal.met for goal in found)


def test_cost_of_nodes(bundle: ModelBundle, tmp_path: Path) -> None:
    idle = node_cost.idle(bundle, 1.0, tmp_path, lambda _: None)
    assert idle["without_images"]["memory_mb"] > 20
    assert idle["unwatched"]["frames"] > 10
    (both,) = node_cost.several(bundle, (2,), 1.0, tmp_path, lambda _: None)
    assert both["cameras"] == 2
    assert 0 < both["least_hz"] <= both["answered_hz"]
    assert "2 " in document(result_of(cost={"idle": idle, "several": [both]}))


def test_a_scan_to_prepare(tmp_path: Path) -> None:
    with RedwoodScan.open(write_scan(tmp_path / "scan", 3)) as scan:
        assert len(scan.frames) == 3
        assert decode_color(scan.color_bytes(scan.frames[0])).shape == (480, 640, 3)
        depth_mm = decode_depth(scan.depth_bytes(scan.frames[2]))
    assert depth_mm.shape == (480, 640)
    assert 100 < np.median(depth_mm[depth_mm > 0]) < 20_000


def test_a_section_that_fails_is_said_and_the_rest_is_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--only", "training", "--output", str(tmp_path)]
    document_file = tmp_path / "kept.md"
    command += ["--training-python", str(tmp_path / "none"), "--document", str(document_file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert "no environment with torch" in done.stderr
    assert "Not measured: no environment with torch" in done.stdout
    result = json.loads((tmp_path / "performance.json").read_text("utf-8"))
    assert not result["complete"]
    assert not document_file.exists()


def test_ctrl_c_keeps_what_was_measured(bundle: ModelBundle, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "bench", "--only", "training", "cost", "--output", str(out)]
    command += ["--model", str(bundle.folder), "--training-python", str(tmp_path / "none"), "--seconds", "600"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    for line in process.stdout:
        if "cost" in line:
            break
    while not (out / "idle.log").exists():  # the node is there; pytest's own time limit ends this
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130, words
    assert "stopped" in words
    result = json.loads((out / "performance.json").read_text("utf-8"))
    assert "training" in result
    assert "cost" not in result
