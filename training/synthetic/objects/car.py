"""A passenger car: a lofted body with painted windows, seams and grille, wheels, lights, mirrors and plates."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from training.synthetic.objects.car_body import CarShape, body_mesh, body_parts
from training.synthetic.objects.car_style import (
    DELIVERY_VAN,
    ESTATE,
    HATCHBACK,
    HEIGHT_M,
    LENGTH_M,
    SALOON,
    VAN,
    WIDTH_M,
)
from training.synthetic.objects.mesh import Floats, Mesh, join, mirrored_pair
from training.synthetic.objects.part import BLACK_PLASTIC, DARK_INSIDE, RUBBER, STEEL, Color, Material, Part
from training.synthetic.objects.shapes import box, ellipsoid, ring, tube, turned_profile

PAINTS: tuple[Color, ...] = (
    (0.42, 0.02, 0.02),
    (0.03, 0.09, 0.32),
    (0.62, 0.63, 0.64),
    (0.75, 0.74, 0.70),
    (0.10, 0.20, 0.11),
    (0.35, 0.36, 0.38),
    (0.16, 0.165, 0.17),
    (0.035, 0.036, 0.04),
    (0.06, 0.07, 0.09),
    (0.30, 0.27, 0.22),
    (0.02, 0.05, 0.14),
    (0.25, 0.03, 0.03),
    (0.60, 0.30, 0.03),
    (0.12, 0.28, 0.40),
    (0.55, 0.56, 0.57),
)
LAMP_GLASS = Material((0.50, 0.52, 0.54), roughness=0.12, varnish=1.0)
RED_GLASS = Material((0.45, 0.012, 0.015), roughness=0.12, varnish=1.0)
AMBER_GLASS = Material((0.75, 0.24, 0.02), roughness=0.15, varnish=1.0)
ALLOY = Material((0.50, 0.51, 0.52), roughness=0.32, metallic=0.6)
PLATE = Material((0.78, 0.78, 0.76), roughness=0.4)

KINDS = (  # style, length and height in meters
    (HATCHBACK, 4.2, 1.46),
    (HATCHBACK, 3.6, 1.48),
    (SALOON, 4.55, 1.44),
    (SALOON, 4.8, 1.46),
    (ESTATE, 4.6, 1.47),
    (ESTATE, 4.4, 1.68),
    (VAN, 4.4, 1.66),
    (VAN, 4.7, 1.85),
    (DELIVERY_VAN, 4.5, 1.85),
)


@dataclass(frozen=True)
class Car:
    """What may vary from car to car: its shape and its linear paint color."""

    shape: CarShape = field(default_factory=CarShape)
    paint: Color = PAINTS[0]
    spokes: int = 5
    rim: Material = ALLOY


def random_car(rng: np.random.Generator) -> Car:
    """A car of a random kind, from a town car to a van, of a random size and color."""
    style, length_m, height_m = KINDS[int(rng.integers(len(KINDS)))]
    grow = rng.uniform(0.96, 1.04)
    shape = CarShape(
        length_m=length_m * grow,
        width_m=WIDTH_M * rng.uniform(0.97, 1.04) * (length_m / LENGTH_M) ** 0.35,
        height_m=height_m * rng.uniform(0.97, 1.04),
        wheelbase_m=2.55 * length_m / LENGTH_M * grow * rng.uniform(0.98, 1.02),
        wheel_radius_m=rng.uniform(0.28, 0.31) * (height_m / HEIGHT_M) ** 0.5,
        style=style,
    )
    paint = np.array(PAINTS[int(rng.integers(len(PAINTS)))]) * rng.uniform(0.85, 1.15, 3)
    rim = ALLOY if rng.random() < 0.7 else Material((0.09, 0.09, 0.095), roughness=0.35, metallic=0.5)
    return Car(shape, (float(paint[0]), float(paint[1]), float(paint[2])), int(rng.integers(4, 11)), rim)


def car_parts(car: Car) -> list[Part]:
    """The parts of a car that stands on z = 0 about the origin and looks along +x."""
    shape = car.shape
    body = body_mesh(shape)
    half, tall = shape.length_m / 2, shape.height_m / HEIGHT_M
    glass_end = shape.style.side_glass[1] * shape.length_m / LENGTH_M
    painted = Material(car.paint, roughness=0.3, varnish=1.0)
    return [
        *body_parts(shape, body, car.paint),
        Part("car_inside", _inside(shape), DARK_INSIDE),
        *_wheels(shape, car.spokes, car.rim),
        Part(
            "car_mirrors",
            mirrored_pair(box(0.13, 0.20, 0.13, 0.045).moved(glass_end - 0.14, shape.width_m / 2 + 0.06, 0.98 * tall)),
            painted,
        ),
        Part(
            "car_handles", mirrored_pair(join([_on_side(body, shape, x + 0.12) for x in shape.style.seams[1:]])), STEEL
        ),
        Part(
            "car_headlamps",
            mirrored_pair(_on_front(body, half - 0.13, 0.60, 0.68 * tall, (0.15, 0.16, 0.075))),
            LAMP_GLASS,
        ),
        Part(
            "car_fog_lamps",
            mirrored_pair(_on_front(body, half - 0.06, 0.58, 0.37 * tall, (0.04, 0.06, 0.045))),
            LAMP_GLASS,
        ),
        Part(
            "car_tail_lamps",
            mirrored_pair(_on_front(body, -half + 0.06, 0.68, 0.86 * tall, (0.12, 0.12, 0.16))),
            RED_GLASS,
        ),
        Part(
            "car_indicators",
            mirrored_pair(_on_front(body, half - 0.24, 0.76, 0.67 * tall, (0.10, 0.05, 0.04))),
            AMBER_GLASS,
        ),
        Part("car_plates", join([_plate(body, half, 0.42 * tall), _plate(body, -half, 0.66 * tall)]), PLATE),
        Part("car_badge", _badge(body, half, 0.66 * tall), STEEL),
        Part("car_wipers", _wipers(body, shape), BLACK_PLASTIC),
    ]


def _nearest(body: Mesh, point: tuple[float, float, float]) -> Floats:
    """The vertex of the body nearest to a point."""
    distance = np.linalg.norm(body.vertices - np.array(point), axis=1)
    vertex: Floats = body.vertices[int(np.argmin(distance))]
    return vertex


def _on_front(body: Mesh, x: float, y: float, z: float, half_axes: tuple[float, float, float]) -> Mesh:
    """An ellipsoid half sunk into the body near a point."""
    px, py, pz = _nearest(body, (x, y, z))
    return ellipsoid(*half_axes).moved(px - 0.62 * half_axes[0] * np.sign(x), py - 0.3 * half_axes[1] * np.sign(y), pz)


def _on_side(body: Mesh, shape: CarShape, x: float) -> Mesh:
    """A door handle near a station of the left side."""
    px, py, pz = _nearest(body, (x, shape.width_m, 0.80))
    return box(0.19, 0.035, 0.03, 0.012).moved(px, py + 0.012, pz)


def _plate(body: Mesh, x: float, height: float) -> Mesh:
    """A number plate at the front or rear end."""
    surface_x = _nearest(body, (x * 1.2, 0.12, height))[0]
    return box(0.02, 0.52, 0.115, 0.004).moved(surface_x + 0.004 * np.sign(x), 0, height)


def _badge(body: Mesh, half: float, height: float) -> Mesh:
    """The maker's badge: a ring on the nose."""
    x = _nearest(body, (half, 0.0, height))[0]
    return ring(0.055, 0.012, 24, 6).turned("y", 75).moved(x + 0.01, 0, height)


