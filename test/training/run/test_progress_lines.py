"""What people see of a run: an epoch in one line, and progress only on a terminal."""

from types import SimpleNamespace

import pytest

from training.run.callbacks import History
from training.run.progress_lines import ShowProgress, epoch_line

ROWS = [
    {
        "epoch": epoch,
        "step": 3 * epoch + 3,
        "loss": 1.5,
        "loss/error": 1.0,
        "loss/class": 0.5,
        "validation/abs_rel": score,
    }
    for epoch, score in enumerate((0.4, 0.2, 0.3))
]


def test_an_epoch_is_one_line_and_the_best_so_far_is_marked() -> None:
    assert (
        epoch_line(ROWS[:2], 10) == "epoch  2/10  loss 1.500 (error 1.000 class 0.500)  validation abs_rel 0.200  best"
    )
    assert epoch_line(ROWS, 10) == "epoch  3/10  loss 1.500 (error 1.000 class 0.500)  validation abs_rel 0.300"


def shown(monkeypatch: pytest.MonkeyPatch, capsys, tmp_path, *, terminal: bool, rank_0: bool = True) -> tuple[str, str]:
    """Standard output and error of an epoch of three steps that goes on after its first one."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    history = History(tmp_path / "history.json")
    history.rows = ROWS[:1]
    progress = ShowProgress(history)
    trainer = SimpleNamespace(
        global_step=1,
        num_training_batches=3,
        current_epoch=0,
        max_epochs=1,
        is_global_zero=rank_0,
        estimated_stepping_batches=3,
    )
    progress.on_train_start(trainer, None)
    for step in (2, 3):
        trainer.global_step = step
        progress.on_train_batch_end(trainer, None, {"loss": 0.25})
    progress.on_train_epoch_end(trainer, None)
    return capsys.readouterr()


def test_a_terminal_sees_progress_that_the_epochs_line_replaces(monkeypatch, capsys, tmp_path) -> None:
    out, err = shown(monkeypatch, capsys, tmp_path, terminal=True)
    assert out.splitlines()[0] == "going on at step 1"
    assert out.splitlines()[1].startswith("epoch 1/1  loss")
    assert "epoch 1/1 [" in err
    assert "2/2 loss 0.250, 0 s left" in err
    assert "\n" not in err
    assert err.endswith("\r\x1b[K")


def test_a_file_gets_the_epochs_alone_and_other_processes_say_nothing(monkeypatch, capsys, tmp_path) -> None:
    out, err = shown(monkeypatch, capsys, tmp_path, terminal=False)
    assert err == ""
    assert len(out.splitlines()) == 2
    assert shown(monkeypatch, capsys, tmp_path, terminal=True, rank_0=False) == ("", "")
