"""Missing depth is no depth: it changes neither the loss nor its gradient."""

import math

import pytest
import torch

from training.losses import depth_loss

RANGE_M = (0.1, 10.0)


def loss_and_gradient(pred_m: torch.Tensor, target_m: torch.Tensor) -> tuple[float, torch.Tensor]:
    pred_m = pred_m.clone().requires_grad_()
    loss = depth_loss(pred_m=pred_m, target_m=target_m, depth_range_m=RANGE_M)
    loss.backward()
    return loss.item(), pred_m.grad


@pytest.fixture
def scene() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return 1 + 3 * torch.rand(2, 12, 16, generator=generator), 1 + 3 * torch.rand(2, 12, 16, generator=generator)


@pytest.mark.parametrize("missing", [0.0, math.nan, math.inf, -1.0, 0.05, 65.535])
def test_what_stands_in_a_missing_pixel_does_not_matter(scene, missing: float) -> None:
    pred_m, target_m = scene
    target_m[0, 3:6, 4:9] = 0
    loss, gradient = loss_and_gradient(pred_m, target_m)
    target_m[0, 3:6, 4:9] = missing
    pred_m[0, 3:6, 4:9] = 7.5
    other_loss, other_gradient = loss_and_gradient(pred_m, target_m)
    assert other_loss == pytest.approx(loss, abs=1e-7)
    assert not gradient[0, 3:6, 4:9].any()
    torch.testing.assert_close(other_gradient, gradient)


def test_a_frame_without_any_depth_gives_zero_and_no_gradient() -> None:
    loss, gradient = loss_and_gradient(torch.ones(1, 8, 8), torch.zeros(1, 8, 8))
    assert loss == 0
    assert not gradient.any()


def test_a_perfect_prediction_costs_nothing(scene) -> None:
    assert loss_and_gradient(scene[1], scene[1])[0] == 0


def test_the_same_relative_error_costs_the_same_at_any_distance() -> None:
    near, far = torch.full((1, 4, 4), 0.5), torch.full((1, 4, 4), 5.0)
    expected = pytest.approx(math.log(1.1), abs=1e-6)
    assert loss_and_gradient(1.1 * near, near)[0] == expected
    assert loss_and_gradient(1.1 * far, far)[0] == expected


def test_edges_are_compared_only_where_both_neighbours_have_depth() -> None:
    target_m = torch.full((1, 1, 4), 2.0)
    target_m[..., 2] = 0
    pred_m = torch.tensor([[[2.0, 2.0, 9.0, 4.0]]])
    assert loss_and_gradient(pred_m, target_m)[0] == pytest.approx(math.log(2) / 3, abs=1e-6)
