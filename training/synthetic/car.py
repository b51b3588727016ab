"""A passenger car: a lofted body with painted windows, seams and grille, wheels, lights, mirrors and plates."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from training.synthetic.car_body import CarShape, body_mesh, body_parts
from training.synthetic.mesh import Floats, Mesh, join, mirrored_pair
from training.synthetic.part import BLACK_PLASTIC, DARK_INSIDE, RUBBER, STEEL, Colour, Material, Part
from training.synthetic.shapes import box, ellipsoid, ring, tube, turned_profile

PAINTS: tuple[Colour, ...] = (
    (0.42, 0.02, 0.02), (0.03, 0.09, 0.32), (0.62, 0.63, 0.64), (0.75, 0.74, 0.70), (0.10, 0.20, 0.11),
    (0.35, 0.36, 0.38),
)  # fmt: skip
LAMP_GLASS = Material((0.50, 0.52, 0.54), roughness=0.12, varnish=1.0)
RED_GLASS = Material((0.45, 0.012, 0.015), roughness=0.12, varnish=1.0)
AMBER_GLASS = Material((0.75, 0.24, 0.02), roughness=0.15, varnish=1.0)
ALLOY = Material((0.50, 0.51, 0.52), roughness=0.32, metallic=0.6)
PLATE = Material((0.78, 0.78, 0.76), roughness=0.4)


@dataclass(frozen=True)
class Car:
    """What may vary from car to car: its shape and its linear paint colour."""

    shape: CarShape = field(default_factory=CarShape)
    paint: Colour = PAINTS[0]


def random_car(rng: np.random.Generator) -> Car:
    """A car of a random size and colour."""
    grow = rng.uniform(0.94, 1.06)
    shape = CarShape(
        length_m=4.2 * grow,
        width_m=1.75 * rng.uniform(0.97, 1.04),
        height_m=1.45 * rng.uniform(0.96, 1.08),
        wheelbase_m=2.55 * grow,
        wheel_radius_m=rng.uniform(0.29, 0.33),
    )
    return Car(shape, PAINTS[int(rng.integers(len(PAINTS)))])


def car_parts(car: Car) -> list[Part]:
    """The parts of a car that stands on z = 0 about the origin and looks along +x."""
    shape = car.shape
    body = body_mesh(shape)
    half = shape.length_m / 2
    painted = Material(car.paint, roughness=0.3, varnish=1.0)
    return [
        *body_parts(shape, body, car.paint),
        Part("car_inside", _inside(shape), DARK_INSIDE),
        *_wheels(shape),
        Part(
            "car_mirrors",
            mirrored_pair(box(0.13, 0.20, 0.13, 0.045).moved(0.66, shape.width_m / 2 + 0.06, 0.98)),
            painted,
        ),
        Part("car_handles", mirrored_pair(join([_on_side(body, shape, x) for x in (-0.12, -0.95)])), STEEL),
        Part("car_headlamps", mirrored_pair(_on_front(body, half - 0.13, 0.60, 0.68, (0.15, 0.16, 0.075))), LAMP_GLASS),
        Part("car_fog_lamps", mirrored_pair(_on_front(body, half - 0.06, 0.58, 0.37, (0.04, 0.06, 0.045))), LAMP_GLASS),
        Part("car_tail_lamps", mirrored_pair(_on_front(body, -half + 0.06, 0.68, 0.86, (0.12, 0.12, 0.16))), RED_GLASS),
        Part(
            "car_indicators", mirrored_pair(_on_front(body, half - 0.24, 0.76, 0.67, (0.10, 0.05, 0.04))), AMBER_GLASS
        ),
        Part("car_plates", join([_plate(body, half), _plate(body, -half)]), PLATE),
        Part("car_badge", _badge(body, half), STEEL),
        Part("car_wipers", _wipers(body), BLACK_PLASTIC),
    ]


def _nearest(body: Mesh, point: tuple[float, float, float]) -> Floats:
    """The vertex of the body nearest to a point."""
    distance = np.linalg.norm(body.vertices - np.array(point), axis=1)
    return body.vertices[int(np.argmin(distance))]


def _on_front(body: Mesh, x: float, y: float, z: float, half_axes: tuple[float, float, float]) -> Mesh:
    """An ellipsoid half sunk into the body near a point."""
    px, py, pz = _nearest(body, (x, y, z))
    return ellipsoid(*half_axes).moved(px - 0.62 * half_axes[0] * np.sign(x), py - 0.3 * half_axes[1] * np.sign(y), pz)


def _on_side(body: Mesh, shape: CarShape, x: float) -> Mesh:
    """A door handle near a station of the left side."""
    px, py, pz = _nearest(body, (x, shape.width_m, 0.80))
    return box(0.19, 0.035, 0.03, 0.012).moved(px, py + 0.012, pz)


def _plate(body: Mesh, x: float) -> Mesh:
    """A number plate at the front or rear end."""
    height = 0.42 if x > 0 else 0.66
    surface_x = _nearest(body, (x * 1.2, 0.12, height))[0]
    return box(0.02, 0.52, 0.115, 0.004).moved(surface_x + 0.004 * np.sign(x), 0, height)


def _badge(body: Mesh, half: float) -> Mesh:
    """The maker's badge: a ring on the nose."""
    x = _nearest(body, (half, 0.0, 0.66))[0]
    return ring(0.055, 0.012, 24, 6).turned("y", 75).moved(x + 0.01, 0, 0.66)


