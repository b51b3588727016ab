"""The mean of networks that began alike: their errors differ, so the mean errs less, and it costs nothing on the robot.

Wortsman et al., "Model soups", ICML 2022, and "Robust fine-tuning of zero-shot models", CVPR 2022: weights that were
trained from the same start lie in one basin, and so does their mean; with the start among them it forgets less.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from redwood_depth.bundle import ModelBundle
from training.errors import TrainingError
from training.network.bundle_weights import Weights, fill_from_weights, folded_weights
from training.run.bundle_start import is_bundle, run_of_bundle
from training.run.checkpoints import BEST, load_module
from training.run.folder import CHECKPOINTS, RUN_INFO, TrainedRun, read_json

SAME = 1e-3  # how much the weights of an encoder that was not trained may differ, from folding batch norm


def average(start: Path, members: Sequence[Path], keep: float = 0.0) -> tuple[TrainedRun, ModelBundle]:
    """The mean of the weights of runs, checkpoints or bundles with the classes of bundle `start`, and its description.

    `keep` (0..1) is the share of the bundle's own weights. Of a run its best weights so far count, trained to its end
    or not.

    Raises:
        TrainingError: one is of another network, or trained its encoder, which the classes of `start` read.
        BundleError: a bundle is damaged.
    """
    run, bundle = run_of_bundle(start), ModelBundle.load(start)
    own = folded_weights(run.module.model)
    mean: Weights = {name: keep * value for name, value in own.items()}
    medians, names = [], list(bundle.trained_on)
    for member in members:
        weights, median_m, trained_on = _member(member)
        _check(member, weights, own)
        for name, value in weights.items():
            mean[name] += (1 - keep) * value / len(members)
        medians.append(median_m)
        names += trained_on
    fill_from_weights(run.module.model, mean)
    median_m = round(sum(medians) / len(medians), 4)
    described = replace(bundle, trained_on=tuple(dict.fromkeys(names)), training_median_m=median_m, calibration=None)
    run.module.hparams["start_at_m"] = median_m
    return run, described


def _member(folder: Path) -> tuple[Weights, float, list[str]]:
    """Folded weights, training median in metres, and what it was trained on."""
    if is_bundle(folder):
        run, bundle = run_of_bundle(folder), ModelBundle.load(folder)
        return folded_weights(run.module.model), bundle.training_median_m, list(bundle.trained_on)
    checkpoint = folder if folder.is_file() else folder / CHECKPOINTS / BEST
    module, info = load_module(checkpoint), read_json(checkpoint.parent.parent / RUN_INFO)
    return folded_weights(module.model), float(module.hparams["start_at_m"]), [str(name) for name in info["trained_on"]]


def _check(member: Path, weights: Weights, own: Weights) -> None:
    if {name: value.shape for name, value in weights.items()} != {name: value.shape for name, value in own.items()}:
        raise TrainingError(f"{member} is of another network than the bundle that gives the classes")
    moved = [
        name for name in own if name.startswith("encoder.") and not torch.allclose(weights[name], own[name], atol=SAME)
    ]
    if moved:
        raise TrainingError(f"{member} trained its encoder ({moved[0]}), which the bundle's classes read; leave it out")
