"""Pictures of asphalt, paving, brick, plaster and wood: (H, W, 3) float32 linear reflectance, without a seam."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.objects.part import Color

Texture = NDArray[np.float32]


def clouds(rng: np.random.Generator, size: tuple[int, int], falloff: float = 1.6) -> NDArray[np.float64]:
    """Noise of mean 0 and deviation 1, (H, W), that repeats; a larger `falloff` makes it softer."""
    frequency = np.hypot(np.fft.fftfreq(size[0])[:, None] * size[0], np.fft.rfftfreq(size[1])[None] * size[1])
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(size)) / frequency**falloff, s=size)
    return np.asarray((noise - noise.mean()) / noise.std())


def _colored(brightness: NDArray[np.float64], color: Color) -> Texture:
    reflected: Texture = np.clip(brightness[..., None] * np.array(color), 0.01, 0.9).astype(np.float32)
    return reflected


def asphalt(rng: np.random.Generator, pixels: int = 1024) -> Texture:
    """Old asphalt with stones and stains; meant for a tile of 3 m."""
    stones = cv2.GaussianBlur(rng.standard_normal((pixels, pixels)), (0, 0), 1.3, borderType=cv2.BORDER_REFLECT)
    brightness = 1 + 0.22 * clouds(rng, (pixels, pixels), 1.3) * 0.6 + 0.16 * stones / stones.std()
    return _colored(brightness, (0.135, 0.132, 0.128))


def paving(rng: np.random.Generator, pixels: int = 1024, slabs: int = 5) -> Texture:
    """Square concrete slabs with joints, each a little different; meant for a tile of 2 m (slabs of 40 cm)."""
    row, column, u, v = _cells(pixels, slabs, slabs, shifted=False)
    tone = 1 + 0.10 * rng.standard_normal((slabs, slabs))
    brightness = tone[row, column] * (1 + 0.07 * clouds(rng, (pixels, pixels), 1.0))
    joint = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v)) < 0.012
    return _colored(np.where(joint, 0.35, brightness), (0.33, 0.31, 0.28))


def brick(rng: np.random.Generator, pixels: int = 1024, color: Color = (0.29, 0.115, 0.07)) -> Texture:
    """A running bond of bricks in mortar; meant for a tile of 2 m (8 bricks of 25 cm, 26 courses)."""
    courses, bricks = 26, 8
    row, column, u, v = _cells(pixels, courses, bricks, shifted=True)
    tone = 1 + 0.17 * rng.standard_normal((courses, bricks))
    grain = 1 + 0.09 * clouds(rng, (pixels, pixels), 0.9)
    face = _colored(tone[row, column] * grain, color)
    mortar = _colored(grain, (0.36, 0.34, 0.31))
    gap = (np.minimum(u, 1 - u) < 0.02) | (np.minimum(v, 1 - v) < 0.07)
    share = cv2.GaussianBlur(gap.astype(np.float32), (3, 3), 0.8)[..., None]
    return (face * (1 - share) + mortar * share).astype(np.float32)


def plaster(rng: np.random.Generator, color: Color, pixels: int = 512) -> Texture:
    """Rough plaster with faint stains; meant for a tile of 2 m."""
    brightness = 1 + 0.04 * clouds(rng, (pixels, pixels), 1.6) + 0.035 * clouds(rng, (pixels, pixels), 0.4)
    return _colored(brightness, color)


def planks(rng: np.random.Generator, color: Color, pixels: int = 512, boards: int = 8) -> Texture:
    """Upright boards with grain and gaps; meant for a tile of 1 m."""
    grain = cv2.resize(clouds(rng, (16, pixels), 0.7), (pixels, pixels), interpolation=cv2.INTER_CUBIC)
    column = np.arange(pixels) * boards // pixels
    tone = 1 + 0.10 * rng.standard_normal(boards)
    brightness = tone[column][None] * (1 + 0.10 * grain)
    within = np.mod(np.arange(pixels) * boards / pixels, 1.0)
    brightness[:, np.minimum(within, 1 - within) < 0.03] = 0.25
    return _colored(brightness, color)


def _cells(
    pixels: int, rows: int, columns: int, *, shifted: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """For each pixel the row and column of its cell and its place in it, 0..1; odd rows may shift by half."""
    y, x = np.meshgrid(np.arange(pixels) / pixels * rows, np.arange(pixels) / pixels * columns, indexing="ij")
    row = np.floor(y).astype(np.int64)
    if shifted:
        x = np.mod(x + 0.5 * (row % 2), columns)
    column = np.floor(x).astype(np.int64)
    return row, column, x - column, y - row
