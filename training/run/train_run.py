"""Training: a configuration and prepared data -> a run folder; stopped at any moment, it goes on where it was."""

import logging
import warnings
from pathlib import Path

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, LearningRateMonitor
from lightning.pytorch.loggers import TensorBoardLogger
from timm.layers.norm_act import convert_sync_batchnorm

from training.config import TrainConfig
from training.data.dataset import DrawSampler, training_median_m
from training.data.prepared_data import PreparedData, PreparedScan
from training.errors import TrainingError
from training.run.bundle_start import fill_from_start, kept_classes
from training.run.callbacks import History, RunCheckpoints, StopOnSignal, StoppedByUser, own_signals
from training.run.checkpoints import BEST, WholeCheckpoints, fill_module, load_module, read_checkpoint
from training.run.class_fit import fit_classes
from training.run.folder import CHECKPOINTS, CLASSES, HISTORY, write_classes
from training.run.lightning_module import DepthClassModule
from training.run.loaders import RunData
from training.run.progress_lines import ShowProgress
from training.run.start import is_first_process, open_run, run_classes, run_scans


def train(config: TrainConfig, data: PreparedData, run: Path) -> bool:
    """Train into the folder `run`, from its last checkpoint where there is one; False: stopped by the user.

    A run that is trained to its end is left as it is.

    Raises:
        TrainingError: nothing to train on, `run` belongs to another configuration or to other data, its checkpoint is
            damaged, or the loss is not finite.
        PreparedDataError: the data is damaged.
    """
    scans, checked = run_scans(config, data)
    checkpoint = open_run(config, data, run)
    steps_done = int(read_checkpoint(checkpoint)["global_step"]) if checkpoint else 0
    steps = DrawSampler(scans, config, processes=config.devices * config.nodes).steps * config.epochs
    if steps_done < steps:
        try:
            _fit(config, data, scans, RunData(config, scans, checked, steps_done), run, checkpoint)
        except StoppedByUser:
            return False
    if is_first_process() and not is_trained(run):
        kept = kept_classes(config, run_classes(config, data))
        write_classes(run, kept or fit_classes(load_module(run / CHECKPOINTS / BEST), scans, checked))
    return True


def is_trained(run: Path) -> bool:
    """Whether a run is trained to its end, its class head included."""
    return (run / CHECKPOINTS / CLASSES).exists()


def _fit(
    config: TrainConfig,
    data: PreparedData,
    scans: list[PreparedScan],
    run_data: RunData,
    run: Path,
    checkpoint: Path | None,
) -> None:
    lightning.seed_everything(config.seed, workers=False, verbose=False)
    module = DepthClassModule(config.to_dict(), run_classes(config, data), training_median_m(scans, config))
    if checkpoint:
        fill_module(module, checkpoint)  # Lightning does so too, but says less where it does not fit
    elif config.start_from:
        fill_from_start(module, scans)
    module.model.to(memory_format=torch.channels_last)  # half the time of the default layout on a CPU
    with own_signals(), warnings.catch_warnings():
        for text in (".*dataloader is not resumable.*", ".*isinstance.treespec.*", ".*Grad strides do not match.*"):
            warnings.filterwarnings("ignore", text)
        for category in (PossibleUserWarning, FutureWarning, DeprecationWarning):
            warnings.filterwarnings("ignore", category=category)
        trainer = _trainer(config, run)
        if trainer.world_size > 1 and trainer.strategy.root_device.type == "cuda":
            # not Lightning's sync_batchnorm: PyTorch's conversion drops the activation that timm's batch norm holds
            module.model = convert_sync_batchnorm(module.model)
        trainer.fit(module, datamodule=run_data, ckpt_path=checkpoint, weights_only=True)


def _trainer(config: TrainConfig, run: Path) -> lightning.Trainer:
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    history, folder = History(run / HISTORY), run / CHECKPOINTS
    averaging: list[Callback] = [EMAWeightAveraging(decay=config.average_decay)] if config.average_decay else []
    try:
        return lightning.Trainer(
            accelerator=config.accelerator,
            devices=config.devices,
            num_nodes=config.nodes,
            strategy=_strategy(config),
            precision=config.precision,  # type: ignore[arg-type]
            max_epochs=config.epochs,
            callbacks=[
                *averaging,
                history,
                ShowProgress(history),
                LearningRateMonitor("step"),
                RunCheckpoints(folder, config.checkpoint_steps),
                StopOnSignal(folder),
            ],
            logger=TensorBoardLogger(run, name="tensorboard", version=""),
            plugins=[WholeCheckpoints()],
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            log_every_n_steps=10,
            enable_model_summary=False,
            enable_progress_bar=False,
            default_root_dir=run,
            gradient_clip_val=config.gradient_clip or None,
        )
    except (MisconfigurationException, ValueError, RuntimeError) as error:
        keys = "accelerator, devices, nodes, strategy, precision"
        raise TrainingError(f"{keys}: {' '.join(str(error).split())}") from error


def _strategy(config: TrainConfig) -> str:
    """Lightning's name; without a class head to learn, what an encoder has behind its last map gets no gradient."""
    learns_classes = config.class_head == "linear" and config.class_loss_weight > 0
    if config.devices * config.nodes == 1 or config.encoder_training == "frozen" or learns_classes:
        return config.strategy
    return "ddp_find_unused_parameters_true" if config.strategy in ("auto", "ddp") else config.strategy
