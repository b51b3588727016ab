"""Missing depth is not depth: it changes neither the loss nor its gradient. The paper's terms are the paper's."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood_depth.evaluation import metrics
from training.network.losses import PAPER_DATA_RANGE_M, depth_loss_parts, masked_mean, ssim, ssim_loss, valid_mask

RANGE_M = (0.1, 10.0)
KINDS = ("log_l1", "abs_rel", "l1", "paper")


def loss_and_gradient(pred_m: torch.Tensor, target_m: torch.Tensor, kind: str = "log_l1") -> tuple[dict, torch.Tensor]:
    pred_m = pred_m.clone().requires_grad_()
    parts = depth_loss_parts(pred_m=pred_m, target_m=target_m, valid=valid_mask(target_m, RANGE_M), kind=kind)
    torch.stack(list(parts.values())).sum().backward()
    return {name: value.item() for name, value in parts.items()}, pred_m.grad


def scene(seed: int = 0, shape: tuple[int, int, int] = (2, 24, 28)) -> tuple[torch.Tensor, torch.Tensor]:
    """Prediction and truth (B, H, W) in 1..4 m."""
    generator = torch.Generator().manual_seed(seed)
    return 1 + 3 * torch.rand(shape, generator=generator), 1 + 3 * torch.rand(shape, generator=generator)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=25)
@given(
    missing=st.sampled_from([0.0, math.nan, math.inf, -math.inf, -1.0, 0.05, 65.535]),
    seed=st.integers(0, 1000),
    share=st.sampled_from([0.002, 0.3, 0.99]),
    predicted=st.floats(0.01, 50),
)
def test_missing_depth_changes_neither_the_loss_nor_its_gradient(
    kind: str, missing: float, seed: int, share: float, predicted: float
) -> None:
    """Nor what is predicted there: neither for the loss nor for any other pixel's gradient, which is always finite."""
    pred_m, target_m = scene(seed)
    hole = torch.rand(target_m.shape, generator=torch.Generator().manual_seed(seed)) < share
    parts, gradient = loss_and_gradient(pred_m, torch.where(hole, 0.0, target_m), kind)
    other, other_gradient = loss_and_gradient(
        torch.where(hole, predicted, pred_m), torch.where(hole, missing, target_m), kind
    )
    assert other == pytest.approx(parts, abs=1e-6)
    assert torch.isfinite(gradient).all()
    assert not gradient[hole].any()
    torch.testing.assert_close(other_gradient, gradient, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", [0.0, math.nan])
def test_a_batch_without_any_depth_gives_zero_and_no_gradient(kind: str, target: float) -> None:
    parts, gradient = loss_and_gradient(torch.ones(1, 16, 16), torch.full((1, 16, 16), target), kind)
    assert set(parts.values()) == {0.0}
    assert not gradient.any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_perfect_prediction_costs_nothing(kind: str) -> None:
    assert max(loss_and_gradient(scene()[1], scene()[1], kind)[0].values()) < 1e-6


def test_a_missing_depth_that_counts_as_0_m_has_a_finite_gradient() -> None:
    """mask_missing: false, the paper's second mistake, for the study."""
    pred_m, target_m = scene()
    target_m[0, :5] = 0
    for kind in KINDS:
        leaf = pred_m.clone().requires_grad_()
        everywhere = torch.ones_like(target_m, dtype=torch.bool)
        parts = depth_loss_parts(pred_m=leaf, target_m=target_m, valid=everywhere, kind=kind)
        torch.stack(list(parts.values())).sum().backward()
        assert torch.isfinite(leaf.grad).all()
        assert leaf.grad[0, :5].any()


def test_the_same_relative_error_costs_the_same_at_any_distance() -> None:
    near, far = torch.full((1, 4, 4), 0.5), torch.full((1, 4, 4), 5.0)
    expected = pytest.approx(math.log(1.1), abs=1e-6)
    assert loss_and_gradient(1.1 * near, near)[0]["error"] == expected
    assert loss_and_gradient(1.1 * far, far)[0]["error"] == expected
    assert loss_and_gradient(1.1 * far, far, "l1")[0]["error"] == pytest.approx(0.5)


def test_edges_are_compared_only_where_both_neighbors_have_depth() -> None:
    target_m = torch.full((1, 1, 4), 2.0)
    target_m[..., 2] = 0
    pred_m = torch.tensor([[[2.0, 3.0, 9.0, 4.0]]])
    parts, _ = loss_and_gradient(pred_m, target_m, "l1")
    assert parts == {"error": pytest.approx((0 + 1 + 2) / 3), "gradient": pytest.approx(1.0)}


def tf_image_ssim(a: np.ndarray, b: np.ndarray, max_val: float) -> float:
    """tf.image.ssim of one image (H, W), written down without convolutions: every 11x11 window, 'VALID'."""
    at = np.arange(11) - 5
    kernel = np.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * 1.5**2))
    kernel /= kernel.sum()
    c1, c2 = (0.01 * max_val) ** 2, (0.03 * max_val) ** 2
    values = []
    for row in range(a.shape[0] - 10):
        for column in range(a.shape[1] - 10):
            x, y = (image[row : row + 11, column : column + 11] for image in (a, b))
            mx, my = (kernel * x).sum(), (kernel * y).sum()
            vx, vy, cov = (
                (kernel * p * q).sum() - r for p, q, r in ((x, x, mx * mx), (y, y, my * my), (x, y, mx * my))
            )
            values.append((2 * mx * my + c1) / (mx**2 + my**2 + c1) * (2 * cov + c2) / (vx + vy + c2))
    return float(np.mean(values))


