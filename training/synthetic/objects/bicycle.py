"""A bicycle: diamond or open frame, spoked wheels, one of three handlebars, saddle, crank, chain, rack, luggage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synthetic.objects.mesh import Floats, Mesh, join, mirrored_pair
from training.synthetic.objects.part import BLACK_PLASTIC, RUBBER, STEEL, Color, Material, Part
from training.synthetic.objects.shapes import box, ellipsoid, loft, ring, tube, turned_profile

PAINTS: tuple[Color, ...] = (
    (0.03, 0.12, 0.38),
    (0.40, 0.03, 0.03),
    (0.03, 0.03, 0.03),
    (0.04, 0.22, 0.14),
    (0.60, 0.42, 0.05),
    (0.55, 0.55, 0.54),
    (0.02, 0.02, 0.022),
    (0.65, 0.64, 0.62),
    (0.10, 0.30, 0.38),
    (0.50, 0.12, 0.02),
    (0.30, 0.10, 0.20),
    (0.16, 0.18, 0.10),
)

BARS: dict[str, list[tuple[float, float, float]]] = {  # the left half of a handlebar, from the stem
    "swept": [(0, 0, 0), (0.01, 0.08, 0.02), (-0.01, 0.20, 0.05), (-0.08, 0.27, 0.05), (-0.20, 0.29, 0.03)],
    "flat": [(0, 0, 0), (0, 0.08, 0.01), (-0.01, 0.18, 0.03), (-0.03, 0.31, 0.03)],
    "drop": [
        (0, 0, 0),
        (0, 0.17, 0),
        (0.02, 0.20, 0),
        (0.09, 0.205, -0.01),
        (0.11, 0.21, -0.06),
        (0.06, 0.21, -0.125),
        (-0.04, 0.21, -0.13),
    ],
}


@dataclass(frozen=True)
class Bicycle:
    """What may vary from bicycle to bicycle: meters, and the linear color of the frame. It looks along +x."""

    wheel_radius_m: float = 0.34
    wheelbase_m: float = 1.06
    saddle_m: float = 0.98
    tire_m: float = 0.021
    paint: Color = PAINTS[0]
    mudguards: bool = True
    rack: bool = True
    open_frame: bool = False
    bar: str = "swept"  # or "flat" or "drop"
    basket: bool = False
    bags: bool = False
    size: float = 1.0  # of the whole


def random_bicycle(rng: np.random.Generator) -> Bicycle:
    """A city, mountain, racing or child's bicycle of a random size and color, with or without what belongs to it."""
    bar = str(rng.choice(["swept", "swept", "flat", "flat", "drop"]))
    rack = bool(bar != "drop" and rng.random() < 0.6)
    return Bicycle(
        wheelbase_m=rng.uniform(1.0, 1.12),
        saddle_m=rng.uniform(0.90, 1.04),
        tire_m=rng.uniform(0.012, 0.016) if bar == "drop" else rng.uniform(0.016, 0.028),
        paint=PAINTS[int(rng.integers(len(PAINTS)))],
        mudguards=bool(bar != "drop" and rng.random() < 0.6),
        rack=rack,
        open_frame=bool(bar == "swept" and rng.random() < 0.5),
        bar=bar,
        basket=bool(bar != "drop" and rng.random() < 0.25),
        bags=bool(rack and rng.random() < 0.3),
        size=float(rng.uniform(0.6, 0.85)) if rng.random() < 0.15 else float(rng.uniform(0.95, 1.05)),
    )


