"""Class heads: the paper's linear layer, and rows in the softmax of the encoder's own ImageNet classifier.

In the second, a class's score is the sum of the softmax probabilities of its ImageNet classes and of a learned row; the
other ImageNet classes are the rest, "none of these", which therefore knows a thousand things and not only the rooms
that somebody trained on. The learned rows are what ImageNet lacks: its ash-can looks little like a street container.
"None of these" has one too: for cupboards, for cartons.
"""

from collections.abc import Sequence
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
DOG_BREEDS = slice(151, 269)  # 118 of ImageNet's thousand classes
KEPT_BREEDS = 6  # every sixth of them stays: enough to know a dog as none of these, and 0.5 MB less
LEAST_SCORE = 1e-12
ROW_DECAY = 0.1  # what holds a learned row near its start; with less, more cupboards pass for containers
FALSE_ALARMS = 0.03  # share of the samples of no class that may reach the threshold


class LinearClassHead(nn.Module):
    """The paper's head: dropout and one linear layer; `background` adds the class "none of these"."""

    def __init__(self, features: int, classes: int, dropout: float, background: bool = True) -> None:
        super().__init__()
        self.dropout, self.background = nn.Dropout(dropout), background
        self.linear = nn.Linear(features, classes + background)

    def forward(self, features: Tensor) -> Tensor:
        """(B, F) -> logarithms of the scores (B, C + 1), "none of these" last."""
        log_scores = functional.log_softmax(self.linear(self.dropout(features)).float(), dim=1)
        return log_scores if self.background else functional.pad(log_scores, (0, 1), value=-30.0)


class ClassHead(nn.Module):
    """Softmax over the ImageNet classes and the learned rows, summed by class."""

    groups: Tensor

    def __init__(self, features: int, groups: Tensor) -> None:
        """`groups` (rows, C + 1) holds 1 where a row counts for a class; the last column is "none of these"."""
        super().__init__()
        self.linear = nn.Linear(features, len(groups))
        self.register_buffer("groups", groups)

    def forward(self, features: Tensor) -> Tensor:
        """(B, F) -> logarithms of the scores (B, C + 1)."""
        return (torch.softmax(self.linear(features), dim=1) @ self.groups).clamp(min=LEAST_SCORE).log()


@dataclass(frozen=True)
class LabeledFeatures:
    """Pooled features (N, F) with class index (N,), -1 for none; `sources` (N,) tell which come from one photo or scan.

    `weights` (N,) say how much each counts.
    """

    features: Tensor
    labels: Tensor
    sources: Tensor
    weights: Tensor

    def where(self, mask: Tensor) -> "LabeledFeatures":
        return LabeledFeatures(self.features[mask], self.labels[mask], self.sources[mask], self.weights[mask])


def imagenet_head(classifier: nn.Linear, classes: Sequence[str], rows: tuple[Tensor, Tensor] | None) -> ClassHead:
    """The class head over ImageNet's rows and, where there are any, the learned `rows`: weight (R, F), bias (R,)."""
    weight, bias = classifier.weight.detach(), classifier.bias.detach()
    groups, kept = _imagenet_groups(len(weight), classes), torch.ones(len(weight), dtype=torch.bool)
    kept[DOG_BREEDS] = torch.arange(DOG_BREEDS.start, DOG_BREEDS.stop) % KEPT_BREEDS == 0
    weight, bias, groups = weight[kept], bias[kept], groups[kept]
    if rows is not None:
        weight, bias = torch.cat([weight, rows[0]]), torch.cat([bias, rows[1]])
        groups = torch.cat([groups, torch.eye(len(classes) + 1)])
    head = ClassHead(weight.shape[1], groups)
    head.linear.load_state_dict({"weight": weight, "bias": bias})
    return head


