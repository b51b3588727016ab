"""Class scores: probabilities of groups, and the one learned row."""

import torch

from training.class_head import (
    ASH_CAN,
    CLASS_GROUPS,
    CLASS_THRESHOLD,
    ClassPhotos,
    class_rates,
    fit_row,
    held_back_scores,
    imagenet_head,
)


def made_up_photos(features: int = 32) -> tuple[torch.nn.Linear, ClassPhotos, torch.Tensor]:
    """Three classes and a background, each around its own point; two crops of each photo."""
    torch.manual_seed(0)
    classifier = torch.nn.Linear(features, 1000)
    centres = 3 * torch.randn(4, features)
    labels = torch.arange(60) // 20
    crops = centres[labels] + 0.3 * torch.randn(60, features)
    return classifier, ClassPhotos(crops, labels, torch.arange(60) // 2), centres[3] + 0.3 * torch.randn(20, features)


def test_scores_sum_to_at_most_one_whatever_the_features() -> None:
    classifier, photos, background = made_up_photos()
    for head in (imagenet_head(classifier), imagenet_head(classifier, fit_row(classifier, photos, background))):
        with torch.no_grad():
            scores = head(100 * torch.randn(50, 32))
        assert scores.shape == (50, 3)
        assert scores.min() >= 0
        assert scores.sum(dim=1).max() <= 1 + 1e-5


def test_groups_do_not_overlap() -> None:
    members = [row for group in CLASS_GROUPS.values() for row in group]
    assert len(members) == len(set(members))
    assert ASH_CAN in CLASS_GROUPS["trash container"]


def test_the_learned_row_finds_held_back_containers_and_leaves_the_background_alone() -> None:
    classifier, photos, background = made_up_photos()
    container = list(CLASS_GROUPS).index("trash container")
    plain = imagenet_head(classifier)(photos.features)[photos.labels == container, container]
    held_back = held_back_scores(classifier, photos, background)[photos.labels == container, container]
    head = imagenet_head(classifier, fit_row(classifier, photos, background))
    assert plain.max() < CLASS_THRESHOLD < held_back.min()
    assert head(background)[:, container].max() < CLASS_THRESHOLD


def test_rates_weigh_classes_equally() -> None:
    scores = torch.tensor([[0.9, 0.0, 0.0], [0.01, 0.0, 0.0], [0.0, 0.5, 0.0], [0.6, 0.2, 0.0], [0.3, 0.1, 0.0]])
    rates = class_rates(scores, torch.tensor([0, 0, 1, 1, 1]), threshold=0.05)
    assert rates["accuracy car"] == 1.0
    assert rates["above threshold car"] == 0.5
    assert abs(rates["accuracy trash container"] - 1 / 3) < 1e-6
    assert abs(rates["balanced_accuracy"] - 2 / 3) < 1e-6
    assert "accuracy bicycle" not in rates
