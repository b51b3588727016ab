"""Begin with a model bundle instead of a run: its network, its weights, its classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from redwood_depth.bundle import MODEL_FILE, ModelBundle
from training.config import TrainConfig, config_from
from training.data.dataset import DrawSampler, FrameSamples
from training.data.prepared_data import PreparedScan
from training.errors import TrainingError
from training.network.bundle_weights import (
    Weights,
    class_head_of,
    fill_from_weights,
    learned_rows,
    read_weights,
    set_statistics,
)
from training.run.checkpoints import BEST, fill_module
from training.run.folder import CHECKPOINTS, TrainedRun
from training.run.lightning_module import DepthClassModule

STATISTICS_FRAMES = 64
HELD_BACK = "classes of {}, held back"  # how a bundle's scores name the rates of its class head


def is_bundle(folder: Path) -> bool:
    """Whether a folder is a model bundle and not a run."""
    return (folder / MODEL_FILE).exists()


def fill_from_start(module: DepthClassModule, scans: Sequence[PreparedScan]) -> None:
    """The weights that `start_from` names: a run's best ones, or a bundle's, of whatever classes.

    Raises:
        TrainingError: they are damaged, or of another network.
        BundleError: the bundle is damaged.
    """
    start = Path(module.config.start_from)
    if not is_bundle(start):
        fill_module(module, start / CHECKPOINTS / BEST)
        return
    fill_from_weights(module.model, _weights(ModelBundle.load(start)))
    samples = FrameSamples(scans, module.config, augment=True)
    chosen = [at for at, _ in zip(DrawSampler(scans, module.config), range(STATISTICS_FRAMES), strict=False)]
    set_statistics(module.model, torch.stack([samples[at]["image"] for at in chosen]).float())


def kept_classes(config: TrainConfig, classes: Sequence[str]) -> dict[str, Any] | None:
    """What `fit_classes` gives, taken from the bundle that `start_from` names; None where it has to be fitted.

    It stays as long as what it reads stays: the encoder is frozen, and the classes are the same.
    """
    start = Path(config.start_from)
    if not config.start_from or config.class_head != "imagenet" or not is_bundle(start):
        return None
    bundle = ModelBundle.load(start)
    if config.encoder_training != "frozen" or bundle.classes != tuple(classes):
        return None
    weight, bias = learned_rows(_weights(bundle), len(classes))
    return {"threshold": bundle.class_threshold, "rates": _rates(bundle), "rows": {"weight": weight, "bias": bias}}


def run_of_bundle(folder: Path) -> TrainedRun:
    """A bundle as what it was exported from, e.g. to score it on prepared data.

    Raises:
        TrainingError: it is no checkpoint: of less than 32 bits, or not of this package.
        BundleError: it is damaged.
    """
    bundle = ModelBundle.load(folder)
    weights = _weights(bundle)
    config = {**config_of(bundle, weights).to_dict(), "encoder_weights": "none"}
    module = DepthClassModule(config, bundle.classes, bundle.training_median_m)
    fill_from_weights(module.model, weights)
    module.model.class_head = class_head_of(weights)
    return TrainedRun(folder, module.eval(), bundle.class_threshold, _rates(bundle))


def config_of(bundle: ModelBundle, weights: Weights) -> TrainConfig:
    """The configuration of a bundle's network, the sizes of its decoder read from the weights."""
    widths: list[int] = []
    while (first := weights.get(f"decoder.blocks.{len(widths)}.convs.0.weight")) is not None:
        widths.append(len(first))
    bottleneck = weights.get("decoder.bottleneck.weight", np.zeros(0))
    return config_from(
        {
            "encoder": bundle.encoder,
            "height": bundle.height,
            "width": bundle.width,
            "depth_range_m": bundle.depth_range_m,
            "decoder_widths": widths,
            "bottleneck": len(bottleneck),
            "class_head": "imagenet",
        }
    )


def _weights(bundle: ModelBundle) -> Weights:
    if bundle.precision != "fp32":
        raise TrainingError(f"{bundle.folder} is {bundle.precision}: only an fp32 bundle is a checkpoint; use that one")
    return read_weights(bundle.model_path)


def _rates(bundle: ModelBundle) -> dict[str, Any]:
    before, after = HELD_BACK.split("{}")
    return {
        name[len(before) : -len(after)]: rates
        for name, rates in bundle.scores.items()
        if name.startswith(before) and name.endswith(after)
    }
