"""What a run reads: loaders of training and validation samples, made anew in each of its processes."""

import signal
from collections.abc import Sequence
from typing import Any

import lightning
from torch.utils.data import DataLoader

from training.config import TrainConfig
from training.data.dataset import DrawSampler, FrameSamples
from training.data.prepared_data import PreparedScan


class RunData(lightning.LightningDataModule):
    """Each process gets its share of the draws; a run that goes on starts behind the samples of its first steps."""

    def __init__(
        self, config: TrainConfig, scans: Sequence[PreparedScan], checked: Sequence[PreparedScan], steps_done: int = 0
    ) -> None:
        """`scans` are trained on, `checked` validated on; `steps_done` steps were taken earlier."""
        super().__init__()
        self._config, self._scans, self._checked, self._steps_done = config, scans, checked, steps_done

    def train_dataloader(self) -> DataLoader[Any]:
        config, rank, processes = self._config, *self._place()
        sampler = DrawSampler(self._scans, config, rank=rank, processes=processes)
        sampler.epoch, into = divmod(self._steps_done, sampler.steps)
        sampler.start = into * config.batch_size
        samples = FrameSamples(self._scans, config, augment=True)
        return DataLoader(
            samples,
            config.batch_size,
            sampler=sampler,
            num_workers=config.workers,
            persistent_workers=config.workers > 0,
            worker_init_fn=_leave_signals_to_the_parent,
        )

    def val_dataloader(self) -> DataLoader[Any]:
        rank, processes = self._place()
        frames = FrameSamples(self._checked, self._config, augment=False)
        numbered = [(frame, frame) for frame in range(rank, len(frames), processes)]
        return DataLoader(frames, self._config.batch_size, sampler=numbered)

    def _place(self) -> tuple[int, int]:
        """Rank of this process, and how many there are."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)


def _leave_signals_to_the_parent(worker: int) -> None:
    """In a worker: a signal to the whole group (timeout, systemd, SLURM, Ctrl-C) is the parent's to heed.

    It finishes its step, for which it needs its workers, and ends them itself; they end alone where it is gone.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
