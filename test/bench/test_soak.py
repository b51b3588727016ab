"""The soak's verdicts on runs that are made up, and six real seconds of it."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from bench import soak
from redwood_depth.bundle import ModelBundle


def windows(
    minutes: int = 30, growth_mb_per_h: float = 0.0, slower: float = 1.0, out_of_order: int = 0
) -> list[soak.Window]:
    rng = np.random.default_rng(1)
    found = []
    for index in range(1, 6 * minutes + 1):
        memory_mb = 200 + growth_mb_per_h * index / 360 + rng.normal(0, 0.02)
        latencies_ms = (rng.normal(10, 0.1, 300) * (1 + (slower - 1) * index / (6 * minutes))).tolist()
        found.append(
            soak.Window(
                10.0 * index, memory_mb, memory_mb + 80, 50.0, 300, 300, out_of_order * (index == 9), latencies_ms
            )
        )
    return found


@pytest.mark.parametrize(
    ("changes", "beyond"),
    [
        ({}, set()),
        ({"growth_mb_per_h": 0.5}, set()),
        ({"growth_mb_per_h": 3.0}, {"memory"}),
        ({"slower": 1.05}, set()),
        ({"slower": 1.4}, {"p99"}),
        ({"out_of_order": 1}, {"order"}),
    ],
)
def test_verdicts(changes: dict[str, float], beyond: set[str]) -> None:
    result = soak.judge(windows(**changes))
    assert {name for name, within in result["within_limits"].items() if not within} == beyond
    assert result["memory_slope_mb_per_h"] == pytest.approx(changes.get("growth_mb_per_h", 0.0), abs=0.1)
    assert soak.table(result).count("**no**") == len(beyond)


def test_growth_in_the_warm_up_does_not_count_and_a_short_run_cannot_condemn() -> None:
    run = windows()
    for index in range(20):
        object.__setattr__(run[index], "memory_mb", 100.0 + 5 * index)
    assert soak.judge(run)["within_limits"]["memory"]
    short = soak.judge(windows(minutes=1, growth_mb_per_h=3.0))
    assert short["memory_slope_error_mb_per_h"] > 0.5
    assert short["within_limits"]["p99"]


def test_six_seconds(tiny_bundle: ModelBundle, ros_domain: str, tmp_path: Path, capsys) -> None:
    arguments = ["--minutes", "0.1", "--every", "1", "--model", str(tiny_bundle.folder), "--output", str(tmp_path)]
    assert soak.main(arguments) in (0, 1)  # six seconds of a busy machine prove nothing of memory and latency
    result = json.loads((tmp_path / "soak.json").read_text())
    assert len(result["windows"]) >= 5
    assert result["sent"] == pytest.approx(180, abs=10)
    assert result["answered"] > 100
    assert result["out_of_order"] == 0
    assert result["node"]["bad"] == 0
    assert "frames out of order" in capsys.readouterr().out
    assert "| own memory |" in (tmp_path / "soak.md").read_text()
