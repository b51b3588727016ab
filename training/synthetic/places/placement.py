"""Where things may stand: a floor that knows what is taken, so that nothing intersects, and walls to stand against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.synthetic.objects.mesh import Mesh
from training.synthetic.objects.part import Material, Part, bounds_of
from training.synthetic.objects.shapes import sheet

Rectangle = tuple[float, float, float, float]  # x low, y low, x high, y high; meters


@dataclass
class Floor:
    """A rectangle of floor at z = 0 and the rectangles of it that are taken."""

    area: Rectangle
    taken: list[Rectangle] = field(default_factory=list)

    def reserve(self, x: float, y: float, half_m: float) -> None:
        """Keep a square about a point free."""
        self.taken.append((x - half_m, y - half_m, x + half_m, y + half_m))

    def reserve_parts(self, parts: Sequence[Part], margin_m: float = 0.05) -> None:
        """Keep the ground under parts free."""
        self.taken.append(footprint(parts, margin_m))

    def fits(self, place: Rectangle) -> bool:
        """Whether a rectangle lies on the floor and overlaps nothing."""
        x0, y0, x1, y1 = self.area
        inside = x0 <= place[0] and y0 <= place[1] and place[2] <= x1 and place[3] <= y1
        return inside and not any(
            a[0] < place[2] and place[0] < a[2] and a[1] < place[3] and place[1] < a[3] for a in self.taken
        )

    def put(
        self, rng: np.random.Generator, parts: Sequence[Part], *, against: str = "", within: Rectangle | None = None
    ) -> list[Part]:
        """The parts, which look along -y, at a free place, or [] when none is found.

        against: "back", "left", "right" or "front", a side of the floor to turn the back to; else anywhere `within`.
        """
        x0, y0, x1, y1 = within or self.area
        for _ in range(10):
            gap = rng.uniform(0.01, 0.06)
            yaw = {"back": 0.0, "right": -90.0, "left": 90.0, "front": 180.0}.get(against, rng.uniform(0, 360))
            turned = [part.placed(yaw_deg=yaw) for part in parts]
            low, high = bounds_of(turned)
            x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
            if against in ("back", "front"):
                y = y1 - high[1] - gap if against == "back" else y0 - low[1] + gap
            elif against:
                x = x1 - high[0] - gap if against == "right" else x0 - low[0] + gap
            moved = [part.placed(x=x, y=y) for part in turned]
            if self.fits(footprint(moved, 0.0)):
                self.reserve_parts(moved)
                return moved
        return []


def footprint(parts: Sequence[Part], margin_m: float) -> Rectangle:
    """The rectangle of ground under parts, grown by a margin."""
    low, high = bounds_of(parts)
    return low[0] - margin_m, low[1] - margin_m, high[0] + margin_m, high[1] + margin_m


def grounded(parts: Sequence[Part]) -> list[Part]:
    """The parts raised or lowered until the lowest touches z = 0."""
    low, _ = bounds_of(parts)
    return [part.placed(z=-float(low[2])) for part in parts]


def wall(
    name: str, side: str, area: Rectangle, height_m: float, material: Material, tile_m: float, *, offset_m: float = 0.0
) -> Part:
    """A wall on one side of an area, facing inwards, its picture in meters / tile_m."""
    mesh, yaw, x, y = _upright(side, area, height_m, offset_m)
    uv = (mesh.vertices[:, [0, 2]] + [0.0, height_m / 2]) * [1, -1] / tile_m
    standing = Mesh(mesh.vertices, mesh.faces, uv).turned("z", yaw).moved(x, y, height_m / 2)
    return Part(name, standing, material)


def on_wall(parts: Sequence[Part], side: str, area: Rectangle, along_m: float, z: float) -> list[Part]:
    """Parts that look along -y from y = 0 hung on a wall of an area, `along_m` to the right of the wall's middle."""
    _, yaw, x, y = _upright(side, area, 1.0, 0.0)
    return [part.placed(x=along_m, z=z).placed(yaw_deg=yaw).placed(x=x, y=y) for part in parts]


def wall_length_m(side: str, area: Rectangle) -> float:
    """How long a wall of an area is."""
    return area[2] - area[0] if side in ("back", "front") else area[3] - area[1]


def _upright(side: str, area: Rectangle, height_m: float, offset_m: float) -> tuple[Mesh, float, float, float]:
    """An upright rectangle as long as a wall, about the origin, and the turn and place that make it that wall."""
    x0, y0, x1, y1 = area
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    yaw, x, y = {
        "back": (0.0, x, y1 + offset_m),
        "front": (180.0, x, y0 - offset_m),
        "right": (-90.0, x1 + offset_m, y),
        "left": (90.0, x0 - offset_m, y),
    }[side]
    return sheet(wall_length_m(side, area), height_m).turned("x", 90), yaw, x, y
