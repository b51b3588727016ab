"""What happens beside the training: the history, the checkpoints, and an orderly stop on Ctrl-C."""

import contextlib
import json
import math
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint

from redwood_depth.files import write_whole
from training.run.checkpoints import BEST, LAST

CHOSEN_BY = "validation/abs_rel"  # the less the better
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppedByUser(Exception):
    """Ctrl-C or SIGTERM; the last checkpoint is written."""


@contextlib.contextmanager
def own_signals() -> Iterator[None]:
    """Puts signal handlers back at its end: Lightning and StopOnSignal leave theirs."""
    earlier = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


class History(Callback):
    """One row an epoch with the mean losses and the validation scores, as JSON; a resumed run continues it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: list[dict[str, float]] = []
        self._sums: dict[str, float] = {}
        self._steps = 0

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "sums": self._sums, "steps": self._steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows, self._sums, self._steps = (state_dict[name] for name in ("rows", "sums", "steps"))

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, *unused: Any
    ) -> None:
        losses = {"loss": outputs["loss"]} | {f"loss/{name}": value for name, value in outputs["parts"].items()}
        self._steps += 1
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value.item()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        means = torch.tensor([total / self._steps for total in self._sums.values()], device=pl_module.device)
        means = trainer.strategy.reduce(means, reduce_op="mean")
        scores = {name: value for name, value in trainer.callback_metrics.items() if name.startswith("validation/")}
        self.rows.append(
            {"epoch": trainer.current_epoch, "step": trainer.global_step}
            | dict(zip(self._sums, means.tolist(), strict=True))
            | {name: float(value) for name, value in scores.items()}
        )
        self._sums, self._steps = {}, 0
        if trainer.is_global_zero:
            write_whole(self._path, json.dumps(self.rows, indent=1) + "\n")


class RunCheckpoints(Checkpoint):
    """last.ckpt every so many steps and after each epoch, best.ckpt where the validation is best.

    Not at an epoch's last step: a run that went on from there would leave the validation out.
    """

    def __init__(self, folder: Path, every_steps: int) -> None:
        self._folder, self._every = folder, every_steps
        self._best = math.inf

    def state_dict(self) -> dict[str, Any]:
        return {"best": self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._best = state_dict["best"]

    def on_train_batch_end(self, trainer: lightning.Trainer, *unused: Any) -> None:
        if trainer.global_step % self._every == 0 and not trainer.is_last_batch:
            trainer.save_checkpoint(self._folder / LAST)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        score = float(trainer.callback_metrics[CHOSEN_BY])
        better = score < self._best
        self._best = min(score, self._best)
        if better:
            trainer.save_checkpoint(self._folder / BEST)
        trainer.save_checkpoint(self._folder / LAST)


class StopOnSignal(Checkpoint):
    """Ctrl-C or SIGTERM: finish the step, or the validation, save, and raise StoppedByUser in all processes.

    A second Ctrl-C stops without saving. The handlers stay until `own_signals` ends. This comes after RunCheckpoints,
    which saves after an epoch.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asked = False

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._listen()

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._listen()  # again: Lightning has put its own in between

    def _listen(self) -> None:
        for number in SIGNALS:
            signal.signal(number, self._ask)

    def on_train_batch_end(self, trainer: lightning.Trainer, *unused: Any) -> None:
        if not trainer.is_last_batch and self._anyone_asked(trainer):
            trainer.save_checkpoint(self._folder / LAST)
            raise StoppedByUser

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if self._anyone_asked(trainer):
            raise StoppedByUser

    def _anyone_asked(self, trainer: lightning.Trainer) -> bool:
        """Whether any process was asked to: the signal may have reached one alone, or each in another step."""
        return bool(trainer.strategy.reduce_boolean_decision(self._asked, all=False))

    def _ask(self, number: int, frame: Any) -> None:
        self._asked = True
        print("\nstopping after this step; Ctrl-C again stops at once, without saving", file=sys.stderr)
        signal.signal(signal.SIGINT, signal.default_int_handler)
