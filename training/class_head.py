"""Classes read off the encoder's own ImageNet classifier, plus one learned row for trash containers.

A class's score is the sum of the softmax probabilities of the ImageNet classes in its group; the other ImageNet classes
are the rest, "none of these", which therefore knows a thousand things and not only the rooms somebody trained on.
ImageNet's ash-can looks little like a street container, so the group of the trash container has one more row, fitted on
photos: row 1001 of the same softmax, started at ImageNet's ash-can and kept near it.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASS_GROUPS = {
    # ambulance, beach wagon, cab, car wheel, convertible, grille, jeep, limousine, minivan, Model T, pickup,
    # police van, racer, sports car
    "car": (407, 436, 468, 479, 511, 581, 609, 627, 656, 661, 717, 734, 751, 817),
    "trash container": (412,),  # ash-can; bucket, mailbox and barrel add false alarms and hardly a street container
    "bicycle": (444, 671, 870, 880),  # tandem, mountain bike, tricycle, unicycle; most city bikes look like these
}
ASH_CAN = 412
LEARNED_ROW = 1000
ROW_CLASS = "trash container"

CLASS_THRESHOLD = 0.05  # ImageNet shares its probability among a thousand classes, so a twentieth says a lot
ROW_THRESHOLD = 0.4  # what the learned row must reach before its bias is lowered to make CLASS_THRESHOLD mean the same
ROW_DECAY = 0.3


class ClassHead(nn.Module):
    """Pooled features -> class scores, each in 0..1, summing to at most 1."""

    groups: Tensor

    def __init__(self, linear: nn.Linear, groups: Tensor) -> None:
        """`groups` (rows of `linear`, C) holds 1 where a row counts for a class."""
        super().__init__()
        self.linear = linear
        self.register_buffer("groups", groups)

    def forward(self, features: Tensor) -> Tensor:
        """(B, F) -> (B, C)."""
        return torch.softmax(self.linear(features), dim=1) @ self.groups


@dataclass(frozen=True)
class ClassPhotos:
    """Features (N, F) of labelled photos: class index (N,), and the photo that each crop was cut from (N,)."""

    features: Tensor
    labels: Tensor
    sources: Tensor


def imagenet_head(classifier: nn.Linear, row: tuple[Tensor, Tensor] | None = None) -> ClassHead:
    """The class head over ImageNet's 1000 rows and, where there is one, the learned `row` (weight (F,), bias ())."""
    weight, bias = classifier.weight.detach(), classifier.bias.detach()
    if row is not None:
        weight, bias = torch.cat([weight, row[0][None]]), torch.cat([bias, row[1][None]])
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    linear.load_state_dict({"weight": weight, "bias": bias})
    groups = torch.zeros(weight.shape[0], len(CLASS_GROUPS))
    for index, (name, members) in enumerate(CLASS_GROUPS.items()):
        groups[list(members), index] = 1
        if row is not None and name == ROW_CLASS:
            groups[LEARNED_ROW, index] = 1
    return ClassHead(linear, groups)


def fit_row(classifier: nn.Linear, photos: ClassPhotos, background: Tensor) -> tuple[Tensor, Tensor]:
    """Weight (F,) and bias () of the learned row: logistic regression of ROW_CLASS against everything else.

    Photos of the class, photos of the other classes and `background` features (N, F) weigh a third each. The row starts
    at ImageNet's ash-can, and the decay holds it there unless the photos say otherwise. Afterwards its bias is lowered
    from ROW_THRESHOLD to CLASS_THRESHOLD, so that one threshold serves all classes.
    """
    wanted = photos.labels == list(CLASS_GROUPS).index(ROW_CLASS)
    groups = [photos.features[wanted], photos.features[~wanted], background]
    features = torch.cat(groups)
    targets = torch.zeros(len(features))
    targets[: len(groups[0])] = 1
    weights = torch.cat([torch.full((len(group),), 1 / max(len(group), 1)) for group in groups])
    with torch.no_grad():
        logits = classifier(features)
    ash_can = logits[:, ASH_CAN].clone()
    logits[:, ASH_CAN] = -math.inf
    rest = torch.logsumexp(logits, dim=1)
    start = classifier.weight[ASH_CAN].detach()
    change = torch.zeros_like(start, requires_grad=True)
    bias = classifier.bias[ASH_CAN].detach().clone().requires_grad_()
    optimizer = torch.optim.LBFGS([change, bias], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        odds = torch.logaddexp(ash_can, features @ (start + change) + bias) - rest
        value = functional.binary_cross_entropy_with_logits(odds, targets, weight=weights, reduction="sum")
        value = value + ROW_DECAY * change.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return (start + change).detach(), bias.detach() - (_log_odds(ROW_THRESHOLD) - _log_odds(CLASS_THRESHOLD))


def held_back_scores(classifier: nn.Linear, photos: ClassPhotos, background: Tensor, folds: int = 5) -> Tensor:
    """Scores (N, C) of each photo by a head whose row was fitted without it and without crops of the same photo."""
    sources = torch.unique(photos.sources)
    order = sources[torch.randperm(len(sources), generator=torch.Generator().manual_seed(0))]
    scores = torch.zeros(len(photos.labels), len(CLASS_GROUPS))
    for fold in range(folds):
        out = torch.isin(photos.sources, order[fold::folds])
        rest = ClassPhotos(photos.features[~out], photos.labels[~out], photos.sources[~out])
        head = imagenet_head(classifier, fit_row(classifier, rest, background))
        with torch.no_grad():
            scores[out] = head(photos.features[out])
    return scores


def class_rates(scores: Tensor, labels: Tensor, threshold: float) -> dict[str, float]:
    """Balanced accuracy, and for each class the share that scores best, and best with at least `threshold`."""
    best, index = scores.max(dim=1)
    right = index == labels
    rates: dict[str, float] = {}
    recalls = []
    for label, name in enumerate(CLASS_GROUPS):
        of_class = labels == label
        if of_class.any():
            recalls.append(right[of_class].float().mean().item())
            rates[f"accuracy {name}"] = recalls[-1]
            rates[f"above threshold {name}"] = (right & (best >= threshold))[of_class].float().mean().item()
    return {"balanced_accuracy": sum(recalls) / len(recalls), **rates}


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))
