"""Class scores: probabilities of groups, the learned rows, and the paper's linear layer with or without "none"."""

import pytest
import torch

from training.network.class_head import (
    CLASS_GROUPS,
    FALSE_ALARMS,
    LabeledFeatures,
    LinearClassHead,
    choose_threshold,
    class_rates,
    fit_rows,
    held_back_scores,
    imagenet_head,
)

CLASSES = tuple(CLASS_GROUPS)


def made_up_features(features: int = 32) -> tuple[torch.nn.Linear, LabeledFeatures]:
    """Three classes and a background, each around its own point; two crops of each of ten photos."""
    torch.manual_seed(0)
    classifier = torch.nn.Linear(features, 1000)
    labels = torch.arange(80) // 20
    found = 3 * torch.randn(4, features)[labels] + 0.3 * torch.randn(80, features)
    labels[labels == 3] = -1
    return classifier, LabeledFeatures(found, labels, torch.arange(80) // 2, torch.ones(80))


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


def test_the_threshold_lets_few_of_the_background_through() -> None:
    scores = torch.zeros(1000, 3)
    scores[:, 1] = torch.linspace(0, 0.5, 1000)
    labels = torch.full((1000,), -1)
    threshold = choose_threshold(scores, labels)
    assert FALSE_ALARMS - 0.02 < (scores.max(dim=1).values >= threshold).float().mean() <= FALSE_ALARMS
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


def test_what_is_none_of_these_and_unknown_to_imagenet_is_learned() -> None:
    """A background that ImageNet takes for a car: only a row of its own, which has to be used, tells them apart."""
    classifier, data = made_up_features()
    with torch.no_grad():
        classifier.weight[list(CLASS_GROUPS["car"])] += 0.05 * data.features[data.labels < 0].mean(dim=0)
    before = imagenet_head(classifier, CLASSES, None)(data.features)[data.labels < 0, :-1].exp()
    assert before[:, CLASSES.index("car")].min() > 0.9
    assert held_back_scores(classifier, CLASSES, data)[data.labels < 0].max() < 0.3


def test_the_learned_rows_come_class_by_class_and_then_that_of_none() -> None:
    classifier, data = made_up_features()
    weight, bias = fit_rows(classifier, CLASSES, data)
    assert weight.shape == (4, 32)
    assert bias.shape == (4,)
    assert imagenet_head(classifier, CLASSES, (weight, bias)).groups[-4:].equal(torch.eye(4))


def test_the_same_samples_give_the_same_rows() -> None:
    classifier, data = made_up_features()
    first, again = (fit_rows(classifier, CLASSES, data) for _ in range(2))
    assert first[0].equal(again[0])
    assert first[1].equal(again[1])


@pytest.mark.parametrize("background", [True, False])
def test_the_linear_head_has_a_place_for_none_of_these_either_way(background: bool) -> None:
    head = LinearClassHead(8, 3, 0.2, background).eval()
    with torch.no_grad():
        log_scores = head(torch.randn(5, 8))
    assert head.linear.out_features == 3 + background
    assert log_scores.shape == (5, 4)
    torch.testing.assert_close(log_scores.exp().sum(dim=1), torch.ones(5))
    assert (log_scores[:, -1].exp() < 1e-12).all() != background
