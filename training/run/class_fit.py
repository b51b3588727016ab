"""After the depth is trained: the class head's learned rows where it has any, and the threshold of "none of these"."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.config import TrainConfig
from training.data.dataset import FrameSamples
from training.data.photos import find_photos, photo_view
from training.data.prepared_data import PreparedScan
from training.errors import TrainingError
from training.network.class_head import (
    LabeledFeatures,
    choose_threshold,
    class_rates,
    fit_rows,
    held_back_scores,
    imagenet_head,
)
from training.network.encoder import Encoder
from training.run.lightning_module import DepthClassModule

PHOTO_VIEWS, FRAME_VIEWS = 6, 4  # of each photo, and of each frame where it is augmented
FRAMES = 24  # of each scan at most


def fit_classes(
    module: DepthClassModule, scans: Sequence[PreparedScan], checked: Sequence[PreparedScan]
) -> dict[str, Any]:
    """`threshold`, `rates` on what was held back, and `rows` (weight, bias) where the head is "imagenet".

    Raises:
        TrainingError: no class to learn.
        ScanError: a photo cannot be read.
    """
    config, classes = module.config, module.classes
    if not classes:
        raise TrainingError("all scans are of class 'none': put them into ROOT/CLASS to learn classes")
    if config.class_head == "linear":
        data = _frames(module.model.encoder, checked, config)
        with torch.no_grad():
            scores = module.model.class_head(data.features)[:, :-1].exp()
        threshold = choose_threshold(scores, data.labels)
        return {"threshold": threshold, "rates": {"validation": class_rates(scores, data.labels, classes, threshold)}}
    encoder, photos = module.model.encoder, Path(config.photos)
    frames = _frames(encoder, scans, config)
    rendered = torch.tensor([scan.is_rendered for scan in scans])[frames.sources]
    sets = {"rendered frames": frames.where(rendered), "real frames": frames.where(~rendered)}
    if config.photos:
        sets["photos"] = _photos(encoder, photos, classes, config)
    sets = {name: part for name, part in sets.items() if len(part.labels)}
    data = _joined(list(sets.values()), len(classes))
    scores = held_back_scores(encoder.classifier, classes, data)
    threshold = choose_threshold(scores, data.labels)
    ends = np.cumsum([0, *(len(part.labels) for part in sets.values())])
    rates = {
        name: class_rates(scores[a:b], data.labels[a:b], classes, threshold)
        for name, a, b in zip(sets, ends[:-1], ends[1:], strict=True)
    }
    weight, bias = fit_rows(encoder.classifier, classes, data)
    return {"threshold": threshold, "rates": rates, "rows": {"weight": weight, "bias": bias}}


def put_classes(module: DepthClassModule, fitted: dict[str, Any]) -> None:
    """Put fitted rows into the module's class head.

    Raises:
        TrainingError: another version fitted other rows.
    """
    if rows := fitted.get("rows"):
        found, wanted = len(rows["bias"]), len(module.classes) + 1
        if found != wanted:
            raise TrainingError(
                f"the class head has {found} learned rows, not {wanted}: another version fitted them; delete "
                "checkpoints/classes.ckpt of the run and train again, which fits them anew"
            )
        head = imagenet_head(module.model.encoder.classifier, module.classes, (rows["weight"], rows["bias"]))
        module.model.class_head = head.eval()


def _frames(encoder: Encoder, scans: Sequence[PreparedScan], config: TrainConfig) -> LabeledFeatures:
    augment = config.class_head == "imagenet"
    samples = FrameSamples(scans, config, augment=augment)
    first = np.cumsum([0, *(len(scan) for scan in scans)])
    chosen = [np.unique(np.linspace(0, len(scan) - 1, min(len(scan), FRAMES)).astype(int)) for scan in scans]
    views = FRAME_VIEWS if augment else 1
    frames = np.concatenate([first[number] + at for number, at in enumerate(chosen)]).repeat(views)
    sources = torch.tensor([number for number, at in enumerate(chosen) for _ in at]).repeat_interleave(views)
    labels = torch.tensor([scan.class_index for scan in scans])[sources]
    images = (samples[(draw, int(frame))]["image"] for draw, frame in enumerate(frames))
    return LabeledFeatures(_features(encoder, images), labels, sources, torch.ones(len(labels)))


def _photos(encoder: Encoder, folder: Path, classes: Sequence[str], config: TrainConfig) -> LabeledFeatures:
    photos, size = find_photos(folder, classes), (config.height, config.width)
    names = sorted({photo.source for photo in photos})
    rng = np.random.default_rng(config.seed)
    images = (
        torch.from_numpy(np.ascontiguousarray(photo_view(photo.read(), size, rng if view else None).transpose(2, 0, 1)))
        for photo in photos
        for view in range(PHOTO_VIEWS)
    )
    labels = torch.tensor([[*classes, "none"].index(photo.class_name) for photo in photos])
    labels = labels.where(labels < len(classes), -1).repeat_interleave(PHOTO_VIEWS)
    sources = torch.tensor([-1 - names.index(photo.source) for photo in photos]).repeat_interleave(PHOTO_VIEWS)
    return LabeledFeatures(_features(encoder, images), labels, sources, torch.ones(len(labels)))


def _features(encoder: Encoder, images: Any) -> Tensor:
    """Pooled features (N, F) of images (3, H, W)."""
    with torch.no_grad():
        return torch.cat([encoder(image[None].float())[1] for image in images])


def _joined(parts: Sequence[LabeledFeatures], classes: int) -> LabeledFeatures:
    """All samples; each set's share of a class weighs the same however many samples it has, "none" as all classes."""
    weights = []
    for part in parts:
        counts = Counter(part.labels.tolist())
        share = [classes / counts[label] if label < 0 else 1 / counts[label] for label in part.labels.tolist()]
        weights.append(part.weights * torch.tensor(share))
    return LabeledFeatures(
        torch.cat([part.features for part in parts]),
        torch.cat([part.labels for part in parts]),
        torch.cat([part.sources for part in parts]),
        torch.cat(weights),
    )
