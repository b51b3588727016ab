"""What lights a scene: the sky around it, a sun with sharp shadows, luminous rectangles such as lamps and windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.synthetic.objects.part import Color
from training.synthetic.rendering.sky import Sky, sky_picture
from training.synthetic.rendering.textures import Texture


@dataclass(frozen=True)
class Lamp:
    """A rectangle that shines to the side of (x half) x (y half); meters; radiance a color or a picture (H, W, 3)."""

    center_m: tuple[float, float, float]
    x_half_m: tuple[float, float, float]
    y_half_m: tuple[float, float, float]
    radiance: Color | Texture


@dataclass(frozen=True)
class Light:
    """All light of a scene.

    sky: radiance all around, (H, 2 H, 3) as `sky_picture` makes it, None in closed rooms; sun_direction: towards the
    sun; sun: its irradiance on a surface that faces it, black when there is none.
    """

    sky: Texture | None = None
    sun_direction: tuple[float, float, float] = (0.0, 0.0, 1.0)
    sun: Color = (0.0, 0.0, 0.0)
    lamps: Sequence[Lamp] = field(default_factory=tuple)


def daylight(rng: np.random.Generator) -> Light:
    """Anything from a gray sky to a clear one with the sun at any height, white or low and warm."""
    height_deg, around = rng.uniform(12, 70), rng.uniform(0, 2 * np.pi)
    up, level = np.sin(np.deg2rad(height_deg)), np.cos(np.deg2rad(height_deg))
    direction = (float(level * np.cos(around)), float(level * np.sin(around)), float(up))
    overcast = rng.random() < 0.45
    sky = Sky(
        sun_direction=direction,
        sun_radiance=float(rng.uniform(0.3, 3.0)),
        sun_blur_deg=float(rng.uniform(20, 45)),
        clouded=float(rng.uniform(0.8, 1.0) if overcast else rng.uniform(0.0, 0.6)),
    )
    warmth = np.array([1.0, 0.78 + 0.2 * up, 0.5 + 0.45 * up])
    red, green, blue = np.zeros(3) if overcast else rng.uniform(1.0, 6.0) * up**0.4 * warmth
    picture = sky_picture(sky, rng, 128)
    return Light(picture, direction, (float(red), float(green), float(blue)))


def white_of(rng: np.random.Generator) -> np.ndarray:
    """The color of lamps, (3,): from incandescent to cold white, brightness 1."""
    warm, cool = np.array([1.0, 0.72, 0.42]), np.array([0.86, 0.97, 1.1])
    share = rng.beta(2.0, 1.2)
    return warm * (1 - share) + cool * share
