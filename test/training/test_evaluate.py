"""The commands end to end; the scores themselves are tested with redwood_depth.metrics."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from redwood_depth.bundle import ModelBundle
from training.__main__ import main


def test_train_and_evaluate_from_the_command_line(scan_folder: Path, tmp_path: Path) -> None:
    """One step on a small input: the bundle loads, its scores are recorded, both baselines stand beside them."""
    rng = np.random.default_rng(0)
    crops = tmp_path / "crops"
    for name in ("car", "trash container", "bicycle"):
        (crops / name).mkdir(parents=True)
        for i in range(3):
            noise = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
            cv2.imwrite(str(crops / name / f"{i}_{name[0]}.jpg"), noise)
    bundle, scores = tmp_path / "bundle", tmp_path / "scores.json"
    small = ["--epochs", "1", "--samples-per-epoch", "2", "--batch-size", "2", "--size", "64", "96"]
    assert main(["train", "--scans", f"{scan_folder}=2", "--crops", str(crops), "--output", str(bundle), *small]) == 0
    assert main(["evaluate", str(bundle), "--scan", str(scan_folder), "--json", str(scores), "--record"]) == 0
    written = json.loads(scores.read_text())["striped_wall"]
    assert written["frames"] == 4
    assert written["best_constant"]["constant_m"] == pytest.approx(1.2)
    assert written["best_constant"]["mae"] == pytest.approx(0, abs=1e-6)
    assert written["training_median"]["constant_m"] == pytest.approx(1.2, abs=1e-3)
    recorded = ModelBundle.load(bundle)
    assert recorded.scores["striped_wall"] == written
    assert "crops, held back" in recorded.scores
    assert recorded.trained_on == ("ImageNet (encoder)", "striped_wall", "crops")
    assert (recorded.height, recorded.width) == (64, 96)


def test_an_odd_input_size_is_one_line_and_exit_code_1(scan_folder: Path, tmp_path: Path, capsys) -> None:
    size = ["--size", "100", "128"]
    assert main(["train", "--scans", str(scan_folder), "--output", str(tmp_path / "bundle"), *size]) == 1
    assert "multiples of 32 pixels, not 100x128" in capsys.readouterr().err


def test_a_missing_scan_is_one_line_and_exit_code_1(tmp_path: Path, capsys) -> None:
    absent = tmp_path / "absent"
    assert main(["train", "--scans", str(absent), "--output", str(tmp_path / "bundle"), "--epochs", "1"]) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert error[-1] == f"python -m training: error: no scan at {absent}"
