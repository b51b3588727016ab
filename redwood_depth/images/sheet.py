"""One picture of a run for people: frames as rows of image, true depth, predicted depth and class."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.images.preview import color_depth, draw_scale, write_text

_PANEL = (400, 300)  # width, height in pixels
_HEAD_PX = 36
_GAP_PX = 6
_TITLES = ("image and class", "ground truth", "predicted depth")


@dataclass(frozen=True)
class SheetRow:
    """A frame: RGB image (H, W, 3), true and predicted depth (any size) in meters with NaN, and a line on its class."""

    image_rgb: NDArray[np.uint8]
    true_depth_m: NDArray[np.float32]
    depth_m: NDArray[np.float32]
    caption: str


def contact_sheet(rows: Sequence[SheetRow], range_m: tuple[float, float]) -> NDArray[np.uint8]:
    """BGR picture of the rows; both depths share one logarithmic color scale over `range_m`."""
    panels = np.vstack([_row(row, range_m) for row in rows])
    head = np.full((_HEAD_PX, panels.shape[1], 3), 40, np.uint8)
    for index, title in enumerate(_TITLES):
        write_text(head, title, (index * (_PANEL[0] + _GAP_PX) + 8, 24), 0.6)
    return np.vstack((head, panels))


def _row(row: SheetRow, range_m: tuple[float, float]) -> NDArray[np.uint8]:
    image = cv2.cvtColor(cv2.resize(row.image_rgb, _PANEL, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
    depths = [
        color_depth(cv2.resize(depth_m, _PANEL, interpolation=cv2.INTER_NEAREST), range_m)
        for depth_m in (row.true_depth_m, row.depth_m)
    ]
    write_text(image, row.caption, (8, 24), 0.6)
    error_m = _mean_error_m(row)
    write_text(depths[1], "no ground truth" if error_m is None else f"mean error {error_m:.2f} m", (8, 24), 0.6)
    for depth in depths:
        draw_scale(depth, range_m)
    gap = np.full((_PANEL[1], _GAP_PX, 3), 255, np.uint8)
    line = np.hstack((image, gap, depths[0], gap, depths[1]))
    return np.vstack((line, np.full((_GAP_PX, line.shape[1], 3), 255, np.uint8)))


def _mean_error_m(row: SheetRow) -> float | None:
    height, width = row.true_depth_m.shape
    depth_m = cv2.resize(row.depth_m, (width, height), interpolation=cv2.INTER_LINEAR)
    error_m = np.abs(depth_m - row.true_depth_m)
    valid = np.isfinite(error_m)
    return float(error_m[valid].mean()) if valid.any() else None
