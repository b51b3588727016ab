"""What lies in a run's folder, and the trained network out of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from training.errors import TrainingError
from training.run.checkpoints import BEST, WholeCheckpoints, load_module
from training.run.class_fit import put_classes
from training.run.lightning_module import DepthClassModule

CONFIG, RUN_INFO, HISTORY, METRICS, CHECKPOINTS, FIGURES, CLASSES = (
    "config.yaml",
    "run.json",
    "history.json",
    "metrics.json",
    "checkpoints",
    "figures",
    "classes.ckpt",
)


@dataclass(frozen=True)
class TrainedRun:
    """The best checkpoint of a run with its class head and threshold; `rates` are the head's, on held-back data."""

    folder: Path
    module: DepthClassModule
    threshold: float
    rates: dict[str, Any]

    @property
    def training_median_m(self) -> float:
        """The median depth of the training data at the training camera."""
        return float(self.module.hparams["start_at_m"])

    @property
    def encoder_weights(self) -> str:
        """What the encoder began with: the configuration's key, which a loaded module no longer needs."""
        try:
            return str(yaml.safe_load((self.folder / CONFIG).read_text("utf-8"))["encoder_weights"])
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            raise TrainingError(f"{self.folder / CONFIG} cannot be read ({error})") from error

    @property
    def info(self) -> dict[str, Any]:
        """run.json: code, versions, data."""
        return dict(read_json(self.folder / RUN_INFO))

    @property
    def metrics(self) -> dict[str, Any]:
        """metrics.json, empty before an evaluation."""
        path = self.folder / METRICS
        return dict(read_json(path)) if path.exists() else {}

    @classmethod
    def load(cls, folder: Path) -> "TrainedRun":
        """Raises TrainingError where nothing was trained, training is not done, or a checkpoint is damaged."""
        module = load_module(folder / CHECKPOINTS / BEST)
        path = folder / CHECKPOINTS / CLASSES
        if not path.exists():
            raise TrainingError(f"{folder} is not trained to its end; run python -m training train again to go on")
        fitted = torch.load(path, map_location="cpu", weights_only=True)
        put_classes(module, fitted)
        return cls(folder, module.eval(), float(fitted["threshold"]), fitted["rates"])


def write_classes(folder: Path, fitted: dict[str, Any]) -> None:
    """Keep what training.run.class_fit found."""
    WholeCheckpoints().save_checkpoint(fitted, folder / CHECKPOINTS / CLASSES)


def read_json(path: Path) -> Any:
    """Raises TrainingError where the file cannot be read."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read ({error})") from error
