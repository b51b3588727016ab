"""What happens beside the training: the history on disk, and an orderly stop on Ctrl-C."""

import json
import signal
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from training.whole_files import write_whole


class History(Callback):
    """One line an epoch with the mean losses and the validation scores, as JSON; a resumed run continues it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: list[dict[str, float]] = []

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = list(state_dict["rows"])

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        values = {
            name: float(value) for name, value in trainer.callback_metrics.items() if "/" in name or name == "loss"
        }
        self.rows = [row for row in self.rows if row["epoch"] < trainer.current_epoch]
        self.rows.append({"epoch": trainer.current_epoch, "step": trainer.global_step, **values})
        if trainer.is_global_zero:
            write_whole(self._path, json.dumps(self.rows, indent=1) + "\n")


class StopAtOnce(Callback):
    """Ctrl-C or SIGTERM: finish the step, save, stop; a second Ctrl-C stops without saving."""

    def __init__(self, checkpoint: Path) -> None:
        self._checkpoint = checkpoint
        self.asked = False
        self._earlier: dict[int, Any] = {}

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._earlier = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_train_batch_end(self, trainer: lightning.Trainer, *unused: Any) -> None:
        if self.asked:
            trainer.save_checkpoint(self._checkpoint)
            trainer.should_stop = True

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}

    def _ask(self, number: int, frame: Any) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
