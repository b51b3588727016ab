"""Depth that was too near for the 16 bits that its recorder wrote it in, and came out as something far."""

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.images.inverse_depth import LARGEST_CODE, InverseDepthCode

_STEP = 1000  # codes between neighboring pixels of one surface so near: of one that is seen at 80 degrees
_EDGE = 3000  # codes at either end: just before the wrap, and just behind it
_LEAST_PIXELS = 8
_CLOSE = 1.25  # times the nearest depth that the code holds


class WrappedDepth:
    """Finds, in one recording's images, what wrapped round: counted, so that it can be told.

    What wrapped round as a whole, without a surface that leads to it, cannot be told from depth that is there; images
    that come close to the end of the code are counted too.
    """

    def __init__(self) -> None:
        self.images = 0
        self.close_images = 0
        self._nearest_m = 0.0

    @property
    def warning(self) -> str | None:
        """What a user must know, None where nothing came near the end of the code."""
        if not self.close_images:
            return None
        limit = f"nearer than {self._nearest_m:.3f} m wraps round to something far in 32FC1 as compressedDepth"
        seen = f"seen, and skipped, in {self.images} images" if self.images else "perhaps unseen"
        return f"depth {limit}; {self.close_images} images come close to that ({seen}): record it raw or as 16UC1"

    def without(self, codes: NDArray[np.uint16], code: InverseDepthCode) -> NDArray[np.uint16]:
        """`codes` (H, W) with 0 where they wrapped round: surfaces that go on from the largest code to the smallest."""
        end = code.a / (_CLOSE * code.nearest_m) + code.b
        self.close_images += int((codes > end).sum() >= _LEAST_PIXELS)
        self._nearest_m = code.nearest_m
        seeds = _behind_the_end(codes)
        if seeds.sum() < _LEAST_PIXELS:
            return codes
        self.images += 1
        return np.where(_surfaces(codes, seeds), np.uint16(0), codes)


def _behind_the_end(codes: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Pixels of the smallest codes beside pixels of the largest."""
    last = (codes > LARGEST_CODE - _EDGE).astype(np.uint8)
    if not last.any():
        return np.zeros(codes.shape, bool)
    return (cv2.dilate(last, np.ones((3, 3), np.uint8)) > 0) & (codes > 0) & (codes < _EDGE)


def _surfaces(codes: NDArray[np.uint16], seeds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is connected to the seeds without an edge, be it what has the same codes beside it by chance."""
    found, values = np.zeros((codes.shape[0] + 2, codes.shape[1] + 2), np.uint8), codes.astype(np.float32)
    for row, column in np.argwhere(seeds):
        if not found[row + 1, column + 1]:
            at = int(column), int(row)
            cv2.floodFill(values, found, at, 0, _STEP, _STEP, 4 | cv2.FLOODFILL_MASK_ONLY | (1 << 8))
    return found[1:-1, 1:-1].astype(bool)
