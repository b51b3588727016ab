"""Class scores: probabilities of groups, the learned rows, and the paper's linear layer with or without "none"."""

import pytest
import torch

from training.class_head import (
    CLASS_GROUPS,
    CLASS_ROWS,
    FALSE_ALARMS,
    NONE_ROWS,
    LabelledFeatures,
    LinearClassHead,
    choose_threshold,
    class_rates,
    fit_rows,
    held_back_scores,
    imagenet_head,
)

CLASSES = tuple(CLASS_GROUPS)


def made_up_features(features: int = 32) -> tuple[torch.nn.Linear, LabelledFeatures]:
    """Three classes and a background, each around its own point; two crops of each of ten photos."""
    torch.manual_seed(0)
    classifier = torch.nn.Linear(features, 1000)
    labels = torch.arange(80) // 20
    found = 3 * torch.randn(4, features)[labels] + 0.3 * torch.randn(80, features)
    labels[labels == 3] = -1
    return classifier, LabelledFeatures(found, labels, torch.arange(80) // 2, torch.ones(80))


def test_scores_sum_to_one_with_none_of_these_whatever_the_features() -> None:
    classifier, data = made_up_features()
    fitted = imagenet_head(classifier, CLASSES, fit_rows(classifier, CLASSES, data))
    for head in (imagenet_head(classifier, CLASSES, None), fitted):
        with torch.no_grad():
            scores = head(20 * torch.randn(50, 32)).exp()
        assert scores.shape == (50, 4)
        assert scores.min() >= 0
        torch.testing.assert_close(scores.sum(dim=1), torch.ones(50))


def test_groups_do_not_overlap_and_imagenets_ash_can_is_a_container() -> None:
    members = [row for group in CLASS_GROUPS.values() for row in group]
    assert len(members) == len(set(members))
    assert 412 in CLASS_GROUPS["trash container"]


def test_learned_rows_find_held_back_objects_and_leave_the_background_alone() -> None:
    classifier, data = made_up_features()
    before = imagenet_head(classifier, CLASSES, None)(data.features)[:, :-1].exp()
    after = held_back_scores(classifier, CLASSES, data)
    known = data.labels >= 0
    assert (before.argmax(dim=1) == data.labels)[known].float().mean() < 0.9
    assert (after.argmax(dim=1) == data.labels)[known].all()
    assert after[known].max(dim=1).values.min() > after[~known].max(dim=1).values.max()


def test_a_class_that_imagenet_does_not_know_is_learned_too() -> None:
    classifier, data = made_up_features()
    scores = held_back_scores(classifier, ("car", "chair", "bicycle"), data)
    assert (scores.argmax(dim=1) == data.labels)[data.labels == 1].all()


def test_the_threshold_lets_one_in_twenty_of_the_background_through() -> None:
    scores = torch.zeros(1000, 3)
    scores[:, 1] = torch.linspace(0, 0.5, 1000)
    labels = torch.full((1000,), -1)
    threshold = choose_threshold(scores, labels)
    assert 0.03 < (scores.max(dim=1).values >= threshold).float().mean() <= FALSE_ALARMS
    assert choose_threshold(scores, labels + 1) == 0.5, "without background there is nothing to choose by"
    assert choose_threshold(torch.ones(10, 3), torch.full((10,), -1)) == 0.95, "none keeps the bound: the highest"


def test_rates_weigh_classes_equally() -> None:
    scores = torch.tensor([[0.9, 0.0, 0.0], [0.01, 0.0, 0.0], [0.0, 0.5, 0.0], [0.6, 0.2, 0.0], [0.3, 0.1, 0.0]])
    rates = class_rates(scores, torch.tensor([0, 0, 1, 1, 1]), CLASSES, threshold=0.05)
    assert rates["accuracy car"] == 1.0
    assert rates["above threshold car"] == 0.5
    assert rates["accuracy trash container"] == pytest.approx(1 / 3)
    assert rates["balanced_accuracy"] == pytest.approx(2 / 3)
    assert "accuracy bicycle" not in rates


def test_a_class_may_look_two_ways_and_so_may_none_of_these() -> None:
    """Opposite points around the background's own: a single row has no side to take."""
    torch.manual_seed(1)
    classifier = torch.nn.Linear(16, 1000)
    point = 3 * torch.randn(16)
    places = torch.stack([point, -point, torch.roll(point, 5), -torch.roll(point, 5)])
    at = torch.arange(160) % 4
    features = places[at] + 0.3 * torch.randn(160, 16)
    data = LabelledFeatures(features, torch.where(at < 2, 0, -1), torch.arange(160) // 4, torch.ones(160))
    scores = held_back_scores(classifier, ("carton",), data)[:, 0]
    assert scores[at < 2].min() > scores[at >= 2].max()


def test_the_learned_rows_come_class_by_class_and_then_those_of_none() -> None:
    classifier, data = made_up_features()
    weight, bias = fit_rows(classifier, CLASSES, data)
    learned = len(CLASSES) * CLASS_ROWS + NONE_ROWS
    assert weight.shape == (learned, 32)
    assert bias.shape == (learned,)
    groups = imagenet_head(classifier, CLASSES, (weight, bias)).groups[-learned:]
    assert groups.argmax(dim=1).tolist() == [0] * CLASS_ROWS + [1] * CLASS_ROWS + [2] * CLASS_ROWS + [3] * NONE_ROWS


@pytest.mark.parametrize("background", [True, False])
def test_the_linear_head_has_a_place_for_none_of_these_either_way(background: bool) -> None:
    head = LinearClassHead(8, 3, 0.2, background).eval()
    with torch.no_grad():
        log_scores = head(torch.randn(5, 8))
    assert head.linear.out_features == 3 + background
    assert log_scores.shape == (5, 4)
    torch.testing.assert_close(log_scores.exp().sum(dim=1), torch.ones(5))
    assert (log_scores[:, -1].exp() < 1e-12).all() != background
