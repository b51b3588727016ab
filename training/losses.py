"""Depth losses. A pixel without depth takes part in nothing: not in the loss, not in its gradient, not in a mean."""

import torch
from torch import Tensor


def valid_mask(target_m: Tensor, depth_range_m: tuple[float, float]) -> Tensor:
    """Where there is a measurement: inside the range, both ends included; 0, NaN and infinity are not."""
    return (target_m >= depth_range_m[0]) & (target_m <= depth_range_m[1])


def depth_loss(
    *, pred_m: Tensor, target_m: Tensor, depth_range_m: tuple[float, float], gradient_weight: float = 0.5
) -> Tensor:
    """Mean absolute error of log depth plus `gradient_weight` times that of its differences between neighbours.

    `pred_m` and `target_m` are (B, H, W) in metres. In the logarithm an error is relative to the distance, as AbsRel
    counts it. Without any valid pixel the loss is 0.
    """
    valid = valid_mask(target_m, depth_range_m)
    error = _log_error(pred_m, target_m, valid)
    return _masked_mean(error.abs(), valid) + gradient_weight * _gradient_loss(error, valid)


def _log_error(pred_m: Tensor, target_m: Tensor, valid: Tensor) -> Tensor:
    """log(pred / target), and 0 without a measurement: chosen before the logarithm, so no NaN reaches a gradient."""
    one = torch.ones((), dtype=pred_m.dtype, device=pred_m.device)
    return torch.where(valid, pred_m, one).log() - torch.where(valid, target_m, one).log()


def _gradient_loss(error: Tensor, valid: Tensor) -> Tensor:
    """Mean |difference of the error| between horizontal and vertical neighbours that both have a measurement."""
    across = _masked_mean((error[..., 1:] - error[..., :-1]).abs(), valid[..., 1:] & valid[..., :-1])
    down = _masked_mean((error[..., 1:, :] - error[..., :-1, :]).abs(), valid[..., 1:, :] & valid[..., :-1, :])
    return across + down


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum().clamp(min=1)