def _wipers(body: Mesh, shape: CarShape) -> Mesh:
    """Two wipers that lie along the lower edge of the windscreen."""
    low = shape.style.windscreen[1] * shape.length_m / LENGTH_M
    arms = []
    for y in (0.45, -0.12):
        places = ((low - 0.07, y), (low - 0.13, y - 0.25), (low - 0.17, y - 0.5))
        ends = [_nearest(body, (x, side, float(shape.top_m(np.array([x]))[0]))) for x, side in places]
        arms.append(tube(np.array(ends) + np.array([0.008, 0, 0.012]), 0.009, 6))
    return join(arms)


def _inside(shape: CarShape) -> Mesh:
    """What one sees past the wheels and under the sills: a dark floor between dark wheel housings."""
    floor = box(shape.length_m * 0.84, shape.width_m - 0.62, 0.62).moved(0, 0, 0.50)
    sill = box(shape.wheelbase_m - 2 * shape.wheel_radius_m - 0.16, shape.width_m - 0.14, 0.42).moved(
        shape.axle_shift_m, 0, 0.42
    )
    return join([floor, sill])


def _wheels(shape: CarShape, count: int, alloy: Material) -> list[Part]:
    """Four wheels that touch z = 0: tires, rims with double spokes, and the dark disc behind them."""
    radius = shape.wheel_radius_m
    rim = radius * 0.70
    tire = [
        (rim - 0.02, -0.09),
        (rim + 0.01, -0.10),
        (radius - 0.03, -0.10),
        (radius - 0.008, -0.085),
        (radius, -0.06),
        (radius, 0.06),
        (radius - 0.008, 0.085),
        (radius - 0.03, 0.10),
        (rim + 0.01, 0.10),
        (rim - 0.02, 0.09),
        (rim - 0.02, -0.09),
    ]
    spoke = min(0.042, 0.21 / count)
    spokes = [
        box(rim - 0.03, spoke, 0.025, 0.008).moved(rim / 2 + 0.012, side, 0.078).turned("z", angle)
        for angle in np.arange(count) * 360 / count
        for side in (-0.027, 0.027)
    ]
    inner, outer = rim - 0.03, rim - 0.008
    edge = turned_profile([(inner, 0.05), (inner, 0.088), (outer, 0.098), (outer, 0.05), (inner, 0.05)], 48)
    cap = turned_profile([(0, 0.04), (0.05, 0.04), (0.05, 0.092), (0.03, 0.102), (0, 0.102)], 24)
    back = turned_profile([(0, -0.05), (rim - 0.012, -0.05), (rim - 0.012, 0.045), (0, 0.045)], 32)
    tires, rims = turned_profile(tire, 56), join([edge, cap, *spokes])
    return [
        Part(name, join([_on_axle(mesh, shape, end, side) for end in (1, -1) for side in (1, -1)]), material)
        for name, mesh, material in (
            ("car_tyres", tires, RUBBER),
            ("car_rims", rims, alloy),
            ("car_brakes", back, DARK_INSIDE),
        )
    ]


def _on_axle(wheel: Mesh, shape: CarShape, end: int, side: int) -> Mesh:
    """A wheel made about the z axis, outer face up, brought to the front or rear axle, left (+1) or right (-1)."""
    upright = wheel.turned("x", -90 * side)
    x = shape.axle_shift_m + end * shape.wheelbase_m / 2
    return upright.moved(x, side * (shape.width_m / 2 - 0.125), shape.wheel_radius_m)
