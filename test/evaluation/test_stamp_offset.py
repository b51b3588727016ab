"""Predictions stamped late by a constant: found and named, paired on request; where nothing tells, nothing is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import rgbd_messages, write_bag

from redwood_depth.bags import driver_messages
from redwood_depth.commands.evaluate_bag import main
from redwood_depth.evaluation.result import EvaluationResult, read_result

TOPIC = "/net/depth"
FRAMES, PERIOD_US = 30, 33_333
ROWS, COLUMNS = np.mgrid[0:480, 0:640]


def moving_depth_mm(index: int) -> np.ndarray:
    """A box that passes before a wall."""
    depth = np.full((480, 640), 3000, np.uint16)
    depth[100:380, (20 * index) % 560 : (20 * index) % 560 + 120] = 1200
    return depth


def standing_depth_mm(index: int) -> np.ndarray:
    return np.where(COLUMNS < 320, 1500, 3000).astype(np.uint16)


def result_of(tmp_path: Path, depth_mm: Any, late_us: int, *options: str) -> EvaluationResult:
    """Of predictions one percent too far, whose stamps are late."""
    depths = [depth_mm(index) for index in range(FRAMES)]
    messages = rgbd_messages(FRAMES, depths)
    for index, depth in enumerate(depths):
        stamp_us = 1_000_000 + index * PERIOD_US + late_us
        messages.append((TOPIC, driver_messages.image((depth / 990).astype(np.float32), "32FC1", stamp_us)))
    bag = write_bag(tmp_path / f"bag{late_us}", sorted(messages, key=lambda one: one[1].header.stamp.nanosec))
    scores = tmp_path / "scores.json"
    assert main([str(bag), "--predictions", TOPIC, "--json", str(scores), *options]) == 0
    return read_result(scores)


@pytest.mark.parametrize("late_us", [25_000, 3 * PERIOD_US, -2 * PERIOD_US])
def test_a_constant_offset_is_named_and_paired_on_request(tmp_path: Path, late_us: int) -> None:
    (warning,) = result_of(tmp_path, moving_depth_mm, late_us).warnings
    offset = warning.partition("--prediction-offset ")[2].split()[0]
    assert abs(1e6 * float(offset) - late_us) < 10_000
    (tmp_path / "again").mkdir()
    mended = result_of(tmp_path / "again", moving_depth_mm, late_us, f"--prediction-offset={offset}")
    assert mended.summary.depth is not None
    assert mended.summary.depth.scores.abs_rel == pytest.approx(0.0101, abs=1e-4)
    assert mended.warnings == []


@pytest.mark.parametrize(
    ("depth_mm", "late_us"), [(moving_depth_mm, 0), (moving_depth_mm, 3_000), (standing_depth_mm, 15_000)]
)
def test_where_stamps_fit_or_nothing_moves_there_is_no_word(tmp_path: Path, depth_mm: Any, late_us: int) -> None:
    assert result_of(tmp_path, depth_mm, late_us).warnings == []


def test_predictions_too_late_for_any_image_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messages = rgbd_messages(FRAMES, [moving_depth_mm(index) for index in range(FRAMES)])
    for index in range(FRAMES):
        pixels = (moving_depth_mm(index) / 1000).astype(np.float32)
        stamp_us = 1_500_000 + FRAMES * PERIOD_US + index * PERIOD_US
        messages.append((TOPIC, driver_messages.image(pixels, "32FC1", stamp_us)))
    assert main([str(write_bag(tmp_path / "bag", messages)), "--predictions", TOPIC]) == 1
    assert "30 frames without a prediction" in capsys.readouterr().err


def test_an_offset_goes_with_predictions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--prediction-offset", "0.1"]) == 1
    assert "name the topic as well" in capsys.readouterr().err