def tf_image_gradients(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """tf.image.image_gradients of (H, W): forward differences, 0 in the last row and the last column."""
    dy, dx = np.zeros_like(image), np.zeros_like(image)
    dy[:-1], dx[:, :-1] = image[1:] - image[:-1], image[:, 1:] - image[:, :-1]
    return dy, dx


def test_the_papers_terms_are_tensorflows() -> None:
    pred_m, target_m = scene(3, (2, 18, 21))
    target_m[1, 4:9, 3:9] = 0  # 0 m there, as the paper's code has it
    everywhere = torch.ones_like(target_m, dtype=torch.bool)
    parts = depth_loss_parts(pred_m=pred_m, target_m=target_m, valid=everywhere, kind="paper")
    pred, target = pred_m.double().numpy(), target_m.double().numpy()
    gradients = [np.abs(tf_image_gradients(p - t)).sum(axis=0) for p, t in zip(pred, target, strict=True)]
    similar = [tf_image_ssim(p, t, PAPER_DATA_RANGE_M) for p, t in zip(pred, target, strict=True)]
    assert parts["error"].item() == pytest.approx(np.abs(pred - target).mean(), rel=1e-5)
    assert parts["gradient"].item() == pytest.approx(np.mean(gradients), rel=1e-5)
    assert parts["ssim"].item() == pytest.approx(np.mean(np.clip((1 - np.array(similar)) / 2, 0, 1)), rel=1e-4)


def test_ssim_agrees_with_the_one_that_evaluation_reports() -> None:
    """There with a hole: windows that touch it are skipped by both."""
    pred_m, target_m = scene(5, (1, 40, 44))
    target_m[0, 3:6, 2:5] = 0
    valid = valid_mask(target_m, RANGE_M)
    ours = 1 - 2 * ssim_loss(pred_m, target_m, valid, 10.0).item()
    theirs = metrics.ssim(pred=pred_m[0].numpy(), target=target_m[0].numpy(), valid=valid[0].numpy(), data_range_m=10.0)
    assert ours == pytest.approx(theirs, abs=2e-4)
    assert ssim(target_m, target_m, 10.0).mean().item() == pytest.approx(1)


def test_masked_mean_divides_by_what_counts() -> None:
    assert masked_mean(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([True, True, False])).item() == 1.5
    assert masked_mean(torch.ones(3), torch.zeros(3, dtype=torch.bool)).item() == 0


def test_abs_rel_is_what_evaluation_counts_and_settles_nearer_than_the_median() -> None:
    pred_m, target_m = scene()
    parts, _ = loss_and_gradient(pred_m, target_m, "abs_rel")
    scores = metrics.depth_scores(pred=pred_m.numpy(), target=target_m.numpy())
    assert parts["error"] == pytest.approx(scores["abs_rel"], rel=1e-5)
    maybe_m = torch.tensor([[[1.0, 2.0, 4.0]]])  # three answers that one image may have
    guesses_m = torch.linspace(0.9, 4.1, 33)
    losses = {
        kind: [loss_and_gradient(guess.expand(1, 1, 3), maybe_m, kind)[0]["error"] for guess in guesses_m]
        for kind in ("log_l1", "abs_rel")
    }
    best_m = {kind: float(guesses_m[torch.tensor(values).argmin()]) for kind, values in losses.items()}
    assert best_m["log_l1"] == pytest.approx(2.0, abs=0.06)
    assert best_m["abs_rel"] == pytest.approx(1.0, abs=0.06)
