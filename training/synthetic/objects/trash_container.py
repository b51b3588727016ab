"""A wheeled bin for household waste: tapered body with ribs, lid with hinge, handle, two wheels, and a label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synthetic.objects.mesh import Floats, Mesh, join, mirrored_pair
from training.synthetic.objects.part import BLACK_PLASTIC, RUBBER, Color, Material, Part
from training.synthetic.objects.shapes import at_height, box, loft, rounded_rectangle, tube, turned_profile

COLORS: tuple[Color, ...] = (
    (0.03, 0.13, 0.05),
    (0.06, 0.065, 0.07),
    (0.03, 0.08, 0.22),
    (0.10, 0.045, 0.02),
    (0.16, 0.16, 0.16),
)


@dataclass(frozen=True)
class TrashContainer:
    """What may vary from bin to bin: meters and linear colors. It looks along +x; its wheels are at -x."""

    height_m: float = 1.07
    width_m: float = 0.58
    depth_m: float = 0.73
    wheel_radius_m: float = 0.10
    taper: float = 0.80  # the size of the foot against the rim's
    body: Color = COLORS[0]
    lid: Color = COLORS[0]


def random_trash_container(rng: np.random.Generator) -> TrashContainer:
    """A bin of a random size (about 120 to 360 liters) and color, at times with a lid of another color."""
    grow = rng.uniform(0.88, 1.06)
    tone = rng.uniform(0.8, 1.6)
    red, green, blue = COLORS[int(rng.integers(len(COLORS)))]
    body = (red * tone, green * tone, blue * tone)
    other = (0.55, 0.38, 0.02) if rng.random() < 0.5 else (0.03, 0.08, 0.22)
    return TrashContainer(
        height_m=1.07 * grow,
        width_m=0.58 * grow * rng.uniform(0.95, 1.1),
        depth_m=0.73 * grow,
        taper=rng.uniform(0.76, 0.86),
        body=body,
        lid=other if rng.random() < 0.35 else body,
    )


def trash_container_parts(bin_: TrashContainer) -> list[Part]:
    """The parts of a bin that stands on z = 0 about the origin and looks along +x."""
    plastic, lid_plastic = Material(bin_.body, roughness=0.38), Material(bin_.lid, roughness=0.34)
    return [
        Part("bin_body", join([_body(bin_), _rim(bin_), *_ribs(bin_)]), plastic),
        Part("bin_lid", join([_lid(bin_), _hinge(bin_)]), lid_plastic),
        Part("bin_handle", _handle(bin_), plastic),
        Part("bin_tyres", mirrored_pair(_wheel(bin_)), RUBBER),
        Part("bin_hubs", mirrored_pair(_hub(bin_)), Material((0.25, 0.25, 0.26), roughness=0.5)),
        Part("bin_axle", _axle(bin_), BLACK_PLASTIC),
        Part("bin_label", _label(bin_), Material((0.72, 0.72, 0.68), roughness=0.5)),
    ]


def _rim_m(bin_: TrashContainer) -> float:
    """The height of the rim, below the lid."""
    return bin_.height_m - 0.105


def _front_x(bin_: TrashContainer, z: float) -> float:
    """Where the front wall is at a height."""
    share = z / _rim_m(bin_)
    return bin_.depth_m / 2 * (bin_.taper + (1 - bin_.taper) * share)


def _body(bin_: TrashContainer) -> Mesh:
    """The tapered tub; behind, its lower edge is cut away where the wheels are."""
    levels: list[Floats] = []
    radius = bin_.wheel_radius_m
    for z in np.concatenate([np.linspace(0.0, 2.6 * radius, 8), np.linspace(0.32, _rim_m(bin_), 6)]):
        share = z / _rim_m(bin_)
        size = bin_.taper + (1 - bin_.taper) * share
        outline = rounded_rectangle(bin_.depth_m * size, bin_.width_m * size, 0.05, 6)
        back = -_front_x(bin_, float(z)) + max(0.0, 2.5 * radius - z) * 0.95
        outline[:, 0] = np.maximum(outline[:, 0], back)
        levels.append(at_height(outline, float(z)))
    return loft(np.stack(levels))


def _rim(bin_: TrashContainer) -> Mesh:
    """The thick edge that the lid lies on, with the comb that the lorry grips in front."""
    edge = box(bin_.depth_m + 0.05, bin_.width_m + 0.05, 0.055, 0.012, corner=0.07).moved(0, 0, _rim_m(bin_) - 0.03)
    comb = box(0.05, bin_.width_m - 0.06, 0.05, 0.012).moved(bin_.depth_m / 2 + 0.035, 0, _rim_m(bin_) - 0.035)
    return join([edge, comb])


def _ribs(bin_: TrashContainer) -> list[Mesh]:
    """Upright ribs on the sides and a raised panel in front."""
    lean = np.rad2deg(np.arctan((1 - bin_.taper) * bin_.width_m / 2 / _rim_m(bin_)))
    side_y = bin_.width_m / 2 * (1 + bin_.taper) / 2
    height = _rim_m(bin_) * 0.78
    ribs = [
        mirrored_pair(box(0.03, 0.02, height, 0.006).turned("x", -lean).moved(x, side_y, _rim_m(bin_) * 0.54))
        for x in (-0.13, 0.0, 0.13)
    ]
    tilt = np.rad2deg(np.arctan((1 - bin_.taper) * bin_.depth_m / 2 / _rim_m(bin_)))
    middle = _rim_m(bin_) * 0.56
    panel = (
        box(0.022, bin_.width_m * 0.62, height * 0.62, 0.010).turned("y", tilt).moved(_front_x(bin_, middle), 0, middle)
    )
    return [*ribs, panel]


def _lid(bin_: TrashContainer) -> Mesh:
    """A domed lid that overhangs the rim, a little higher behind."""
    levels = []
    for z, shrink in ((0.0, 0.0), (0.035, 0.0), (0.055, 0.02), (0.075, 0.08), (0.092, 0.20), (0.100, 0.40)):
        outline = rounded_rectangle(bin_.depth_m + 0.09 - shrink, bin_.width_m + 0.085 - shrink, 0.08, 6)
        levels.append(at_height(outline, z))
    dome = loft(np.stack(levels)).moved(0.005, 0, _rim_m(bin_) + 0.002)
    lip = box(0.05, 0.22, 0.02, 0.006).moved(bin_.depth_m / 2 + 0.055, 0, _rim_m(bin_) + 0.018)
    groove = box(bin_.depth_m * 0.5, bin_.width_m * 0.5, 0.014, 0.006, corner=0.04).moved(0, 0, _rim_m(bin_) + 0.104)
    return join([dome, lip, groove])


def _hinge(bin_: TrashContainer) -> Mesh:
    """Two lugs between lid and handle."""
    return mirrored_pair(
        box(0.10, 0.045, 0.05, 0.012).moved(-bin_.depth_m / 2 - 0.05, bin_.width_m * 0.28, _rim_m(bin_) + 0.02)
    )


def _handle(bin_: TrashContainer) -> Mesh:
    """The bar behind the rim, to pull the bin by, and the brackets that hold it."""
    x, z, half = -bin_.depth_m / 2 - 0.085, _rim_m(bin_) + 0.01, bin_.width_m * 0.44
    bar = tube([(x, -half, z), (x, 0, z), (x, half, z)], 0.017, 12)
    return join([bar, mirrored_pair(box(0.12, 0.03, 0.07, 0.012).moved(x + 0.045, half - 0.03, z - 0.02))])


def _axle_x(bin_: TrashContainer) -> float:
    """Where the axle is."""
    return -bin_.depth_m / 2 * bin_.taper + 0.035


def _wheel(bin_: TrashContainer) -> Mesh:
    """The left tire."""
    radius = bin_.wheel_radius_m
    profile = [
        (0.0, -0.024),
        (radius * 0.62, -0.024),
        (radius * 0.9, -0.026),
        (radius, -0.015),
        (radius, 0.015),
        (radius * 0.9, 0.026),
        (radius * 0.62, 0.024),
        (0.0, 0.024),
    ]
    return turned_profile(profile, 32).turned("x", 90).moved(_axle_x(bin_), bin_.width_m * 0.42, radius)


def _hub(bin_: TrashContainer) -> Mesh:
    """The plastic disc of the left wheel."""
    radius = bin_.wheel_radius_m
    profile = [
        (0.0, 0.0),
        (radius * 0.6, 0.0),
        (radius * 0.55, 0.032),
        (radius * 0.22, 0.03),
        (radius * 0.2, 0.045),
        (0.0, 0.045),
    ]
    return turned_profile(profile, 24).turned("x", -90).moved(_axle_x(bin_), bin_.width_m * 0.42, radius)


def _axle(bin_: TrashContainer) -> Mesh:
    """The steel bar between the wheels."""
    half, x, z = bin_.width_m * 0.42, _axle_x(bin_), bin_.wheel_radius_m
    return tube([(x, -half, z), (x, 0, z), (x, half, z)], 0.013)


def _label(bin_: TrashContainer) -> Mesh:
    """A sticker high on the front."""
    z = _rim_m(bin_) * 0.66
    tilt = np.rad2deg(np.arctan((1 - bin_.taper) * bin_.depth_m / 2 / _rim_m(bin_)))
    return box(0.006, 0.17, 0.11, 0.001).turned("y", tilt).moved(_front_x(bin_, z) + 0.0115, 0, z)
