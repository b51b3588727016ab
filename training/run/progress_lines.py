"""What a run says on the terminal: one line of progress on stderr, for people only, and one line an epoch."""

import sys
import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from redwood_depth.commands.shared.progress_bar import Progress
from training.run.callbacks import CHOSEN_BY, History


class ShowProgress(Callback):
    """Prints in the first process alone; comes after History, whose rows it shows."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._progress = Progress("")
        self._begun_s = time.monotonic()
        self._first_step = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._begun_s, self._first_step = time.monotonic(), trainer.global_step
        if trainer.is_global_zero and self._first_step:
            print(f"going on at step {self._first_step}", flush=True)
        steps = int(trainer.num_training_batches)  # of an epoch
        self._new_line(trainer, steps - self._first_step % steps)  # Lightning begins no epoch that goes on

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._new_line(trainer, int(trainer.num_training_batches))

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, *unused: Any
    ) -> None:
        if trainer.is_global_zero:
            self._progress.advance(f"loss {float(outputs['loss']):.3f}, {self._left(trainer)} left")

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if trainer.is_global_zero:
            _clear_line()
            print(epoch_line(self._history.rows, trainer.max_epochs or 0), flush=True)

    def on_exception(self, trainer: lightning.Trainer, *unused: Any) -> None:
        if trainer.is_global_zero:
            _clear_line()

    def _new_line(self, trainer: lightning.Trainer, steps: int) -> None:
        self._progress = Progress(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}", steps)

    def _left(self, trainer: lightning.Trainer) -> str:
        """Time to the end at the speed so far, validation included."""
        done = max(1, trainer.global_step - self._first_step)
        total = int(trainer.estimated_stepping_batches)
        seconds = (time.monotonic() - self._begun_s) / done * (total - trainer.global_step)
        if seconds > 90:
            return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{seconds / 60:.0f} min"
        return f"{seconds:.0f} s"


def epoch_line(rows: list[dict[str, float]], epochs: int) -> str:
    """The newest row of a history in words, with its losses and validation scores."""
    row = rows[-1]
    parts = " ".join(f"{name[5:]} {value:.3f}" for name, value in row.items() if name.startswith("loss/"))
    scores = " ".join(f"{name[11:]} {value:.3f}" for name, value in row.items() if name.startswith("validation/"))
    best = "  best" if row[CHOSEN_BY] == min(earlier[CHOSEN_BY] for earlier in rows) else ""
    width = len(str(epochs))
    return f"epoch {row['epoch'] + 1:{width}}/{epochs}  loss {row['loss']:.3f} ({parts})  validation {scores}{best}"


def _clear_line() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
