"""Checkpoints: written whole or not at all, read without running what is in them, rebuilt into the module."""

import pickle
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from redwood_depth.errors import first_line
from redwood_depth.files import whole_path
from training.errors import TrainingError
from training.run.lightning_module import DepthClassModule

LAST, BEST = "last.ckpt", "best.ckpt"


class WholeCheckpoints(TorchCheckpointIO):
    """Writes beside the file's place, and puts it there when it is whole; a full disk leaves the earlier one."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Raises TrainingError where there is no room."""
        final = Path(path)
        try:
            with whole_path(final) as partial, partial.open("wb") as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:  # torch's zip writer reports a full disk as a RuntimeError
            raise TrainingError(f"cannot write {final} ({first_line(error)}); the earlier checkpoint stays") from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, tensors and plain values only.

    Raises:
        TrainingError: not there, damaged, or not one of ours.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        for name in ("config", "classes", "start_at_m"):
            checkpoint["hyper_parameters"][name]
        checkpoint["state_dict"], checkpoint["global_step"]
    except FileNotFoundError as error:
        raise TrainingError(f"no {path}: nothing was trained there") from error
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, ValueError, pickle.UnpicklingError) as error:
        raise TrainingError(f"{path} is not a checkpoint of this package ({first_line(error)})") from error
    return dict(checkpoint)


def load_module(path: Path) -> DepthClassModule:
    """The trained module, in evaluation mode; the encoder's weights come from the checkpoint alone.

    Raises:
        TrainingError: as `read_checkpoint`, or the weights are another architecture's or not finite.
    """
    values = read_checkpoint(path)["hyper_parameters"]
    config = {**values["config"], "encoder_weights": "none"}
    module = DepthClassModule(config, values["classes"], values["start_at_m"])
    fill_module(module, path)
    return module.eval()


def fill_module(module: DepthClassModule, path: Path) -> None:
    """Put a checkpoint's weights into a module of the same architecture.

    Raises:
        TrainingError: as `read_checkpoint`, or the weights are another architecture's or not finite.
    """
    checkpoint = read_checkpoint(path)
    if tuple(checkpoint["hyper_parameters"]["classes"]) != module.classes:
        classes = ", ".join(checkpoint["hyper_parameters"]["classes"])
        raise TrainingError(f"{path} was trained for the classes {classes}, not for {', '.join(module.classes)}")
    broken = [name for name, value in checkpoint["state_dict"].items() if not torch.isfinite(value.float()).all()]
    if broken:
        raise TrainingError(f"{path}: {len(broken)} weights are not finite, {broken[0]} first")
    try:
        module.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise TrainingError(f"{path} does not fit the network of its configuration: {_lines(error)}") from error


def _lines(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
