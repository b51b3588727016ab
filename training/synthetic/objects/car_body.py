"""The body of a car as one loft along its length, and the pictures of windows, seams and grille painted on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.objects.car_style import HATCHBACK, HEIGHT_M, LENGTH_M, WIDTH_M, CarStyle
from training.synthetic.objects.mesh import Floats, Mesh
from training.synthetic.objects.part import Color, Material, Part
from training.synthetic.objects.shapes import loft

PIXELS_PER_M = 420.0  # of the painted pictures: 2.4 mm a pixel
GLASS: Color = (0.018, 0.022, 0.024)
SEAM: Color = (0.010, 0.010, 0.010)


@dataclass(frozen=True)
class CarShape:
    """The measures of a car in meters."""

    length_m: float = 4.2
    width_m: float = 1.75
    height_m: float = 1.45
    wheelbase_m: float = 2.55
    wheel_radius_m: float = 0.31
    style: CarStyle = HATCHBACK

    axle_shift_m = 0.02  # the middle between the axles, ahead of the middle of the car

    def top_m(self, x: Floats) -> Floats:
        """The height of the silhouette over stations along the length."""
        return self.style.top_m(x / self.length_m * LENGTH_M) * self.height_m / HEIGHT_M

    def belt_m(self, x: Floats) -> Floats:
        """The height at which the sides end and the roof, bonnet or tail gate begins."""
        rising = (0.90 - 0.035 * x / 2.1 * LENGTH_M / self.length_m) * self.height_m / HEIGHT_M
        return np.minimum(rising, self.top_m(x) - 0.035)

    def half_width_m(self, x: Floats) -> Floats:
        """Half the width of the body seen from above."""
        share = np.clip(np.abs(x) / (self.length_m / 2), 0, 1)
        return self.width_m / 2 * np.maximum(1 - share**7, 0.02) ** 0.24 * (1 - 0.03 * share**2)

    def sill_m(self, x: Floats) -> Floats:
        """The lower edge of the body, with the arches over the wheels."""
        low = 0.20 + 0.16 * np.clip(np.abs(x) / (self.length_m / 2), 0, 1) ** 12
        arch = self.wheel_radius_m + 0.055
        for end in (1, -1):
            away = x - self.axle_shift_m - end * self.wheelbase_m / 2
            inside = np.sqrt(np.maximum(arch**2 - away**2, 0)) + self.wheel_radius_m + 0.01
            low = np.where(np.abs(away) < arch, np.maximum(low, inside), low)
        return low

    def roof_half_width_m(self, x: Floats, z: Floats) -> Floats:
        """Half the width of the part above the belt at a height."""
        belt, top = self.belt_m(x), self.top_m(x)
        share = np.clip((z - belt) / (top - belt), 0, 1)
        return 0.985 * self.half_width_m(x) * (1 - share**5) ** 0.2 * (1 - 0.50 * np.maximum(z - belt, 0))


def body_mesh(shape: CarShape) -> Mesh:
    """The outer skin, closed, about the origin, looking along +x."""
    half = shape.length_m / 2
    arch = shape.wheel_radius_m + 0.055
    edges = [
        shape.axle_shift_m + end * shape.wheelbase_m / 2 + side * arch * share
        for end in (1, -1)
        for side in (1, -1)
        for share in (0.9, 0.97, 0.99, 0.999, 1.0, 1.001)
    ]
    ends = half * (1 - np.geomspace(0.0003, 0.06, 14))
    x = np.unique(np.concatenate([np.linspace(-half * 0.94, half * 0.94, 150), edges, ends, -ends]))
    right = [_half_section(shape, station) for station in x]
    outlines = [np.concatenate([points, (points * [1, -1, 1])[::-1]]) for points in right]
    return loft(np.stack(outlines))


def _half_section(shape: CarShape, x: float) -> Floats:
    """The left half of the section at a station, from the sill to the middle of the roof, (N, 3)."""
    station = np.array([x])
    low, belt, top = (float(edge(station)[0]) for edge in (shape.sill_m, shape.belt_m, shape.top_m))
    low = min(low, belt - 0.02)
    z = low + (belt - low) * np.linspace(0, 1, 22)
    bulge = 1 - 0.015 * np.clip((z - 0.58) / 0.32, 0, None) ** 2 - 0.06 * np.clip((0.50 - z) / 0.30, 0, None) ** 2
    bulge -= 0.010 * np.exp(-(((z - 0.70) / 0.018) ** 2))  # a crease along the doors
    side = np.stack([np.full_like(z, x), shape.half_width_m(station) * bulge, z], -1)
    angles = np.linspace(0, np.pi / 2, 30)[1:]
    share = np.sin(angles) ** 0.4
    width = side[-1, 1] * np.cos(angles) ** 0.4 * (1 - 0.50 * (top - belt) * share)
    return np.concatenate([side, np.stack([np.full_like(width, x), width, belt + (top - belt) * share], -1)])


def body_parts(shape: CarShape, body: Mesh, paint: Color) -> list[Part]:
    """The skin cut by direction into sides, top, front and rear, each with its own picture."""
    normals = body.face_normals()
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    centers = body.corners().mean(axis=1)
    is_end = (np.abs(normals[:, 0]) > 0.62) & (np.abs(centers[:, 0]) > 0.40 * shape.length_m)
    is_end |= (centers[:, 0] < -0.40 * shape.length_m) & (normals[:, 0] < -0.45)
    is_side = ~is_end & (np.abs(normals[:, 1]) > 0.60)
    return [
        _painted(body, is_side, (0, 2), side_picture(shape, paint), shape, "car_sides"),
        _painted(body, ~is_side & ~is_end, (0, 1), top_picture(shape, paint), shape, "car_top"),
        _painted(body, is_end & (centers[:, 0] > 0), (1, 2), front_picture(shape, paint), shape, "car_front"),
        _painted(body, is_end & (centers[:, 0] < 0), (1, 2), rear_picture(shape, paint), shape, "car_rear"),
    ]


def _painted(
    body: Mesh, chosen: NDArray[np.bool_], axes: tuple[int, int], picture: Floats, shape: CarShape, name: str
) -> Part:
    """The chosen faces with a picture projected along the remaining axis; alpha of the picture is its roughness."""
    lowest = np.array([-shape.length_m / 2, -shape.width_m / 2, 0.0])[list(axes)]
    extent = np.array([picture.shape[1], picture.shape[0]]) / PIXELS_PER_M
    uv = (body.vertices[:, list(axes)] - lowest) / extent
    material = Material(picture[..., :3].astype(np.float32), roughness=picture[..., 3].astype(np.float32), varnish=1.0)
    return Part(name, Mesh(body.vertices, body.faces[chosen], uv), material)


def _canvas(shape: CarShape, axes: tuple[int, int], paint: Color) -> tuple[Floats, Floats, Floats]:
    """A picture full of paint, (H, W, 4), and the two coordinates of its pixels in meters of the car as drawn."""
    size = np.array([shape.length_m, shape.width_m, shape.height_m])
    lowest = np.array([-shape.length_m / 2, -shape.width_m / 2, 0.0])
    columns, rows = (int(size[axis] * PIXELS_PER_M) for axis in axes)
    drawn = np.array([LENGTH_M, WIDTH_M, HEIGHT_M]) / size
    picture = np.full((rows, columns, 4), (*paint, 0.30))
    first = (lowest[axes[0]] + (np.arange(columns) + 0.5) / PIXELS_PER_M) * drawn[axes[0]]
    second = (lowest[axes[1]] + (np.arange(rows) + 0.5) / PIXELS_PER_M) * drawn[axes[1]]
    return picture, *np.meshgrid(first, second)


def _as_drawn(shape: CarShape) -> CarShape:
    """The same car in the size that styles are drawn in."""
    return replace(shape, length_m=LENGTH_M, width_m=WIDTH_M, height_m=HEIGHT_M)


def _soft(picture: Floats) -> Floats:
    """The picture with its edges blurred by a pixel, so that they do not flicker."""
    return np.asarray(cv2.GaussianBlur(picture, (3, 3), 0.7), dtype=np.float64)


def side_picture(shape: CarShape, paint: Color) -> Floats:
    """The side seen along y: windows, pillars, door seams, sill; (H, W, 4) of color and roughness."""
    picture, x, z = _canvas(shape, (0, 2), paint)
    drawn, style = _as_drawn(shape), shape.style
    top, belt = drawn.top_m(x), drawn.belt_m(x)
    rear, front = style.side_glass
    opening = (z > belt + 0.045) & (z < top - 0.115) & (x > rear) & (x < front)
    rubber = (z > belt + 0.025) & (z < top - 0.095) & (x > rear - 0.04) & (x < front + 0.06)
    picture[rubber] = (*SEAM, 0.6)
    for number, at in enumerate(style.pillars):
        opening &= np.abs(x - at - 0.15 * number * (z - 1.0)) > (0.025 if number else 0.04)
    picture[opening] = (*GLASS, 0.04)
    for seam_x in style.seams:
        picture[(np.abs(x - seam_x) < 0.006) & (z > 0.28) & (z < belt + 0.03)] = (*SEAM, 0.6)
    along = (x > style.seams[-1]) & (x < style.seams[0])
    picture[along & (np.abs(z - 0.285) < 0.006)] = (*SEAM, 0.6)
    picture[along & (np.abs(z - 0.47) < 0.028)] = (0.03, 0.03, 0.03, 0.5)
    picture[z < 0.245] = (0.02, 0.02, 0.02, 0.6)
    return _soft(picture)


def top_picture(shape: CarShape, paint: Color) -> Floats:
    """The body seen from above: windscreen, bonnet seams; (H, W, 4) of color and roughness."""
    picture, x, y = _canvas(shape, (0, 1), paint)
    drawn, style = _as_drawn(shape), shape.style
    edge = 0.93 * drawn.half_width_m(x) * (1 - 0.50 * np.maximum(drawn.top_m(x) - drawn.belt_m(x), 0))
    for screen in (style.windscreen, style.rear_screen):
        if screen is not None:
            picture[(x > screen[0]) & (x < screen[1]) & (np.abs(y) < edge - 0.045)] = (*SEAM, 0.5)
            picture[(x > screen[0] + 0.035) & (x < screen[1] - 0.045) & (np.abs(y) < edge - 0.07)] = (*GLASS, 0.04)
    bonnet = edge - 0.10 + 0.02 * (x - 1.0)
    picture[(np.abs(np.abs(y) - bonnet) < 0.006) & (x > style.windscreen[1] + 0.02) & (x < 1.93)] = (*SEAM, 0.6)
    picture[(np.abs(x - 1.93 + 0.05 * y**2) < 0.007) & (np.abs(y) < bonnet)] = (*SEAM, 0.6)
    return _soft(picture)


def front_picture(shape: CarShape, paint: Color) -> Floats:
    """The nose seen along x: grille with slats, air intake; (H, W, 4) of color and roughness."""
    picture, y, z = _canvas(shape, (1, 2), paint)
    grille = (np.abs(z - 0.635) < 0.055) & (np.abs(y) < 0.42 - 0.4 * (0.69 - z))
    picture[grille] = (0.012, 0.012, 0.012, 0.5)
    picture[grille & (np.mod(z, 0.03) < 0.008)] = (0.5, 0.5, 0.5, 0.2)
    picture[(np.abs(z - 0.33) < 0.055) & (np.abs(y) < 0.48)] = (0.012, 0.012, 0.012, 0.6)
    picture[z < 0.25] = (0.02, 0.02, 0.02, 0.6)
    return _soft(picture)


def rear_picture(shape: CarShape, paint: Color) -> Floats:
    """The tail seen along x: rear window, tail-gate seam, bumper; (H, W, 4) of color and roughness."""
    picture, y, z = _canvas(shape, (1, 2), paint)
    if shape.style.rear_screen is None:
        picture[(z > 0.98) & (z < 1.30) & (np.abs(y) < 0.68 - 0.4 * (z - 0.98))] = (*SEAM, 0.5)
        picture[(z > 1.0) & (z < 1.28) & (np.abs(y) < 0.655 - 0.4 * (z - 1.0))] = (*GLASS, 0.04)
    picture[(np.abs(z - 0.55) < 0.006) & (np.abs(y) < 0.62)] = (*SEAM, 0.6)
    picture[z < 0.33] = (0.025, 0.025, 0.025, 0.6)
    return _soft(picture)