def bicycle_parts(bicycle: Bicycle) -> list[Part]:
    """The parts of a bicycle that stands on z = 0, its wheels in the plane y = 0, looking along +x."""
    hubs = [(end * bicycle.wheelbase_m / 2, 0.0, bicycle.wheel_radius_m) for end in (1, -1)]
    paint = Material(bicycle.paint, roughness=0.3, varnish=1.0)
    parts = [
        Part("bicycle_tyres", join([_tire(bicycle).moved(*hub) for hub in hubs]), RUBBER),
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
    parts += _luggage(bicycle)
    size = bicycle.size
    return [Part(part.name, part.mesh.scaled(size, size, size), part.material) for part in parts]


def _joints(bicycle: Bicycle) -> dict[str, Floats]:
    """The points that the tubes run between, in the plane y = 0."""
    half, radius = bicycle.wheelbase_m / 2, bicycle.wheel_radius_m
    points = {
        "front": (half, radius),
        "rear": (-half, radius),
        "crank": (-half + 0.44, radius - 0.055),
        "head_top": (half - 0.235, 0.86),
        "head_low": (half - 0.185, 0.70),
        "stem": (half - 0.265, 0.98),
        "seat_top": (-half + 0.265, 0.80),
        "saddle": (-half + 0.215, bicycle.saddle_m - 0.05),
        "seat_mid": (-half + 0.365, 0.52),
    }
    return {name: np.array([x, 0.0, z]) for name, (x, z) in points.items()}


def _tire(bicycle: Bicycle) -> Mesh:
    """A tire about the origin, upright."""
    return ring(bicycle.wheel_radius_m - bicycle.tire_m, bicycle.tire_m, 64, 10).turned("x", 90)


def _wheel(bicycle: Bicycle) -> Mesh:
    """Rim, hub and 32 crossed spokes about the origin, upright."""
    rim = bicycle.wheel_radius_m - 2 * bicycle.tire_m
    outer, inner = rim + 0.004, rim - 0.013
    section = [(outer, -0.011), (outer, 0.011), (inner, 0.008), (inner, -0.008), (outer, -0.011)]
    half_hub = [(0.014, 0.026), (0.026, 0.028), (0.026, 0.033), (0.008, 0.034), (0.008, 0.05), (0.0, 0.05)]
    hub = [*((radius, -z) for radius, z in reversed(half_hub)), *half_hub]
    spokes = []
    for number in range(32):
        angle = 2 * np.pi * number / 32
        start = angle + (0.9 if number % 4 < 2 else -0.9)
        side = 0.03 if number % 2 else -0.03
        spokes.append(
            tube(
                [(0.024 * np.cos(start), 0.024 * np.sin(start), side), (rim * np.cos(angle), rim * np.sin(angle), 0.0)],
                0.0016,
                5,
            )
        )
    return join([turned_profile(section, 64), turned_profile(hub, 16), *spokes]).turned("x", 90)


def _frame(bicycle: Bicycle) -> Mesh:
    """The diamond, the stays, the fork."""
    at = _joints(bicycle)
    behind = "seat_mid" if bicycle.open_frame else "seat_top"
    main = [
        tube([at[a], at[b]], radius)
        for a, b, radius in (
            (behind, "head_top", 0.016),
            ("crank", "head_low", 0.019),
            ("crank", "seat_top", 0.017),
            ("head_low", "head_top", 0.022),
        )
    ]
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
    """Stem and bar: one that sweeps back, a flat one, or a racer's."""
    at = _joints(bicycle)
    top = at["stem"] + [0.055, 0, 0.03]
    stem = tube([at["head_top"], at["stem"], top], 0.0135)
    left = np.array(BARS[bicycle.bar])
    return join([stem, mirrored_pair(tube(top + left, 0.0115))])


def _grips(bicycle: Bicycle) -> Mesh:
    """The rubber grips, and the brake levers before them."""
    top = _joints(bicycle)["stem"] + [0.055, 0, 0.03]
    grip = tube(top + np.array(BARS[bicycle.bar][-2:]), 0.017)
    if bicycle.bar != "swept":
        return mirrored_pair(grip)
    lever = tube(top + np.array([[-0.02, 0.23, 0.04], [-0.07, 0.29, 0.005], [-0.16, 0.31, 0.0]]), 0.006, 6)
    return mirrored_pair(join([grip, lever]))


def _saddle(bicycle: Bicycle) -> Mesh:
    """A saddle: wide behind, narrow in front."""
    nose = _joints(bicycle)["saddle"]
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    levels = []
    for x, half, thick in (
        (-0.125, 0.05, 0.012),
        (-0.12, 0.075, 0.024),
        (-0.07, 0.088, 0.030),
        (0.0, 0.06, 0.026),
        (0.07, 0.03, 0.022),
        (0.14, 0.024, 0.018),
        (0.15, 0.012, 0.008),
    ):
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


def _luggage(bicycle: Bicycle) -> list[Part]:
    """A basket before the handlebar, a pair of bags beside the rear wheel."""
    at, parts = _joints(bicycle), []
    if bicycle.basket:
        where = at["head_top"] + [0.2, 0, 0.06]
        sides = [box(0.26, 0.01, 0.22).moved(0, s * 0.17, 0) for s in (-1, 1)]
        sides += [box(0.01, 0.34, 0.22).moved(s * 0.13, 0, 0) for s in (-1, 1)] + [
            box(0.26, 0.34, 0.01).moved(0, 0, -0.11)
        ]
        parts.append(Part("bicycle_basket", join(sides).moved(*where), Material((0.22, 0.14, 0.07), roughness=0.85)))
    if bicycle.bags:
        bag = box(0.32, 0.11, 0.3, 0.02).moved(at["rear"][0] - 0.06, 0.13, 0.58)
        parts.append(Part("bicycle_bags", mirrored_pair(bag), Material((0.05, 0.05, 0.06), roughness=0.8)))
    return parts


def _lamp(bicycle: Bicycle) -> Mesh:
    """The front lamp."""
    at = _joints(bicycle)["head_top"]
    return ellipsoid(0.045, 0.032, 0.032).moved(*at).moved(0.085, 0, -0.02)