def fit_rows(classifier: nn.Linear, classes: Sequence[str], data: LabeledFeatures) -> tuple[Tensor, Tensor]:
    """Weight (C + 1, F) and bias (C + 1,) of the learned rows, that of "none of these" last: logistic regression inside
    the softmax of all rows. More rows a class end as one: only one of them moves from its start.
    """
    groups = _imagenet_groups(len(classifier.weight), classes)
    with torch.no_grad():
        known = _log_sums(classifier(data.features), groups)  # (N, C + 1): what ImageNet alone says
    start, start_bias = _start(classifier, groups)
    change = torch.zeros_like(start).requires_grad_()
    bias = start_bias.clone().requires_grad_()
    targets = data.labels % (len(classes) + 1)  # -1, none of these, is the last
    weights = data.weights / data.weights.sum()
    optimizer = torch.optim.LBFGS([change, bias], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        log_odds = torch.logaddexp(known, functional.linear(data.features, start + change, bias))
        value = (weights * functional.cross_entropy(log_odds, targets, reduction="none")).sum()
        value = value + ROW_DECAY * change.square().sum() / 3
        value.backward()
        return value

    optimizer.step(loss)
    return (start + change).detach(), bias.detach()


def held_back_scores(classifier: nn.Linear, classes: Sequence[str], data: LabeledFeatures, folds: int = 5) -> Tensor:
    """Scores (N, C) of every sample by a head that was fitted without it and without others of the same source."""
    sources = torch.unique(data.sources)
    order = sources[torch.randperm(len(sources), generator=torch.Generator().manual_seed(0))]
    scores = torch.zeros(len(data.labels), len(classes))
    for fold in range(folds):
        out = torch.isin(data.sources, order[fold::folds])
        head = imagenet_head(classifier, classes, fit_rows(classifier, classes, data.where(~out)))
        with torch.no_grad():
            scores[out] = head(data.features[out])[:, :-1].exp()
    return scores


def choose_threshold(scores: Tensor, labels: Tensor) -> float:
    """The lowest threshold, 0.05 to 0.95, that at most FALSE_ALARMS of the samples of no class reach; 0.5 without any.

    A bound on false alarms, as Neyman and Pearson's: what a robot is told to see should be there.
    """
    background = scores.max(dim=1).values[labels < 0]
    if not len(background):
        return 0.5
    thresholds = torch.arange(5, 96) / 100
    few = (background[:, None] >= thresholds).float().mean(dim=0) <= FALSE_ALARMS
    return round(float(thresholds[few][0] if few.any() else thresholds[-1]), 2)


def class_rates(scores: Tensor, labels: Tensor, classes: Sequence[str], threshold: float) -> dict[str, float]:
    """Balanced accuracy, and for each class the share that scores best, and best with at least `threshold`."""
    best, index = scores.max(dim=1)
    right = index == labels
    rates: dict[str, float] = {}
    recalls = []
    for label, name in enumerate(classes):
        of_class = labels == label
        if of_class.any():
            recalls.append(right[of_class].float().mean().item())
            rates[f"accuracy {name}"] = recalls[-1]
            rates[f"above threshold {name}"] = (right & (best >= threshold))[of_class].float().mean().item()
    if (labels < 0).any():
        rates["none above threshold"] = (best[labels < 0] >= threshold).float().mean().item()
    return {**({"balanced_accuracy": sum(recalls) / len(recalls)} if recalls else {}), **rates}


def _imagenet_groups(rows: int, classes: Sequence[str]) -> Tensor:
    """(rows, C + 1): 1 where an ImageNet row counts for a class, or for none in the last column."""
    groups = torch.zeros(rows, len(classes) + 1)
    for index, name in enumerate(classes):
        groups[list(CLASS_GROUPS.get(name, ())), index] = 1
    groups[:, -1] = 1 - groups[:, :-1].sum(dim=1)
    return groups


def _log_sums(logits: Tensor, groups: Tensor) -> Tensor:
    """(N, rows), (rows, C + 1) -> logarithms of the sums of exp over each group; very low for an empty one."""
    top = logits.max(dim=1, keepdim=True).values
    return ((logits - top).exp() @ groups).clamp(min=1e-30).log() + top


def _start(classifier: nn.Linear, groups: Tensor) -> tuple[Tensor, Tensor]:
    """Weight (C + 1, F) and bias (C + 1,) where the learned rows begin, near what holds them unless the data says
    otherwise: the mean of the class's ImageNet rows, of all rows where ImageNet knows none.

    That of none is as likely as all its rows together: begun weaker it is never used, a poor optimum of its own.
    """
    members = groups.clone()  # (rows, C + 1)
    members[:, members.sum(dim=0) == 0] = 1
    share = (members / members.sum(dim=0)).T
    bias = share @ classifier.bias.detach()
    bias[-1] += members[:, -1].sum().log()
    return share @ classifier.weight.detach(), bias
