"""Two processes on the CPU: the same run as one process, said and written once, and ended together."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from training.data.prepared_data import PreparedData
from training.run.checkpoints import LAST, read_checkpoint
from training.run.folder import CHECKPOINTS, HISTORY
from training.run.train_run import train

ROOT = Path(__file__).resolve().parents[3]
CHANGES = {"batch_size": 4, "samples_per_epoch": 24, "learning_rate": 1e-2, "augment_camera": False, "flip": False}
pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def two(tiny_data: Path, tiny_config, tmp_path: Path):
    """Starts `train` with two processes, half a batch each, in a process group of its own."""
    torch = pytest.importorskip("torch")
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this PyTorch has no gloo, which joins processes on a CPU")
    started: list[subprocess.Popen] = []

    def start(**changes: object) -> subprocess.Popen:
        config = tiny_config(**CHANGES | {"batch_size": 2, "devices": 2, "strategy": "ddp"} | changes)
        (tmp_path / "two.yaml").write_text(yaml.safe_dump(config.to_dict()))
        command = [sys.executable, "-m", "training", "train", "--config", str(tmp_path / "two.yaml")]
        command += ["--data", str(tiny_data), "--output", str(tmp_path / "two")]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes))
        return started[-1]

    yield start
    for process in started:
        if group_lives(process):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def group_lives(process: subprocess.Popen) -> bool:
    """Whether anything of a process and its children still runs."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_two_processes_train_as_one_does(two, tiny_data: Path, tiny_config, tmp_path: Path) -> None:
    """The same frames in each step; batch norm sees half of them at a time, so the scores are near, not equal."""
    process = two()
    assert train(tiny_config(**CHANGES), PreparedData.load(tiny_data), tmp_path / "one")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert err == ""
    assert [line[:9] for line in out.splitlines() if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]
    assert out.count("best epoch") == out.count("all of test") == out.count("wrote ") == 1
    one, both = (json.loads((tmp_path / run / HISTORY).read_text()) for run in ("one", "two"))
    assert [row["step"] for row in both] == [row["step"] for row in one] == [6, 12]
    for name in ("loss", "validation/abs_rel", "validation/mae"):
        assert both[-1][name] == pytest.approx(one[-1][name], rel=0.1)
    assert len(list((tmp_path / "two" / "tensorboard").glob("events*"))) == 1


def test_ctrl_c_ends_both_with_a_checkpoint(two, tmp_path: Path) -> None:
    process = two(epochs=2000)
    assert process.stdout.readline().startswith("epoch")
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 130, err
    assert f"stopped; the same command goes on from {tmp_path / 'two'}" in err
    assert "Traceback" not in err
    deadline = time.monotonic() + 30
    while group_lives(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not group_lives(process)
    assert read_checkpoint(tmp_path / "two" / CHECKPOINTS / LAST)["global_step"] >= 6
