"""Scores of a run: right where the answer is known, at the scan's own camera, and the same from both commands."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from training.__main__ import main
from training.data.prepared_data import PreparedData, PreparedScan
from training.errors import TrainingError
from training.run.folder import TrainedRun
from training.run.network_scores import evaluate, predict
from training.run.split_scores import score_lines, score_run

CLASSES = ("bicycle", "car")


def answers(depth_m: float, scores: tuple[float, float], median_m: float = 2.0) -> TrainedRun:
    """A run whose network always answers the same, at 32x64."""

    def model(image: torch.Tensor) -> dict[str, torch.Tensor]:
        assert image.shape[1:] == (3, 32, 64)
        assert image.max() > 1, "images reach the network in 0..255"
        count = len(image)
        return {"depth": torch.full((count, 32, 64), depth_m), "class_scores": torch.tensor([scores] * count)}

    config = SimpleNamespace(height=32, width=64)
    module = SimpleNamespace(model=model, config=config, classes=CLASSES, hparams={"start_at_m": median_m})
    return TrainedRun(Path(), module, 0.5, {})


@pytest.fixture
def shown(tiny_data: Path) -> list[PreparedScan]:
    return PreparedData.load(tiny_data).scans("test")


def truth_m(scans: list[PreparedScan]) -> list[np.ndarray]:
    return [frame.astype(np.float64) / 1000 for scan in scans for frame in scan.depth]


def test_a_constant_answer_scores_what_a_constant_scores(shown: list[PreparedScan]) -> None:
    """Means over frames of means over the pixels that have depth; beside it the baselines."""
    results = evaluate(answers(2.0, (0.9, 0.05)), shown)
    frames = truth_m(shown)
    assert any((frame == 0).any() for frame in frames)
    assert results["frames"] == 18
    assert results["mae"] == pytest.approx(np.mean([np.abs(2 - f[f > 0]).mean() for f in frames]), abs=1e-4)
    assert results["abs_rel"] == pytest.approx(
        np.mean([(np.abs(2 - f[f > 0]) / f[f > 0]).mean() for f in frames]), abs=1e-4
    )
    assert results["training_median"]["constant_m"] == 2
    assert results["training_median"]["mae"] == pytest.approx(results["mae"], abs=2e-3)
    assert results["best_constant"]["mae"] <= results["mae"]
    assert results["scaled"]["mae"] < results["mae"]
    assert results["paper_protocol"]["mae"] > results["mae"], "there a missing depth is an error of 2 m"
    assert set(results["scans"]) == {scan.name for scan in shown}


def test_classes_below_the_threshold_are_none_of_these(shown: list[PreparedScan]) -> None:
    sure = evaluate(answers(2.0, (0.9, 0.05)), shown)["classes"]
    assert sure["accuracy"] == pytest.approx(1 / 3, abs=1e-3), "one scan in three shows a bicycle"
    assert sure["per_class"]["bicycle"]["recall"] == 1
    assert sure["per_class"]["bicycle"]["precision"] == pytest.approx(1 / 3, abs=1e-3)
    unsure = evaluate(answers(2.0, (0.4, 0.05)), shown)
    assert unsure["classes"]["accuracy"] == pytest.approx(1 / 3, abs=1e-3), "now the scan that shows nothing is right"
    assert unsure["scans"]["car/00001"]["share_above_class_threshold"] == 0


def test_depth_is_corrected_for_the_scans_camera(shown: list[PreparedScan]) -> None:
    """Mistake 6 of the paper: a longer lens sees everything larger, thus nearer."""
    scan = shown[0]
    camera = scan.intrinsics
    longer = replace(camera, fx=1.5 * camera.fx, fy=1.5 * camera.fy)
    zoomed = replace(scan, record=replace(scan.record, intrinsics=longer))
    for given, expected_m in ((scan, 2.0), (zoomed, 3.0)):
        depth_m, scores = predict(answers(2.0, (0.9, 0.05)), scan.image[:2], given)
        np.testing.assert_allclose(depth_m, np.full((2, 32, 64), expected_m), rtol=1e-3)
        assert scores.shape == (2, 2)


def test_frames_without_depth_do_not_count_and_a_split_without_any_is_an_error(tiny_data: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_data, tmp_path / "data")
    scan = PreparedData.load(tmp_path / "data").scans("test")[0]
    depth = np.array(scan.depth)
    depth[:3] = 0
    np.save(scan.folder / "depth.npy", depth)
    results = evaluate(answers(2.0, (0.9, 0.05)), [scan])
    expected = [np.abs(2 - f[f > 0]).mean() for f in truth_m([scan])[3:]]
    assert results["mae"] == pytest.approx(np.mean(expected), abs=1e-4)
    np.save(scan.folder / "depth.npy", np.zeros_like(depth))
    with pytest.raises(TrainingError, match="no frame of these scans has valid depth"):
        evaluate(answers(2.0, (0.9, 0.05)), [scan])


def test_a_class_that_the_run_does_not_know_is_said_and_depth_is_scored(shown: list[PreparedScan]) -> None:
    scan = shown[0]
    stranger = replace(scan, record=replace(scan.record, name="boat/00001"))
    results = {"split": "test", **evaluate(answers(2.0, (0.9, 0.05)), [stranger])}
    assert results["classes"] is None
    assert results["mae"] > 0
    assert score_lines(results)[-1] == "classes: not scored, the data has some that the run does not know"


def test_a_split_without_scans_is_an_error(tiny_data: Path) -> None:
    empty = replace(
        PreparedData.load(tiny_data), splits={scan.name: "train" for scan in PreparedData.load(tiny_data).all_scans}
    )
    with pytest.raises(TrainingError, match="has no scan for test; prepare more scans"):
        score_run(answers(2.0, (0.9, 0.05)), empty, "test")


def test_the_command_writes_scores_of_the_test_and_prints_those_of_any_split(
    tiny_run: Path, tiny_data: Path, tmp_path: Path, capsys
) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    arguments = ["evaluate", str(run), "--data", str(tiny_data), "--json", str(tmp_path / "scores.json")]
    assert main([*arguments, "--split", "validation"]) == 0
    assert not (run / "metrics.json").exists()
    assert main(arguments) == 0
    assert (run / "metrics.json").read_text() == (tmp_path / "scores.json").read_text()
    assert {path.name for path in (run / "figures").iterdir()} == {
        "curves.png",
        "predictions.png",
        "table.png",
        "confusion.png",
    }
    out = capsys.readouterr().out
    assert "all of validation" in out
    results = json.loads((tmp_path / "scores.json").read_text())
    assert f"{results['abs_rel']:8.3f}" in next(line for line in out.splitlines() if line.startswith("all of test"))


def test_a_folder_without_a_run_is_one_line(tiny_data: Path, tmp_path: Path, capsys) -> None:
    assert main(["evaluate", str(tmp_path), "--data", str(tiny_data)]) == 1
    assert "best.ckpt: nothing was trained there" in capsys.readouterr().err
