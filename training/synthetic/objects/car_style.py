"""The silhouettes of cars: hatchback, saloon, estate, off-roader and van, drawn 4.2 m long and 1.45 m high."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synthetic.objects.mesh import Floats

LENGTH_M, WIDTH_M, HEIGHT_M = 4.2, 1.75, 1.45  # of a car as drawn; others are this one stretched

_NOSE = (
    (0.20, 1.385),
    (0.34, 1.335),
    (0.90, 1.00),
    (1.0, 0.965),
    (1.35, 0.915),
    (1.72, 0.845),
    (1.93, 0.76),
    (2.02, 0.68),
    (2.07, 0.60),
    (2.10, 0.50),
)


@dataclass(frozen=True)
class CarStyle:
    """A silhouette: (x, z) pairs from tail to nose; where its glass begins and ends along x; where its doors end."""

    outline: tuple[tuple[float, float], ...]
    side_glass: tuple[float, float]
    windscreen: tuple[float, float] = (0.30, 0.97)
    rear_screen: tuple[float, float] | None = None  # along x when it lies; None when it stands in the tail gate
    seams: tuple[float, ...] = (0.84, -0.22, -1.12)
    pillars: tuple[float, ...] = (-0.22, -1.10)

    def top_m(self, x: Floats) -> Floats:
        """The height of the roof line over stations along the length."""
        stations, heights = np.array(self.outline).T
        smooth = np.interp(np.linspace(-2.1, 2.1, 421), stations, heights)
        smooth = np.convolve(np.pad(smooth, 5, mode="edge"), np.hanning(13)[1:-1] / np.hanning(13).sum(), mode="valid")
        return np.interp(x, np.linspace(-2.1, 2.1, 421), smooth)


HATCHBACK = CarStyle(
    (
        (-2.10, 0.62),
        (-2.08, 0.78),
        (-2.04, 0.93),
        (-1.99, 1.02),
        (-1.90, 1.13),
        (-1.74, 1.31),
        (-1.60, 1.365),
        (-1.10, 1.425),
        (-0.50, 1.45),
        (0.0, 1.425),
        *_NOSE,
    ),
    side_glass=(-1.58, 0.80),
)
ESTATE = CarStyle(
    (
        (-2.10, 0.62),
        (-2.085, 0.80),
        (-2.06, 0.95),
        (-2.02, 1.06),
        (-1.93, 1.22),
        (-1.84, 1.35),
        (-1.76, 1.39),
        (-1.20, 1.435),
        (-0.50, 1.45),
        (0.0, 1.425),
        *_NOSE,
    ),
    side_glass=(-1.80, 0.80),
)
SALOON = CarStyle(
    (
        (-2.10, 0.60),
        (-2.08, 0.78),
        (-2.04, 0.90),
        (-1.98, 0.945),
        (-1.85, 0.965),
        (-1.45, 0.99),
        (-1.36, 1.01),
        (-0.95, 1.26),
        (-0.72, 1.37),
        (-0.50, 1.43),
        (-0.20, 1.45),
        (0.05, 1.425),
        *_NOSE,
    ),
    side_glass=(-1.18, 0.80),
    rear_screen=(-1.34, -0.78),
    pillars=(-0.22,),
)
VAN = CarStyle(
    (
        (-2.10, 0.60),
        (-2.09, 0.90),
        (-2.07, 1.10),
        (-2.0, 1.33),
        (-1.90, 1.41),
        (-1.0, 1.45),
        (0.0, 1.445),
        (0.45, 1.40),
        (0.65, 1.33),
        (1.25, 1.0),
        (1.40, 0.945),
        (1.75, 0.86),
        (1.95, 0.76),
        (2.04, 0.66),
        (2.08, 0.58),
        (2.10, 0.50),
    ),
    side_glass=(-1.90, 1.14),
    windscreen=(0.60, 1.32),
    seams=(1.10, 0.15, -0.85),
    pillars=(0.15, -0.85),
)
DELIVERY_VAN = CarStyle(VAN.outline, (0.10, 1.14), VAN.windscreen, None, VAN.seams, ())
