"""A hazy sky as a picture around the scene: blue above, bright at the horizon, soft clouds, a sun behind haze."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.synthetic.rendering.textures import Texture, clouds


@dataclass(frozen=True)
class Sky:
    """The direction to the sun (z up), how bright and how blurred it is, and how much of the sky is clouded (0..1)."""

    sun_direction: tuple[float, float, float] = (-0.45, -0.62, 0.65)
    sun_radiance: float = 3.0
    sun_blur_deg: float = 30.0
    clouded: float = 0.5


def sky_picture(sky: Sky, rng: np.random.Generator, height: int = 256) -> Texture:
    """Radiance in every direction, (height, 2 height, 3) float32: rows from the zenith to the nadir.

    Columns run once around z: column 0 looks along +x, the middle one along -x.
    """
    row, column = np.meshgrid(
        (np.arange(height) + 0.5) / height, (np.arange(2 * height) + 0.5) / (2 * height), indexing="ij"
    )
    polar, around = np.pi * row, -2 * np.pi * column
    direction = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1)
    up = np.clip(direction[..., 2], 0, 1)[..., None]
    blue = np.array([0.28, 0.46, 0.85]) * (0.45 + 0.55 * (1 - up)) + (1 - up) ** 4 * np.array([0.55, 0.45, 0.25])
    noise = cv2.GaussianBlur(clouds(rng, row.shape, 1.5), (0, 0), 1.0)
    cover = sky.clouded * np.clip(noise * 0.6 + 0.6, 0, 1)[..., None]
    radiance = blue * (1 - cover) + np.array([0.95, 0.95, 0.97]) * cover
    sun = np.array(sky.sun_direction) / np.linalg.norm(sky.sun_direction)
    angle = np.rad2deg(np.arccos(np.clip(direction @ sun, -1, 1)))[..., None]
    radiance += sky.sun_radiance * np.array([1.0, 0.92, 0.80]) * np.exp(-((angle / sky.sun_blur_deg) ** 2))
    return np.where(direction[..., 2:] < 0, 0.12, radiance).astype(np.float32)
