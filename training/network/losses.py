"""Depth losses. A pixel without depth takes part in nothing: not in the loss, not in its gradient, not in a mean.

The paper's own loss is here too, term by term, for its recipe: there a missing depth is 0 meters.
"""

import torch
from torch import Tensor
from torch.nn import functional

SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
LEAST_M = 1e-3  # stands for less in a logarithm: of a missing depth that counts as 0 m, of a linear output
PAPER_DATA_RANGE_M = 12.086  # greatest minus least training depth there


def valid_mask(target_m: Tensor, depth_range_m: tuple[float, float]) -> Tensor:
    """Where there is a measurement: inside the range, both ends included; 0, NaN and infinity are not."""
    return (target_m >= depth_range_m[0]) & (target_m <= depth_range_m[1])


def depth_loss_parts(
    *, pred_m: Tensor, target_m: Tensor, valid: Tensor, kind: str, data_range_m: float = PAPER_DATA_RANGE_M
) -> dict[str, Tensor]:
    """The unweighted terms of a loss over the pixels that `valid` marks; all tensors (B, H, W), depths in meters.

    error: mean absolute error, of the logarithm for "log_l1", relative to the true depth, as AbsRel, for "abs_rel";
    gradient: that of the differences between neighbors of the error, or of the logarithm's; ssim: `ssim_loss`, only
    for "paper". Without any valid pixel all are 0.

    Where the network cannot know the distance "log_l1" settles at the median of what may be, "abs_rel" nearer: there
    too far costs more than too near.
    """
    if kind in ("log_l1", "abs_rel"):
        error = _log_error(pred_m, target_m, valid)
        size = error.abs() if kind == "log_l1" else torch.expm1(error).abs()  # |p / t - 1|
        return {"error": masked_mean(size, valid), "gradient": gradient_loss(error, valid)}
    error = torch.where(valid, pred_m - target_m, torch.zeros_like(pred_m))
    if kind == "l1":
        return {"error": masked_mean(error.abs(), valid), "gradient": gradient_loss(error, valid)}
    return {
        "error": masked_mean(error.abs(), valid),
        "gradient": _paper_gradient_loss(error, valid),
        "ssim": ssim_loss(pred_m, target_m, valid, data_range_m),
    }


def ssim_loss(pred_m: Tensor, target_m: Tensor, valid: Tensor, data_range_m: float) -> Tensor:
    """(1 - SSIM) / 2 within 0..1, mean over the images (B, H, W), of windows without a hole; 0 where there is none."""
    similarity, whole = ssim(pred_m, torch.where(valid, target_m, 0), data_range_m), _whole_windows(valid)
    windows = whole.sum(dim=(1, 2))
    mean = (similarity * whole).sum(dim=(1, 2)) / windows.clamp(min=1)  # one value an image, as tf.image.ssim
    return masked_mean(((1 - mean) / 2).clamp(0, 1), windows > 0)


def gradient_loss(error: Tensor, valid: Tensor) -> Tensor:
    """Mean |difference of the error| between horizontal and vertical neighbors that both have a measurement."""
    across = masked_mean((error[..., 1:] - error[..., :-1]).abs(), valid[..., 1:] & valid[..., :-1])
    down = masked_mean((error[..., 1:, :] - error[..., :-1, :]).abs(), valid[..., 1:, :] & valid[..., :-1, :])
    return across + down


def _paper_gradient_loss(error: Tensor, valid: Tensor) -> Tensor:
    """mean(|d/dy| + |d/dx|) over all valid pixels, 0 in the last row and column, as tf.image.image_gradients has it."""
    across = (error[..., 1:] - error[..., :-1]).abs() * (valid[..., 1:] & valid[..., :-1])
    down = (error[..., 1:, :] - error[..., :-1, :]).abs() * (valid[..., 1:, :] & valid[..., :-1, :])
    return (across.sum() + down.sum()) / valid.sum().clamp(min=1)


def ssim(a: Tensor, b: Tensor, data_range_m: float) -> Tensor:
    """SSIM (B, H - 10, W - 10) of depths (B, H, W), as tf.image.ssim: 11x11 Gaussian, sigma 1.5, whole windows only.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004, with K1 = 0.01, K2 =
    0.03.
    """
    c1, c2 = (0.01 * data_range_m) ** 2, (0.03 * data_range_m) ** 2
    mean_a, mean_b = _blur(a), _blur(b)
    var_a, var_b = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return light * (2 * covariance + c2) / (var_a + var_b + c2)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of the values where the mask is set; 0 where it is nowhere."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def _log_error(pred_m: Tensor, target_m: Tensor, valid: Tensor) -> Tensor:
    """log(pred / target), and 0 without a measurement: chosen before the logarithm, so no NaN reaches a gradient."""
    one = torch.ones((), dtype=pred_m.dtype, device=pred_m.device)
    pred_m, target_m = pred_m.clamp(min=LEAST_M), target_m.clamp(min=LEAST_M)
    return torch.where(valid, pred_m, one).log() - torch.where(valid, target_m, one).log()


def _blur(image: Tensor) -> Tensor:
    at = torch.arange(SSIM_WINDOW, dtype=image.dtype, device=image.device) - SSIM_WINDOW // 2
    kernel = torch.exp(-(at**2) / (2 * SSIM_SIGMA**2))
    kernel = kernel / kernel.sum()
    rows = functional.conv2d(image[:, None], kernel[None, None, :, None])
    return functional.conv2d(rows, kernel[None, None, None, :])[:, 0]


def _whole_windows(valid: Tensor) -> Tensor:
    """(B, H, W) -> (B, H - 10, W - 10): windows that hold valid pixels alone."""
    return functional.max_pool2d((~valid)[:, None].float(), SSIM_WINDOW, stride=1)[:, 0] == 0
