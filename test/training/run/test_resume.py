"""A run that was stopped, in whatever way, goes on as if it never was: the same steps, losses and weights."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from training.__main__ import main
from training.config import load_config
from training.data.prepared_data import PreparedData
from training.run.checkpoints import LAST, read_checkpoint
from training.run.folder import CHECKPOINTS, HISTORY
from training.run.lightning_module import DepthClassModule
from training.run.train_run import train

STEPS = 6  # two epochs of three
ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.timeout(400)  # on a busy machine; seconds each on an idle one


class PowerCut(Exception):
    """Stands for the end of the process: nothing of ours catches it."""


def weights_and_history(run: Path) -> tuple[dict, list]:
    checkpoint = read_checkpoint(run / CHECKPOINTS / LAST)
    assert checkpoint["global_step"] == STEPS
    return checkpoint["state_dict"], json.loads((run / HISTORY).read_text())


def assert_same(run: Path, undisturbed: Path) -> None:
    """Equal to the last bit: weights, and the losses and scores of every epoch."""
    (weights, history), (wanted, wanted_history) = weights_and_history(run), weights_and_history(undisturbed)
    assert history == wanted_history
    assert [name for name in wanted if not torch.equal(weights[name], wanted[name])] == []


def before_step(monkeypatch: pytest.MonkeyPatch, step: int, act) -> None:
    """Let `act` happen when a step begins."""
    original = DepthClassModule.on_train_batch_start

    def hook(self: DepthClassModule, batch, index: int) -> None:
        if self.global_step == step:
            act()
        original(self, batch, index)

    monkeypatch.setattr(DepthClassModule, "on_train_batch_start", hook)


def cut_the_power() -> None:
    raise PowerCut


@pytest.fixture(scope="module")
def undisturbed(tiny_data: Path, tiny_config, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("run") / "undisturbed"
    assert train(tiny_config(class_dropout=0.5, decoder_dropout=0.5), PreparedData.load(tiny_data), run)
    return run


@pytest.mark.parametrize("step", [2, 3, 4])
def test_after_a_crash_at_any_step_the_rest_is_the_same(
    step: int, undisturbed: Path, tiny_data: Path, tiny_config, tmp_path: Path, monkeypatch
) -> None:
    """Step 3 is the first one of the second epoch."""
    config, data = tiny_config(class_dropout=0.5, decoder_dropout=0.5, checkpoint_steps=1), PreparedData.load(tiny_data)
    with monkeypatch.context() as patch:
        before_step(patch, step, cut_the_power)
        with pytest.raises(PowerCut):
            train(config, data, tmp_path / "run")
    assert read_checkpoint(tmp_path / "run" / CHECKPOINTS / LAST)["global_step"] == step
    assert train(config, data, tmp_path / "run")
    assert_same(tmp_path / "run", undisturbed)


def test_a_running_mean_of_the_weights_goes_on_too_and_is_what_is_kept(
    tiny_data: Path, tiny_config, tmp_path: Path, monkeypatch
) -> None:
    config = tiny_config(decoder_dropout=0.5, checkpoint_steps=1, average_decay=0.5)
    data, whole, run = PreparedData.load(tiny_data), tmp_path / "whole", tmp_path / "run"
    assert train(config, data, whole)
    with monkeypatch.context() as patch:
        before_step(patch, 2, cut_the_power)
        with pytest.raises(PowerCut):
            train(config, data, run)
    assert train(config, data, run)
    assert_same(run, whole)
    checkpoint = read_checkpoint(run / CHECKPOINTS / LAST)
    trained = {name for name in checkpoint["state_dict"] if name.startswith("model.decoder")}
    newest = checkpoint["current_model_state"]
    assert any(not torch.equal(checkpoint["state_dict"][name], newest[name]) for name in trained)


@pytest.mark.parametrize(("number", "step"), [(signal.SIGINT, 1), (signal.SIGTERM, 2), (signal.SIGTERM, 3)])
def test_a_signal_stops_with_a_checkpoint_and_exit_code_130(
    number: int, step: int, undisturbed: Path, tiny_data: Path, tiny_config, tmp_path: Path, monkeypatch, capsys
) -> None:
    """The step is finished; at an epoch's last one the validation too."""
    config = tiny_config(class_dropout=0.5, decoder_dropout=0.5).to_dict()
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(config))
    run = tmp_path / "run"
    arguments = ["train", "--config", str(tmp_path / "tiny.yaml"), "--data", str(tiny_data), "--output", str(run)]
    with monkeypatch.context() as patch:
        before_step(patch, step, lambda: os.kill(os.getpid(), number))
        assert main(arguments) == 130
    assert read_checkpoint(run / CHECKPOINTS / LAST)["global_step"] == step + 1
    assert f"the same command goes on from {run}" in capsys.readouterr().err
    assert train(load_config(tmp_path / "tiny.yaml"), PreparedData.load(tiny_data), run)
    assert f"going on at step {step + 1}" in capsys.readouterr().out
    assert_same(run, undisturbed)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def group_lives(process: subprocess.Popen) -> bool:
    """Whether anything of a process and its children still runs."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_to_the_group_stops_as_one_to_the_process(
    number: int, tiny_data: Path, tiny_config, tmp_path: Path
) -> None:
    """As timeout, systemd, SLURM and a terminal send it: to the loader's workers too, which live on until the end.

    SIGKILL goes to the process alone: its workers must find out by themselves.
    """
    config = tiny_config(epochs=2000, workers=2)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(config.to_dict()))
    run = tmp_path / "run"
    command = [sys.executable, "-m", "training", "train", "--config", str(tmp_path / "tiny.yaml")]
    command += ["--data", str(tiny_data), "--output", str(run)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes)
    try:
        assert process.stdout.readline().startswith("epoch")
        if number == signal.SIGKILL:
            process.kill()
        else:
            os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=200)
        if number != signal.SIGKILL:
            assert process.returncode == 130, errors
            assert "Traceback" not in errors
            assert errors.count("stopping after this step") == 1
            assert f"stopped; the same command goes on from {run}" in errors
            assert read_checkpoint(run / CHECKPOINTS / LAST)["global_step"] >= 3
        deadline = time.monotonic() + 60
        while group_lives(process) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not group_lives(process)
    finally:
        if group_lives(process):
            os.killpg(process.pid, signal.SIGKILL)


def test_kill_9_in_the_middle_of_an_epoch(undisturbed: Path, tiny_data: Path, tiny_config, tmp_path: Path) -> None:
    """A process of its own, killed as soon as its first checkpoint is there."""
    config = tiny_config(class_dropout=0.5, decoder_dropout=0.5, checkpoint_steps=1)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(config.to_dict()))
    run = tmp_path / "run"
    command = [sys.executable, "-m", "training", "train", "--config", str(tmp_path / "tiny.yaml")]
    command += ["--data", str(tiny_data), "--output", str(run)]
    process = subprocess.Popen(command, cwd=ROOT)
    deadline = time.monotonic() + 90
    while not (run / CHECKPOINTS / LAST).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert read_checkpoint(run / CHECKPOINTS / LAST)["global_step"] < STEPS
    assert train(config, PreparedData.load(tiny_data), run)
    assert_same(run, undisturbed)


def test_a_finished_run_is_left_as_it_is(undisturbed: Path, tiny_data: Path, tiny_config, monkeypatch) -> None:
    monkeypatch.setattr("training.run.train_run._fit", cut_the_power)
    before = {path: path.stat().st_mtime_ns for path in (undisturbed / CHECKPOINTS).iterdir()}
    assert train(tiny_config(class_dropout=0.5, decoder_dropout=0.5), PreparedData.load(tiny_data), undisturbed)
    assert before == {path: path.stat().st_mtime_ns for path in (undisturbed / CHECKPOINTS).iterdir()}
