"""Training: class head from labelled photos, depth decoder from scans, then the bundle."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from redwood_depth.bundle import ModelBundle
from redwood_depth.camera import TrainingCamera
from redwood_depth.errors import RedwoodDepthError
from training.class_head import (
    CLASS_GROUPS,
    CLASS_THRESHOLD,
    ClassHead,
    class_rates,
    fit_row,
    held_back_scores,
    imagenet_head,
)
from training.dataset import LoadedScan, TrainingSamples, load_scan, resize_color, training_median_m
from training.encoder import STRIDES, Encoder
from training.export import export_bundle
from training.losses import depth_loss
from training.model import DepthClassModel
from training.photos import class_photos, image_features

CAMERA = TrainingCamera(fx_over_width=525 / 640, fy_over_height=525 / 480)  # Redwood's own
DEPTH_RANGE_M = (0.1, 10.0)
NO_CLASS = "none"  # folder of the scans that show no class, beside those of the classes
BACKGROUND_FRAMES = 60  # of each scan, as photos of none of the classes


@dataclass(frozen=True)
class TrainingConfig:
    """One run. `scans` are (path, weight): how often a scan is drawn relative to the others."""

    scans: Sequence[tuple[Path, float]]
    output: Path
    crops: Path | None = None
    height: int = 192
    width: int = 256
    epochs: int = 5
    samples_per_epoch: int = 512
    batch_size: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    seed: int = 0

    @property
    def steps(self) -> int:
        """Optimiser steps, at least one."""
        return max(1, self.epochs * self.samples_per_epoch // self.batch_size)


def train(config: TrainingConfig, report: Callable[[int, float], None]) -> ModelBundle:
    """Train and export; `report(step, loss)` is called after every step.

    Raises:
        ScanError: a scan or photo cannot be read.
        RedwoodDepthError: the input's sides are no multiples of 32, or the loss is not finite.
        BundleError: the export differs from the trained model.
    """
    torch.manual_seed(config.seed)
    size = (config.height, config.width)
    if config.height % STRIDES[-1] or config.width % STRIDES[-1]:
        raise RedwoodDepthError(f"the input must be multiples of {STRIDES[-1]} pixels, not {size[0]}x{size[1]}")
    scans = [load_scan(path) for path, _ in config.scans]
    encoder = Encoder()
    without_object = [scan for scan, (path, _) in zip(scans, config.scans, strict=True) if not _shows_object(path)]
    class_head, scores = fit_class_head(encoder, without_object, config.crops, size)
    model = DepthClassModel(encoder, class_head, DEPTH_RANGE_M)
    median_m = training_median_m(scans, CAMERA, DEPTH_RANGE_M)
    model.decoder.start_at(median_m)
    train_decoder(model, scans, config, report)
    bundle = ModelBundle(
        folder=config.output,
        name=f"redwood-{config.output.name}",
        version="0.1.0",
        classes=tuple(CLASS_GROUPS),
        height=config.height,
        width=config.width,
        depth_range_m=DEPTH_RANGE_M,
        training_camera=CAMERA,
        encoder=encoder.name,
        precision="fp32",
        class_threshold=CLASS_THRESHOLD,
        training_median_m=round(median_m, 4),
        sha256="",
        trained_on=(
            "ImageNet (encoder)",
            *_sources([path for path, _ in config.scans]),
            *([config.crops.name] if config.crops else ()),
        ),
        scores=scores,
    )
    return export_bundle(model, bundle, [resize_color(scan.colors[0], size) for scan in scans])


def fit_class_head(
    encoder: Encoder, scans: Sequence[LoadedScan], crops: Path | None, size: tuple[int, int]
) -> tuple[ClassHead, dict[str, Any]]:
    """The class head, and its scores on photos it was not fitted on; without `crops` ImageNet's own classes alone.

    `scans` show none of the classes.
    """
    if crops is None:
        return imagenet_head(encoder.classifier), {}
    photos = class_photos(encoder, crops, size)
    frames = [scan.colors[i] for scan in scans for i in _spread(len(scan.colors), BACKGROUND_FRAMES)]
    background = image_features(encoder, [resize_color(frame, size) for frame in frames])
    held_back = held_back_scores(encoder.classifier, photos, background)
    rates = class_rates(held_back, photos.labels, CLASS_THRESHOLD)
    head = imagenet_head(encoder.classifier, fit_row(encoder.classifier, photos, background))
    return head, {f"{crops.name}, held back": {name: round(rate, 4) for name, rate in rates.items()}}


def train_decoder(
    model: DepthClassModel,
    scans: Sequence[LoadedScan],
    config: TrainingConfig,
    report: Callable[[int, float], None],
) -> None:
    """AdamW with a one-cycle learning rate on the decoder; the encoder stays as it is."""
    steps = config.steps
    samples = TrainingSamples(
        scans,
        [weight for _, weight in config.scans],
        CAMERA,
        (config.height, config.width),
        steps * config.batch_size,
        config.seed,
    )
    optimizer = torch.optim.AdamW(model.decoder.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=steps)
    model.to(memory_format=torch.channels_last).train()  # half the time of the default layout on a CPU
    for step, (image, target_m) in enumerate(DataLoader(samples, config.batch_size)):
        pred_m = model(image.contiguous(memory_format=torch.channels_last))["depth"]
        loss = depth_loss(pred_m=pred_m, target_m=target_m, depth_range_m=model.depth_range_m)
        if not torch.isfinite(loss):
            raise RedwoodDepthError(f"the loss is {loss.item()} at step {step}; a smaller learning rate may help")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        report(step, loss.item())
    model.to(memory_format=torch.contiguous_format).eval()


def _shows_object(path: Path) -> bool:
    """Whether a scan lies in the folder of a class, as ROOT/CLASS/SCAN."""
    return path.resolve().parent.name in CLASS_GROUPS


def _sources(paths: Sequence[Path]) -> list[str]:
    """What a bundle says it was trained on: scans by name, those of a ROOT/CLASS/SCAN tree by class and count."""
    parents = [path.resolve().parent for path in paths]
    trees = Counter(f"{at.parent.name}/{at.name}" for at in parents if at.name in (*CLASS_GROUPS, NO_CLASS))
    single = [path.name for path, at in zip(paths, parents, strict=True) if at.name not in (*CLASS_GROUPS, NO_CLASS)]
    return [*single, *(f"{tree} ({count} scans)" for tree, count in sorted(trees.items()))]


def _spread(count: int, at_most: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, at_most).round().astype(int)).tolist()
