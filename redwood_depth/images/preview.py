"""A picture for people: the image beside its colored depth, with the class and a scale."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_PANEL_WIDTH_PX = 640
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_TICKS_M = (0.5, 1.0, 2.0, 4.0, 8.0)


def color_depth(depth_m: NDArray[Any], range_m: tuple[float, float]) -> NDArray[np.uint8]:
    """BGR (H, W, 3) of depth (H, W): red near, blue far, logarithmic over `range_m`; black where there is none."""
    low, high = np.log(range_m[0]), np.log(range_m[1])
    valid = np.isfinite(depth_m) & (depth_m > 0)
    share = (np.log(np.where(valid, depth_m, range_m[1])) - low) / (high - low)
    nearness = (255 * (1.0 - np.clip(share, 0.0, 1.0))).astype(np.uint8)
    colored = cv2.applyColorMap(nearness, cv2.COLORMAP_TURBO)
    return np.where(valid[..., None], colored, 0).astype(np.uint8)


def preview_bgr(
    image_rgb: NDArray[np.uint8],
    depth_m: NDArray[np.float32],
    classes: Sequence[str],
    class_scores: NDArray[np.float32],
    threshold: float,
    range_m: tuple[float, float],
) -> NDArray[np.uint8]:
    """BGR picture of the image (H, W, 3) and its depth (any size) side by side, at most 640 pixels wide each."""
    width = min(image_rgb.shape[1], _PANEL_WIDTH_PX)
    height = max(1, round(image_rgb.shape[0] * width / image_rgb.shape[1]))
    left = cv2.cvtColor(cv2.resize(image_rgb, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
    right = color_depth(cv2.resize(depth_m, (width, height), interpolation=cv2.INTER_NEAREST), range_m)
    best = int(np.argmax(class_scores))
    known = bool(class_scores[best] >= threshold)
    scale = width / _PANEL_WIDTH_PX
    at = (round(10 * scale), round(28 * scale))
    write_text(
        left, f"{classes[best]} {class_scores[best]:.2f}" if known else "none of the known classes", at, 0.7 * scale
    )
    middle_m = float(depth_m[depth_m.shape[0] // 2, depth_m.shape[1] // 2])
    write_text(right, f"center {middle_m:.2f} m", at, 0.7 * scale)
    draw_scale(right, range_m)
    return np.hstack((left, right))


def write_text(panel: NDArray[Any], text: str, at: tuple[int, int], size: float) -> None:
    """White text on a dark ground in `panel` (H, W, 3), its lower left corner at `at` (x, y)."""
    (width, height), below = cv2.getTextSize(text, _FONT, size, 1)
    corners = (at[0] - 3, at[1] - height - 4), (at[0] + width + 3, at[1] + below)
    cv2.rectangle(panel, *corners, (32, 32, 32), cv2.FILLED)
    cv2.putText(panel, text, at, _FONT, size, (255, 255, 255), 1, cv2.LINE_AA)


def draw_scale(panel: NDArray[Any], range_m: tuple[float, float]) -> None:
    """A bar along the lower edge with the colors of `range_m`, and `_TICKS_M` above it."""
    height, width = panel.shape[:2]
    bar_height = max(4, height // 40)
    depths_m = np.geomspace(range_m[0], range_m[1], width, dtype=np.float32)
    panel[height - bar_height :] = color_depth(depths_m[None], range_m)
    for tick_m in _TICKS_M:
        if range_m[0] < tick_m < range_m[1]:
            share = np.log(tick_m / range_m[0]) / np.log(range_m[1] / range_m[0])
            at = (int(share * width), height - bar_height - max(2, height // 80))
            write_text(panel, f"{tick_m:g} m", at, 0.5)
