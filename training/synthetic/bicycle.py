"""A city bicycle: diamond frame, spoked wheels, mudguards, handlebar, saddle, crank, chain and rack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synthetic.mesh import Floats, Mesh, join, mirrored_pair
from training.synthetic.part import BLACK_PLASTIC, RUBBER, STEEL, Colour, Material, Part
from training.synthetic.shapes import box, ellipsoid, loft, ring, tube, turned_profile

PAINTS: tuple[Colour, ...] = (
    (0.03, 0.12, 0.38), (0.40, 0.03, 0.03), (0.03, 0.03, 0.03), (0.04, 0.22, 0.14), (0.60, 0.42, 0.05),
    (0.55, 0.55, 0.54),
)  # fmt: skip


@dataclass(frozen=True)
class Bicycle:
    """What may vary from bicycle to bicycle: metres, and the linear colour of the frame. It looks along +x."""

    wheel_radius_m: float = 0.34
    wheelbase_m: float = 1.06
    saddle_m: float = 0.98
    tyre_m: float = 0.021
    paint: Colour = PAINTS[0]
    mudguards: bool = True
    rack: bool = True


def random_bicycle(rng: np.random.Generator) -> Bicycle:
    """A bicycle of a random size and colour, with or without mudguards and rack."""
    return Bicycle(
        wheelbase_m=rng.uniform(1.0, 1.12),
        saddle_m=rng.uniform(0.90, 1.04),
        tyre_m=rng.uniform(0.014, 0.025),
        paint=PAINTS[int(rng.integers(len(PAINTS)))],
        mudguards=bool(rng.random() < 0.6),
        rack=bool(rng.random() < 0.5),
    )


def bicycle_parts(bicycle: Bicycle) -> list[Part]:
    """The parts of a bicycle that stands on z = 0, its wheels in the plane y = 0, looking along +x."""
    hubs = [(end * bicycle.wheelbase_m / 2, 0.0, bicycle.wheel_radius_m) for end in (1, -1)]
    paint = Material(bicycle.paint, roughness=0.3, varnish=1.0)
    parts = [
        Part("bicycle_tyres", join([_tyre(bicycle).moved(*hub) for hub in hubs]), RUBBER),
        Part("bicycle_wheels", join([_wheel(bicycle).moved(*hub) for hub in hubs]), STEEL),
        Part("bicycle_frame", _frame(bicycle), paint),
        Part("bicycle_steel", join([_handlebar(bicycle), _crank(bicycle), _seat_post(bicycle)]), STEEL),
        Part("bicycle_black", join([_saddle(bicycle), _grips(bicycle), _chain(bicycle)]), BLACK_PLASTIC),
        Part("bicycle_lamp", _lamp(bicycle), Material((0.7, 0.7, 0.7), roughness=0.2, varnish=1.0)),
    ]
    if bicycle.mudguards:
        parts.append(Part("bicycle_mudguards", join([_mudguard(bicycle, hub) for hub in hubs]), paint))
    if bicycle.rack:
        parts.append(Part("bicycle_rack", _rack(bicycle), BLACK_PLASTIC))
    return parts


def _joints(bicycle: Bicycle) -> dict[str, Floats]:
    """The points that the tubes run between, in the plane y = 0."""
    half, radius = bicycle.wheelbase_m / 2, bicycle.wheel_radius_m
    points = {
        "front": (half, radius), "rear": (-half, radius), "crank": (-half + 0.44, radius - 0.055),
        "head_top": (half - 0.235, 0.86), "head_low": (half - 0.185, 0.70), "stem": (half - 0.265, 0.98),
        "seat_top": (-half + 0.265, 0.80), "saddle": (-half + 0.215, bicycle.saddle_m - 0.05),
    }  # fmt: skip
    return {name: np.array([x, 0.0, z]) for name, (x, z) in points.items()}


def _tyre(bicycle: Bicycle) -> Mesh:
    """A tyre about the origin, upright."""
    return ring(bicycle.wheel_radius_m - bicycle.tyre_m, bicycle.tyre_m, 64, 10).turned("x", 90)


def _wheel(bicycle: Bicycle) -> Mesh:
    """Rim, hub and 32 crossed spokes about the origin, upright."""
    rim = bicycle.wheel_radius_m - 2 * bicycle.tyre_m
    outer, inner = rim + 0.004, rim - 0.013
    section = [(outer, -0.011), (outer, 0.011), (inner, 0.008), (inner, -0.008), (outer, -0.011)]
    half_hub = [(0.014, 0.026), (0.026, 0.028), (0.026, 0.033), (0.008, 0.034), (0.008, 0.05), (0.0, 0.05)]
    hub = [*((radius, -z) for radius, z in reversed(half_hub)), *half_hub]
    spokes = []
    for number in range(32):
        angle = 2 * np.pi * number / 32
        start = angle + (0.9 if number % 4 < 2 else -0.9)
        side = 0.03 if number % 2 else -0.03
        spokes.append(tube([(0.024 * np.cos(start), 0.024 * np.sin(start), side),
                            (rim * np.cos(angle), rim * np.sin(angle), 0.0)], 0.0016, 5))  # fmt: skip
    return join([turned_profile(section, 64), turned_profile(hub, 16), *spokes]).turned("x", 90)


def _frame(bicycle: Bicycle) -> Mesh:
    """The diamond, the stays, the fork."""
    at = _joints(bicycle)
    main = [tube([at[a], at[b]], radius) for a, b, radius in (
        ("seat_top", "head_top", 0.016), ("crank", "head_low", 0.019), ("crank", "seat_top", 0.017),
        ("head_low", "head_top", 0.022),
    )]  # fmt: skip
    shift, out = np.array([0, 0.02, 0]), np.array([0, 0.055, 0])
    bend = at["front"] + [-0.045, 0.0, 0.10]
    left = [
        tube([at["crank"] + shift, at["rear"] + out], [0.012, 0.009]),
        tube([at["seat_top"] + shift * 0.6, at["rear"] + out], [0.010, 0.008]),
        tube(
            [at["head_low"] + shift / 2, at["head_low"] + [0.012, 0.045, -0.05], bend + out, at["front"] + out], 0.011
        ),
    ]
    bracket = turned_profile([(0, -0.04), (0.023, -0.04), (0.023, 0.04), (0, 0.04)], 20).turned("x", 90)
    return join([*main, *(mirrored_pair(mesh) for mesh in left), bracket.moved(*at["crank"])])


def _seat_post(bicycle: Bicycle) -> Mesh:
    """The tube under the saddle."""
    at = _joints(bicycle)
    return tube([at["seat_top"], at["saddle"]], 0.0135)


def _handlebar(bicycle: Bicycle) -> Mesh:
    """Stem and a bar that sweeps back."""
    at = _joints(bicycle)
    top = at["stem"] + [0.055, 0, 0.03]
    stem = tube([at["head_top"], at["stem"], top], 0.0135)
    left = np.array([[0, 0, 0], [0.01, 0.08, 0.02], [-0.01, 0.20, 0.05], [-0.08, 0.27, 0.05], [-0.20, 0.29, 0.03]])
    return join([stem, mirrored_pair(tube(top + left, 0.0115))])


def _grips(bicycle: Bicycle) -> Mesh:
    """The rubber grips, and the brake levers before them."""
    top = _joints(bicycle)["stem"] + [0.055, 0, 0.03]
    grip = tube(top + np.array([[-0.10, 0.274, 0.047], [-0.21, 0.293, 0.028]]), 0.017)
    lever = tube(top + np.array([[-0.02, 0.23, 0.04], [-0.07, 0.29, 0.005], [-0.16, 0.31, 0.0]]), 0.006, 6)
    return mirrored_pair(join([grip, lever]))


def _saddle(bicycle: Bicycle) -> Mesh:
    """A saddle: wide behind, narrow in front."""
    nose = _joints(bicycle)["saddle"]
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    levels = []
    for x, half, thick in ((-0.125, 0.05, 0.012), (-0.12, 0.075, 0.024), (-0.07, 0.088, 0.030), (0.0, 0.06, 0.026),
                           (0.07, 0.03, 0.022), (0.14, 0.024, 0.018), (0.15, 0.012, 0.008)):  # fmt: skip
        rise = 0.05 + 0.25 * max(-x, 0.0) ** 1.5
        levels.append(np.stack([np.full(16, x), half * np.cos(angles), rise + thick * np.sin(angles)], -1))
    return join([loft(np.stack(levels)), box(0.10, 0.03, 0.05, 0.008).moved(0, 0, 0.02)]).moved(*nose)


def _crank(bicycle: Bicycle) -> Mesh:
    """Chain ring on the right, two arms, two pedals."""
    at = _joints(bicycle)["crank"]
    band = turned_profile([(0.075, -0.002), (0.094, -0.002), (0.094, 0.002), (0.075, 0.002), (0.075, -0.002)], 44)
    arms = [box(0.16, 0.014, 0.003).turned("z", angle) for angle in (0, 60, 120)]
    wheel = join([band, *arms]).turned("x", 90).moved(0, -0.045, 0)
    right = join(
        [box(0.18, 0.014, 0.024, 0.006).moved(0.08, -0.062, 0), box(0.095, 0.085, 0.022, 0.006).moved(0.165, -0.115, 0)]
    )
    pair = join([right, right.turned("z", 180)]).turned("y", 28)
    return join([wheel, pair]).moved(*at)


def _chain(bicycle: Bicycle) -> Mesh:
    """The two runs of the chain and the sprocket behind."""
    at = _joints(bicycle)
    big, small = 0.092, 0.038
    runs = [
        tube([at["crank"] + [0, -0.045, side * big], at["rear"] + [0, -0.045, side * small]], 0.005, 6)
        for side in (1, -1)
    ]
    profile = [(0, -0.004), (small, -0.004), (small, 0.004), (0, 0.004)]
    return join([*runs, turned_profile(profile, 20).turned("x", 90).moved(*(at["rear"] + [0, -0.045, 0]))])


def _mudguard(bicycle: Bicycle, hub: tuple[float, float, float]) -> Mesh:
    """A strip over a wheel: over the rear wheel longer behind."""
    first, last = (20, 150) if hub[0] > 0 else (30, 185)
    angles = np.deg2rad(np.linspace(first, last, 28))
    radius = bicycle.wheel_radius_m + 0.022
    across = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    outlines = []
    for angle in angles:
        depth = radius + 0.006 * np.sin(across) - 0.010 * np.abs(np.cos(across))
        outlines.append(np.stack([depth * np.cos(angle), 0.028 * np.cos(across), depth * np.sin(angle)], -1))
    return loft(np.stack(outlines)).moved(*hub)


def _rack(bicycle: Bicycle) -> Mesh:
    """The rack over the rear wheel and the two rods that carry it."""
    at = _joints(bicycle)
    z = 2 * bicycle.wheel_radius_m + 0.07
    rear = at["rear"][0]
    rail = tube(
        [(rear + 0.20, 0.05, z + 0.01), (rear - 0.05, 0.055, z), (rear - 0.24, 0.04, z), (rear - 0.25, 0.0, z)],
        0.006,
        8,
    )
    rod = tube([at["rear"] + [0, 0.06, 0], np.array([rear - 0.10, 0.055, z])], 0.005, 6)
    slats = [tube([(rear + x, -0.05, z), (rear + x, 0.05, z)], 0.005, 6) for x in (0.12, 0.0, -0.12)]
    return join([mirrored_pair(rail), mirrored_pair(rod), *slats])


def _lamp(bicycle: Bicycle) -> Mesh:
    """The front lamp."""
    at = _joints(bicycle)["head_top"]
    return ellipsoid(0.045, 0.032, 0.032).moved(*at).moved(0.085, 0, -0.02)
