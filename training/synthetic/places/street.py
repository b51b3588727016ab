"""The street of the sample scan: a bicycle, two wheeled bins and a car before a house, and the walk past them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from training.synthetic.objects.bicycle import PAINTS as BICYCLE_PAINTS
from training.synthetic.objects.bicycle import Bicycle, bicycle_parts
from training.synthetic.objects.car import PAINTS as CAR_PAINTS
from training.synthetic.objects.car import Car, car_parts
from training.synthetic.objects.mesh import Floats, join
from training.synthetic.objects.part import Part
from training.synthetic.objects.trash_container import COLORS, TrashContainer, trash_container_parts
from training.synthetic.places.surroundings import (
    CURB_M,
    Opening,
    cartons,
    far_side,
    house,
    plant,
    road,
    street_furniture,
)
from training.synthetic.rendering.camera_path import HandheldPath, Station

OPENINGS = [
    Opening(-4.0, -2.6, 1.35, 2.65),
    Opening(0.75, 1.75, CURB_M + 0.02, 2.25, door=True),
    Opening(2.9, 4.5, 1.25, 2.55),
]
STATIONS = [
    Station(0.0, (-3.6, -2.10, 1.20), (-3.05, -0.4, 0.62)),
    Station(1.2, (-2.9, -2.05, 1.25), (-2.85, -0.4, 0.62)),
    Station(2.2, (-1.45, -2.0, 1.40), (-0.75, -0.6, 0.62)),
    Station(3.1, (-0.8, -2.35, 1.45), (-0.35, -0.6, 0.60)),
    Station(4.2, (-0.3, -4.6, 1.45), (2.5, -2.9, 0.62)),
    Station(5.4, (1.0, -6.1, 1.45), (3.5, -3.0, 0.62)),
]


@dataclass(frozen=True)
class Street:
    """Everything to render, and by class the parts that a frame may be labeled with."""

    parts: list[Part]
    objects: dict[str, list[Part]]

    def label(self, pose: Floats, *, fx: float, width: int, height: int) -> str | None:
        """The class that fills most of the middle of a view, None when none does; pose: (4, 4) camera to world."""
        shares = {name: _share_of_middle(parts, pose, fx, width, height) for name, parts in self.objects.items()}
        best = max(shares, key=lambda name: shares[name], default=None)
        return best if best is not None and shares[best] > 0.05 else None


def sample_street(seed: int = 7) -> Street:
    """The scene of the sample scan: houses in the plane y = 0, the road at z = 0, the camera at negative y."""
    rng = np.random.default_rng(seed)
    leaning = [
        Part(part.name, part.mesh.turned("x", -4.5), part.material)
        for part in bicycle_parts(Bicycle(paint=BICYCLE_PAINTS[0]))
    ]
    green = trash_container_parts(TrashContainer(body=COLORS[0], lid=COLORS[0]))
    gray = trash_container_parts(TrashContainer(body=COLORS[1], lid=(0.50, 0.36, 0.02)))
    objects = {
        "bicycle": [part.placed(x=-2.9, y=-0.44, z=CURB_M) for part in leaning],
        "trash container": [
            *(part.placed(x=-0.55, y=-0.66, z=CURB_M, yaw_deg=-112) for part in green),
            *(part.placed(x=0.20, y=-0.62, z=CURB_M, yaw_deg=-86) for part in gray),
        ],
        "car": [part.placed(x=3.5, y=-3.0, yaw_deg=191) for part in car_parts(Car(paint=CAR_PAINTS[0]))],
    }
    around = [
        *road(rng),
        *house(rng, OPENINGS, joint_x=-1.62),
        *far_side(rng),
        *plant(rng, -1.42, -0.36, CURB_M),
        *cartons(rng, -4.35, -0.40, CURB_M),
        *street_furniture(),
    ]
    return Street([*around, *(part for parts in objects.values() for part in parts)], objects)


def sample_path(seed: int = 7) -> HandheldPath:
    """The walk of the sample scan: bicycle, then bins, then car."""
    return HandheldPath(STATIONS, seed=seed)


def _share_of_middle(parts: Sequence[Part], pose: Floats, fx: float, width: int, height: int) -> float:
    """How much of the image, weighted towards its center, the outline of an object covers: 0..1."""
    points = (join([part.mesh for part in parts]).vertices - pose[:3, 3]) @ pose[:3, :3]
    points = points[points[:, 2] > 0.2]
    if len(points) < 3:
        return 0.0
    pixels = points[:, :2] / points[:, 2:] * fx + [width / 2, height / 2]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.clip(pixels, -4 * width, 4 * width).astype(np.int32)), 1)
    v, u = np.mgrid[:height, :width]
    weight = np.exp(-(((u - width / 2) / (0.22 * width)) ** 2 + ((v - height / 2) / (0.3 * height)) ** 2) / 2)
    return float((mask * weight).sum() / weight.sum())