def _wipers(body: Mesh) -> Mesh:
    """Two wipers that lie along the lower edge of the windscreen."""
    arms = []
    for y in (0.45, -0.12):
        ends = [
            _nearest(body, (0.90, y, 1.0)),
            _nearest(body, (0.84, y - 0.25, 1.05)),
            _nearest(body, (0.80, y - 0.5, 1.05)),
        ]
        arms.append(tube(np.array(ends) + np.array([0.008, 0, 0.012]), 0.009, 6))
    return join(arms)


def _inside(shape: CarShape) -> Mesh:
    """What one sees past the wheels and under the sills: a dark floor between dark wheel housings."""
    floor = box(shape.length_m * 0.84, shape.width_m - 0.62, 0.62).moved(0, 0, 0.50)
    sill = box(shape.wheelbase_m - 2 * shape.wheel_radius_m - 0.16, shape.width_m - 0.14, 0.42).moved(
        shape.axle_shift_m, 0, 0.42
    )
    return join([floor, sill])


def _wheels(shape: CarShape) -> list[Part]:
    """Four wheels that touch z = 0: tyres, rims with five double spokes, and the dark disc behind them."""
    radius = shape.wheel_radius_m
    rim = radius * 0.70
    tyre = [(rim - 0.02, -0.09), (rim + 0.01, -0.10), (radius - 0.03, -0.10), (radius - 0.008, -0.085), (radius, -0.06),
            (radius, 0.06), (radius - 0.008, 0.085), (radius - 0.03, 0.10), (rim + 0.01, 0.10), (rim - 0.02, 0.09),
            (rim - 0.02, -0.09)]  # fmt: skip
    spokes = [box(rim - 0.03, 0.042, 0.025, 0.008).moved(rim / 2 + 0.012, side, 0.078).turned("z", angle)
              for angle in range(0, 360, 72) for side in (-0.027, 0.027)]  # fmt: skip
    inner, outer = rim - 0.03, rim - 0.008
    edge = turned_profile([(inner, 0.05), (inner, 0.088), (outer, 0.098), (outer, 0.05), (inner, 0.05)], 48)
    cap = turned_profile([(0, 0.04), (0.05, 0.04), (0.05, 0.092), (0.03, 0.102), (0, 0.102)], 24)
    back = turned_profile([(0, -0.05), (rim - 0.012, -0.05), (rim - 0.012, 0.045), (0, 0.045)], 32)
    tyres, rims = turned_profile(tyre, 56), join([edge, cap, *spokes])
    return [
        Part(name, join([_on_axle(mesh, shape, end, side) for end in (1, -1) for side in (1, -1)]), material)
        for name, mesh, material in (
            ("car_tyres", tyres, RUBBER),
            ("car_rims", rims, ALLOY),
            ("car_brakes", back, DARK_INSIDE),
        )
    ]


def _on_axle(wheel: Mesh, shape: CarShape, end: int, side: int) -> Mesh:
    """A wheel made about the z axis, outer face up, brought to the front or rear axle, left (+1) or right (-1)."""
    upright = wheel.turned("x", -90 * side)
    x = shape.axle_shift_m + end * shape.wheelbase_m / 2
    return upright.moved(x, side * (shape.width_m / 2 - 0.125), shape.wheel_radius_m)
