"""Checkpoints: rebuilt without anything else, and damage is one line that leaves the file alone."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from training.data.prepared_data import PreparedData
from training.errors import TrainingError
from training.run.checkpoints import BEST, LAST, load_module
from training.run.folder import CHECKPOINTS, TrainedRun
from training.run.train_run import train


def damaged(run: Path, name: str, how: str) -> None:
    path = run / CHECKPOINTS / name
    if how == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    elif how == "text":
        path.write_text("no checkpoint")
    elif how == "gone":
        path.unlink()
    else:
        checkpoint = torch.load(path, weights_only=True)
        key = "model.decoder.head.weight"
        if how == "nan":
            checkpoint["state_dict"][key].fill_(float("nan"))
        elif how == "shape":
            checkpoint["state_dict"][key] = torch.zeros(1, 99, 3, 3)
        elif how == "classes":
            checkpoint["hyper_parameters"]["classes"] = ["boat", "ship"]
        else:
            checkpoint = {"state_dict": {}}
        torch.save(checkpoint, path)


CASES = [
    ("cut", "is not a checkpoint of this package"),
    ("text", "is not a checkpoint of this package"),
    ("keys", "is not a checkpoint of this package"),
    ("nan", "1 weights are not finite, model.decoder.head.weight first"),
    ("shape", "does not fit the network of its configuration: .*size mismatch for model.decoder.head.weight"),
]


@pytest.mark.parametrize(("how", "message"), [*CASES, ("gone", "nothing was trained there")])
def test_a_damaged_best_checkpoint_is_one_line(tiny_run: Path, tmp_path: Path, how: str, message: str) -> None:
    shutil.copytree(tiny_run, tmp_path / "run")
    damaged(tmp_path / "run", BEST, how)
    with pytest.raises(TrainingError, match=message) as caught:
        TrainedRun.load(tmp_path / "run")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("how", "message"), [*CASES, ("classes", "was trained for the classes boat, ship, not for bicycle, car")]
)
def test_a_damaged_last_checkpoint_is_one_line_when_the_run_goes_on(
    tiny_data: Path, tiny_config, tiny_run: Path, tmp_path: Path, how: str, message: str
) -> None:
    shutil.copytree(tiny_run, tmp_path / "run")
    last = tmp_path / "run" / CHECKPOINTS / LAST
    state = torch.load(last, weights_only=True)
    torch.save(state | {"global_step": 4}, last)
    damaged(tmp_path / "run", LAST, how)
    before = last.read_bytes()
    with pytest.raises(TrainingError, match=message):
        train(tiny_config(), PreparedData.load(tiny_data), tmp_path / "run")
    assert last.read_bytes() == before


def test_an_unfinished_run_is_not_loaded(tiny_run: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_run, tmp_path / "run")
    damaged(tmp_path / "run", "classes.ckpt", "gone")
    with pytest.raises(TrainingError, match="not trained to its end; run python -m training train again"):
        TrainedRun.load(tmp_path / "run")


def test_the_module_is_rebuilt_from_its_checkpoint_alone(tiny_run: Path) -> None:
    module = load_module(tiny_run / CHECKPOINTS / BEST)
    assert not module.training
    assert module.classes == ("bicycle", "car")
    with torch.no_grad():
        depth = module.model(torch.full((1, 3, 32, 64), 100.0))["depth"]
    assert np.isfinite(depth.numpy()).all()
