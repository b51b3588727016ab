"""Training from the command line: what it writes and says, and every bad input as one line with nothing lost."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import torch
import yaml

from bench.harness.scan_files import PERIOD_US, flat_pair, info, write_folder
from training.__main__ import main
from training.config import TrainConfig
from training.data.preparation import PrepareSettings, prepare
from training.data.prepared_data import PreparedData
from training.network.losses import depth_loss_parts
from training.run.checkpoints import BEST, LAST, read_checkpoint
from training.run.folder import CHECKPOINTS, CONFIG, HISTORY, TrainedRun
from training.run.train_run import _strategy, train

pytestmark = pytest.mark.timeout(400)  # on a busy machine; seconds each on an idle one


@pytest.fixture
def command(tiny_data: Path, tiny_config, tmp_path: Path):
    """Run `train` with KEY=VALUE arguments on the tiny data; gives the exit code."""
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny_config().to_dict()))

    def run(*overrides: str, output: str = "run", data: Path = tiny_data) -> int:
        paths = ["--config", str(tmp_path / "tiny.yaml"), "--data", str(data), "--output", str(tmp_path / output)]
        return main(["train", *paths, *overrides])

    return run


def one_error_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("python -m training: error: ")
    return lines[0]


def test_a_run_says_little_and_leaves_what_it_promises(command, tmp_path: Path, capsys) -> None:
    assert command() == 0
    run = tmp_path / "run"
    out, err = capsys.readouterr()
    assert err == "", "stderr is not a terminal: no progress, and no warnings of anybody"
    lines = out.splitlines()
    assert [line[:9] for line in lines[:2]] == ["epoch 1/2", "epoch 2/2"]
    assert all(f" {word} " in lines[0] for word in ("loss", "gradient", "abs_rel", "accuracy"))
    assert lines[2].startswith("best epoch ")
    assert lines[4].startswith("all of test")
    assert lines[-1].endswith(f"next: python -m training export {run} --output BUNDLE")
    assert {path.name for path in run.iterdir()} == {
        "config.yaml",
        "run.json",
        "checkpoints",
        "history.json",
        "tensorboard",
        "metrics.json",
        "figures",
    }
    assert {path.name for path in (run / CHECKPOINTS).iterdir()} == {"best.ckpt", "last.ckpt", "classes.ckpt"}
    rows = json.loads((run / HISTORY).read_text())
    assert [(row["epoch"], row["step"]) for row in rows] == [(0, 3), (1, 6)]
    assert rows[0]["loss"] == pytest.approx(sum(v for name, v in rows[0].items() if name.startswith("loss/")), rel=1e-5)
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["split"], metrics["frames"]) == ("test", 18)
    assert all(name in metrics for name in ("abs_rel", "mae", "best_constant", "training_median", "classes"))
    images = {path.stem: cv2.imread(str(path)) for path in (run / "figures").iterdir()}
    assert set(images) == {"curves", "predictions", "table", "confusion"}
    assert all(image.shape[0] > 150 and image.std() > 10 for image in images.values())

    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.parent.name != "run"}
    (run / "metrics.json").write_text("kept")
    assert command() == 0
    assert f"{run} was trained to its end before" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.parent.name != "run"}
    assert (run / "metrics.json").read_text() == "kept"


def test_loss_falls_and_the_best_epoch_is_kept(tiny_data: Path, tiny_config, tmp_path: Path) -> None:
    """Something is learned: fifteen epochs beat the training median on scans that were not seen."""
    config = tiny_config(
        encoder="tf_efficientnet_lite0", encoder_weights="imagenet", epochs=15, learning_rate=1e-2, samples_per_epoch=24
    )
    data = PreparedData.load(tiny_data)
    assert train(config, data, tmp_path / "run")
    rows = json.loads((tmp_path / "run" / HISTORY).read_text())
    assert rows[-1]["loss"] < 0.6 * rows[0]["loss"]
    scores = [row["validation/abs_rel"] for row in rows]
    best = read_checkpoint(tmp_path / "run" / CHECKPOINTS / BEST)
    assert best["global_step"] == rows[scores.index(min(scores))]["step"]
    assert min(scores) < 0.8 * scores[0]
    run = TrainedRun.load(tmp_path / "run")
    assert 0.05 <= run.threshold <= 0.95
    assert run.rates["validation"]["balanced_accuracy"] > 0.6


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("epoch=3",), "unknown key 'epoch'; did you mean epochs"),
        (("epochs=x",), "epochs: 'x' is not a whole number"),
        (("encoder=resnet1",), "timm has no encoder 'resnet1'; near it: resnet18"),
        (("decoder_widths=[8,8,8,8,8,8]",), "6 decoder_widths do not fit 5 maps"),
        (("precision=3-bit",), "accelerator, devices, nodes, strategy, precision: "),
        (("strategy=none_such",), "accelerator, devices, nodes, strategy, precision: "),
        (("accelerator=abacus",), "accelerator, devices, nodes, strategy, precision: "),
        (("scan_weights={'bus/*': 2}",), "scan_weights: 'bus/*' matches no training scan"),
        (("depth_range_m=[20, 30]",), "no validation scan has depth between 20 and 30 m"),
        (("class_background=false",), "class_background: false has no class for the training scans of class 'none'"),
        (("class_head=imagenet", "photos=/nowhere"), "no photos in /nowhere: expected folders named bicycle"),
        (("class_head=imagenet", "encoder=convnext_nano.in12k"), "class_head: imagenet needs an encoder with"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(command, overrides, message, capsys) -> None:
    assert command(*overrides) == 1
    assert message in one_error_line(capsys)


def test_another_configuration_in_the_same_folder_is_refused(command, tiny_run: Path, tmp_path: Path, capsys) -> None:
    shutil.copytree(tiny_run, tmp_path / "run")
    before = (tmp_path / "run" / CONFIG).read_text()
    assert command("epochs=9", "learning_rate=0.5") == 1
    line = one_error_line(capsys)
    assert "was begun with other settings (learning_rate 0.002 -> 0.5, epochs 2 -> 9); choose another --output" in line
    assert (tmp_path / "run" / CONFIG).read_text() == before
    assert command("checkpoint_steps=7", "workers=1") == 0, "what changes no result may change"


def scans_of(folder: Path, names: list[str], depth: bool = True) -> Path:
    """Prepared data of scans with one gray level each; without depth all is 0."""
    for number, name in enumerate(names):
        files = {"info.json": info()}
        for i in range(2):
            stamp = f"{i + 1:07d}-{i * PERIOD_US:012d}"
            color, measured = flat_pair(100 + number)
            files[f"rgb/{stamp}.jpg"] = color
            files[f"depth/{stamp}.png"] = measured if depth else flat_pair(0)[1]
        write_folder(folder / "scans" / name, files)
    prepare([folder / "scans"], folder / "data", PrepareSettings(32, 64, 0), jobs=1)
    return folder / "data"


@pytest.mark.parametrize(
    ("names", "depth", "message"),
    [
        (["car/1", "car/2", "car/3"], True, "all training scans are of class 'car': nothing to tell apart"),
        (["00001", "00002", "00003"], True, "all scans are of class 'none'"),
        (["car/1", "car/2", "car/3", "dog/4", "dog/5", "dog/6"], False, "no validation scan has depth between"),
        (["car/1"], True, "has no scan for validation; prepare more scans"),
    ],
)
def test_data_with_nothing_to_learn_from_is_one_line(command, names, depth, message, tmp_path: Path, capsys) -> None:
    assert command(data=scans_of(tmp_path, names, depth)) == 1
    assert message in one_error_line(capsys)
    assert not (tmp_path / "run").exists()


def test_one_class_is_enough_for_depth_alone(command, tmp_path: Path, capsys) -> None:
    data = scans_of(tmp_path, ["car/1", "car/2", "car/3"])
    assert command("class_loss_weight=0", "epochs=1", "samples_per_epoch=4", data=data) == 0
    assert "accuracy" not in capsys.readouterr().out.splitlines()[0]


def test_no_data_is_one_line(command, tmp_path: Path, capsys) -> None:
    assert command(data=tmp_path / "absent") == 1
    assert "absent/index.json; run python -m training prepare" in one_error_line(capsys)


def test_other_data_under_a_run_is_refused(command, tiny_run: Path, tmp_path: Path, capsys) -> None:
    shutil.copytree(tiny_run, tmp_path / "run")
    data = scans_of(tmp_path, ["car/1", "car/2", "car/3", "bicycle/4", "bicycle/5", "bicycle/6"])
    assert command(data=data) == 1
    assert "was begun with other data than" in one_error_line(capsys)


def test_a_loss_that_is_not_finite_stops_with_its_parts_and_the_last_good_checkpoint(
    command, tmp_path: Path, capsys, monkeypatch
) -> None:
    calls = []

    def broken(**tensors):
        parts = depth_loss_parts(**tensors)
        calls.append(1)
        return parts | {"gradient": parts["gradient"] * (float("nan") if len(calls) == 5 else 1)}

    monkeypatch.setattr("training.run.lightning_module.depth_loss_parts", broken)
    assert command("checkpoint_steps=1") == 1
    line = one_error_line(capsys)
    assert "the loss is not finite at step 4 (error 0." in line
    assert "gradient nan, class " in line
    state = read_checkpoint(tmp_path / "run" / CHECKPOINTS / LAST)
    assert state["global_step"] == 4
    assert all(torch.isfinite(value.float()).all() for value in state["state_dict"].values())
    monkeypatch.undo()
    assert command("checkpoint_steps=1") == 0


def test_a_full_disk_is_one_line_and_the_earlier_checkpoint_stays(command, tmp_path: Path, capsys) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    small = tmp_path / "run"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=14m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        assert command("checkpoint_steps=1", "decoder_widths=[64, 32]") == 1
        line = one_error_line(capsys)
        assert "cannot write" in line
        assert "the earlier checkpoint stays" in line
        assert read_checkpoint(small / CHECKPOINTS / LAST)["global_step"] > 0
        assert not list(small.rglob(".*"))
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_weights_that_get_no_gradient_are_looked_for_only_where_there_are_some() -> None:
    """Behind the last map lies what only the class head reads."""
    two = TrainConfig(devices=2)
    assert _strategy(two) == "auto"
    assert _strategy(replace(two, encoder_training="all")) == "auto"
    assert _strategy(replace(two, encoder_training="all", class_head="imagenet")) == "ddp_find_unused_parameters_true"
    assert _strategy(replace(two, encoder_training="all", class_head="imagenet", strategy="fsdp")) == "fsdp"
    assert _strategy(replace(two, devices=1, encoder_training="all", class_head="imagenet")) == "auto"
