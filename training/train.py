"""Training: a configuration and prepared data -> a run folder; stopped at any moment, it goes on where it was."""

import json
import logging
import platform
import re
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import lightning
import torch
import yaml
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

from training.checkpoints import BEST, LAST, WholeCheckpoints, load_module, read_checkpoint
from training.class_fit import fit_classes
from training.config import TrainConfig
from training.dataset import DrawSampler, FrameSamples, training_median_m
from training.errors import TrainingError
from training.module import DepthClassModule
from training.prepared_data import PreparedData, PreparedScan
from training.run_callbacks import History, StopAtOnce
from training.run_folder import CHECKPOINTS, CONFIG, HISTORY, RUN_INFO, write_classes
from training.whole_files import write_whole


def train(config: TrainConfig, data: PreparedData, run: Path) -> bool:
    """Train into the folder `run`, from its last checkpoint where there is one; False: stopped by the user.

    Raises:
        TrainingError: nothing to train on, `run` belongs to another configuration, or the loss is not finite.
        PreparedDataError: the data is damaged.
    """
    scans, checked = _scans(config, data)
    checkpoint = _open_run(config, data, run)
    lightning.seed_everything(config.seed, workers=False, verbose=False)
    median_m = training_median_m(scans, config)
    module = DepthClassModule(config.to_dict(), data.classes, median_m)
    module.model.to(memory_format=torch.channels_last)  # half the time of the default layout on a CPU
    stop = StopAtOnce(run / CHECKPOINTS / LAST)
    trainer = _trainer(config, run, stop)
    loader, validation = _loaders(config, scans, checked, checkpoint, trainer)
    with warnings.catch_warnings():
        for text in (".*does not have many workers.*", ".*dataloader is not resumable.*", ".*isinstance.treespec.*"):
            warnings.filterwarnings("ignore", text)
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        trainer.fit(module, loader, validation, ckpt_path=checkpoint, weights_only=True)
    if stop.asked:
        return False
    if data.classes and trainer.is_global_zero:
        write_classes(run, fit_classes(load_module(run / CHECKPOINTS / BEST), scans, checked))
    return True


def _scans(config: TrainConfig, data: PreparedData) -> tuple[list[PreparedScan], list[PreparedScan]]:
    """Training and validation scans. Raises TrainingError where there is too little to learn from."""
    scans, checked = data.scans("train"), data.scans("validation")
    if not scans or not checked:
        missing = "training" if not scans else "validation"
        raise TrainingError(f"{data.folder} has no scan for {missing}; prepare more scans (python -m training prepare)")
    if config.class_head == "linear" and len(data.classes) == 1 and all(s.class_index >= 0 for s in scans):
        print(f"note: one class only, {data.classes[0]}: the class head has nothing to tell apart", file=sys.stderr)
    return scans, checked


def _open_run(config: TrainConfig, data: PreparedData, run: Path) -> Path | None:
    """Make the folder, or find what it holds; returns the checkpoint to go on from."""
    run.mkdir(parents=True, exist_ok=True)
    if (run / CONFIG).exists():
        _check_same(_read_config(run), config.to_dict(), run)
    write_whole(run / CONFIG, yaml.safe_dump(config.to_dict(), sort_keys=False))
    write_whole(run / RUN_INFO, json.dumps(_run_info(data), indent=2) + "\n")
    last = run / CHECKPOINTS / LAST
    return last if last.exists() else None


def _read_config(run: Path) -> dict[str, Any]:
    try:
        return dict(yaml.safe_load((run / CONFIG).read_text("utf-8")))
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise TrainingError(f"{run / CONFIG} cannot be read; choose another --output") from error


def _check_same(earlier: dict[str, Any], now: dict[str, Any], run: Path) -> None:
    free = {"workers", "accelerator", "devices", "nodes", "strategy", "checkpoint_steps"}
    changed = [
        f"{key} {earlier.get(key)} -> {now[key]}" for key in now if key not in free and earlier.get(key) != now[key]
    ]
    if changed:
        raise TrainingError(f"{run} was begun with other settings ({', '.join(changed[:4])}); choose another --output")


def _run_info(data: PreparedData) -> dict[str, Any]:
    """What a result can be traced back to: code, versions, data."""
    scans = Counter(f"{data.splits[scan.name]}: {scan.class_name}" for scan in data.all_scans)
    single = [scan.name for scan in data.scans("train") if not _is_rendered(scan)]
    rendered = Counter(scan.class_name for scan in data.scans("train") if _is_rendered(scan))
    return {
        "git_revision": _git_revision(), "python": platform.python_version(), "torch": torch.__version__,
        "lightning": lightning.__version__, "machine": platform.machine(), "data": data.folder.name,
        "data_folder": str(data.folder), "classes": list(data.classes), "scans": dict(sorted(scans.items())),
        "trained_on": [*single, *(f"rendered {name} ({count} scans)" for name, count in sorted(rendered.items()))],
    }  # fmt: skip


def _is_rendered(scan: PreparedScan) -> bool:
    """Whether `synthesize` made the scan, by its name."""
    return re.fullmatch(r"s\d{3}-\d{5}", scan.name.rpartition("/")[2]) is not None


def _git_revision() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    here = Path(__file__).parent
    done = subprocess.run(
        [git, "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _trainer(config: TrainConfig, run: Path, stop: StopAtOnce) -> lightning.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    one_file = {"dirpath": run / CHECKPOINTS, "enable_version_counter": False}
    best = ModelCheckpoint(filename=Path(BEST).stem, monitor="abs_rel", mode="min", **one_file)
    last = ModelCheckpoint(filename=Path(LAST).stem, every_n_train_steps=config.checkpoint_steps, **one_file)
    end = ModelCheckpoint(filename=Path(LAST).stem, every_n_epochs=1, **one_file)
    many = config.devices * config.nodes > 1
    return lightning.Trainer(
        accelerator=config.accelerator, devices=config.devices, num_nodes=config.nodes, strategy=config.strategy,
        precision=config.precision, max_epochs=config.epochs, callbacks=[
            History(run / HISTORY), best, last, end, stop, LearningRateMonitor("step"), TQDMProgressBar(leave=True),
        ],
        logger=TensorBoardLogger(run, name="tensorboard", version=""), plugins=[WholeCheckpoints()],
        use_distributed_sampler=False, sync_batchnorm=many, num_sanity_val_steps=0, log_every_n_steps=10,
        enable_model_summary=False, default_root_dir=run,
    )  # fmt: skip


def _loaders(
    config: TrainConfig, scans: list[PreparedScan], checked: list[PreparedScan], checkpoint: Path | None,
    trainer: lightning.Trainer,
) -> tuple[DataLoader[Any], DataLoader[Any]]:  # fmt: skip
    sampler = DrawSampler(scans, config, rank=trainer.global_rank, processes=trainer.world_size)
    steps = len(sampler) // config.batch_size
    if checkpoint is not None:
        sampler.epoch, into = divmod(int(read_checkpoint(checkpoint)["global_step"]), steps)
        sampler.start = into * config.batch_size
    workers = {"num_workers": config.workers, "persistent_workers": config.workers > 0}
    loader = DataLoader(FrameSamples(scans, config, augment=True), config.batch_size, sampler=sampler, **workers)
    frames = FrameSamples(checked, config, augment=False)
    own = range(trainer.global_rank, len(frames), trainer.world_size)
    numbered = [(frame, frame) for frame in own]
    return loader, DataLoader(frames, config.batch_size, sampler=numbered, num_workers=0)  # type: ignore[arg-type]
