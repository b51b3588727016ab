"""Trash containers other than the wheeled bin: four wheels, street containers, skips, litter bins, bottle banks.

All stand on z = 0 about the origin and look along +x.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.synthetic.objects.mesh import Floats, Mesh, join
from training.synthetic.objects.part import BLACK_PLASTIC, RUBBER, STEEL, Color, Material, Part
from training.synthetic.objects.shapes import at_height, box, ellipsoid, loft, rounded_rectangle, tube, turned_profile
from training.synthetic.objects.trash_container import COLORS, random_trash_container, trash_container_parts
from training.synthetic.rendering.patterns import box_mapped, palette, poster, random_color
from training.synthetic.rendering.textures import plaster

STREET_COLORS: tuple[Color, ...] = (
    (0.045, 0.047, 0.05),
    (0.09, 0.095, 0.10),
    (0.16, 0.165, 0.17),
    (0.02, 0.09, 0.05),
    (0.03, 0.16, 0.10),
    (0.22, 0.03, 0.06),
    (0.28, 0.26, 0.22),
    (0.03, 0.06, 0.16),
    (0.35, 0.36, 0.36),
)


def random_container(rng: np.random.Generator) -> list[Part]:
    """Some trash container, most often a wheeled bin."""
    makers: tuple[Callable[[np.random.Generator], list[Part]], ...] = (
        lambda rng: trash_container_parts(random_trash_container(rng)),
        four_wheeled,
        street_container,
        skip,
        litter_bin,
        bottle_bank,
    )
    return makers[int(rng.choice(6, p=[0.38, 0.17, 0.23, 0.09, 0.08, 0.05]))](rng)


def four_wheeled(rng: np.random.Generator) -> list[Part]:
    """A container of 660 to 1100 liters: tapered tub with ribs, a flat or domed lid, trunnions, four castors."""
    width, depth, height = 1.26 * rng.uniform(0.95, 1.08), rng.uniform(0.72, 1.05), rng.uniform(1.12, 1.35)
    rim, foot = height * 0.86, 0.2
    shrink = rng.uniform(0.82, 0.94)
    levels = [
        at_height(rounded_rectangle(depth * size, width * size, 0.06, 6), z)
        for size, z in zip(np.linspace(shrink, 1, 5), np.linspace(foot, rim, 5), strict=True)
    ]
    edge = box(depth + 0.07, width + 0.07, 0.06, 0.015, corner=0.06).moved(0, 0, rim)
    ribs = [
        box(0.03, 0.05, (rim - foot) * 0.8, 0.008).turned("y", 4).moved(depth * 0.465, y, (rim + foot) / 2)
        for y in np.linspace(-width * 0.38, width * 0.38, int(rng.integers(2, 6)))
    ]
    dome = rng.uniform(0.04, 0.25)
    lid = [
        at_height(
            rounded_rectangle(depth + 0.08 - 1.2 * t * t * depth * 0.4, width + 0.08 - 0.05 * t, 0.05, 6),
            rim + 0.035 + dome * t,
        )
        for t in np.linspace(0, 1, 6)
    ]
    pin = turned_profile([(0, 0), (0.03, 0), (0.03, 0.1), (0, 0.1)], 16)
    pins = [pin.turned("x", -90 * side).moved(0, side * width / 2, rim) for side in (-1, 1)]
    wheel = turned_profile([(0, -0.02), (0.08, -0.025), (0.1, -0.015), (0.1, 0.015), (0.08, 0.025), (0, 0.02)], 24)
    places = [(sx * depth * 0.33, sy * width * 0.36) for sx in (-1, 1) for sy in (-1, 1)]
    castors = join([wheel.turned("x", 90).turned("z", rng.uniform(0, 180)).moved(x, y, 0.1) for x, y in places])
    forks = join([box(0.07, 0.07, 0.1).moved(x, y, 0.17) for x, y in places])
    body, other = _color(rng, COLORS), _color(rng, COLORS)
    return [
        Part("container_body", join([loft(np.stack(levels)), edge, *ribs]), Material(body, 0.4)),
        Part("container_lid", loft(np.stack(lid)), Material(body if rng.random() < 0.6 else other, 0.4)),
        Part("container_pins", join([*pins, forks]), STEEL),
        Part("container_castors", castors, RUBBER),
        *_stickers(rng, depth * 0.48, width, rim),
    ]


def street_container(rng: np.random.Generator) -> list[Part]:
    """The part above ground of an underground container: steel with slanted edges, an opening, a plate around it."""
    width, depth, height = rng.uniform(0.8, 1.4), rng.uniform(0.7, 1.1), rng.uniform(1.05, 1.5)
    back = rng.uniform(0.55, 1.0) * height
    slant, lean = rng.uniform(0.05, 0.35) * depth, rng.uniform(-0.06, 0.1)
    outline = np.array(
        [
            (-depth / 2 + lean, 0),
            (depth / 2 - lean, 0),
            (depth / 2, height * rng.uniform(0.6, 0.8)),
            (depth / 2 - slant, height),
            (-depth / 2 + slant * rng.uniform(0, 1.5), height),
            (-depth / 2, back),
        ]
    )
    painted = Material(_color(rng, STREET_COLORS), float(rng.choice([0.35, 0.8, 0.8])))
    parts = [Part("container_body", _prism(outline, width, rng.uniform(0, 0.08)), painted)]
    if rng.random() < 0.6:  # a drum to throw bags into, in a dark recess
        z, x = height * 0.72, depth / 2 - 0.12
        drum = turned_profile([(0, 0), (0.19, 0), (0.19, width * 0.62), (0, width * 0.62)], 40)
        drum = drum.turned("x", 90).moved(x, width * 0.31, z)
        hole = box(0.06, width * 0.68, 0.42).moved(depth / 2 - 0.02, 0, z)
        parts.append(Part("container_hole", hole, BLACK_PLASTIC))
        parts.append(Part("container_drum", drum, STEEL if rng.random() < 0.6 else painted))
        parts.append(Part("container_slot", box(0.06, width * 0.5, 0.05, 0.02).moved(depth / 2 + 0.07, 0, z), STEEL))
    elif rng.random() < 0.6:
        hole = turned_profile([(0, 0), (0.12, 0), (0.14, 0.03), (0.10, 0.04), (0, 0.04)], 28).turned("y", 90)
        parts.append(Part("container_hole", hole.moved(depth / 2 - 0.02, 0, height * 0.66), BLACK_PLASTIC))
    seams = [
        box(0.006, 0.012, height * 0.5).moved(depth / 2 - lean / 2 + 0.003, s * width * 0.38, height * 0.3)
        for s in (-1, 1)
    ]
    parts.append(Part("container_seams", join(seams), BLACK_PLASTIC))
    if rng.random() < 0.6:
        pin = turned_profile([(0, 0), (0.05, 0), (0.05, 0.1), (0.14, 0.1), (0.14, 0.13), (0, 0.15)], 24)
        parts.append(Part("container_pin", pin.moved(0, 0, height), STEEL if rng.random() < 0.5 else painted))
    plate = box(depth + 0.6, width + 0.5, 0.012).moved(0, 0, 0.006)
    steel = Material(plaster(rng, random_color(rng, light=(0.2, 0.4), vivid=0.1), 256), 0.55)
    return [
        *parts,
        Part("container_plate", box_mapped(plate, 0.5), steel),
        *_stickers(rng, depth / 2, width, height * 0.55),
    ]


def skip(rng: np.random.Generator) -> list[Part]:
    """An open steel skip with slanted ends, ribs, a rim, and rubble in it or nothing."""
    length, width, height = rng.uniform(2.0, 3.6), rng.uniform(1.3, 1.8), rng.uniform(0.9, 1.5)
    low = length * rng.uniform(0.5, 0.75)
    outline = np.array(
        [
            (-low / 2, 0.05),
            (low / 2, 0.05),
            (length / 2, height * 0.62),
            (length / 2, height),
            (-length / 2, height),
            (-length / 2, height * 0.62),
        ]
    )
    outer = _shell_of(outline, width)
    inner = _shell_of(outline * [0.97, 1] + [0, 0.03], width - 0.08).flipped()
    bars = [box(length + 0.06, 0.07, 0.08).moved(0, s * width / 2, height) for s in (-1, 1)]
    bars += [box(0.07, width + 0.06, 0.08).moved(s * length / 2, 0, height) for s in (-1, 1)]
    bars += [
        box(0.08, 0.05, height - 0.1).moved(x, s * width / 2, height / 2)
        for s in (-1, 1)
        for x in np.linspace(-low / 2.3, low / 2.3, int(rng.integers(2, 5)))
    ]
    paint = Material(plaster(rng, random_color(rng, light=(0.08, 0.6), vivid=1.0), 256), 0.8)
    parts = [Part("skip", box_mapped(join([outer, inner, *bars]), 2.0), paint)]
    rubble: list[Mesh] = []
    for _ in range(int(rng.integers(0, 40))):
        mesh = box(*rng.uniform(0.1, 0.5, 3)).turned("x", rng.uniform(0, 180)).turned("z", rng.uniform(0, 180))
        x, y = rng.uniform(-0.4, 0.4, 2) * [length, width * 0.8]
        rubble.append(mesh.moved(x, y, height * rng.uniform(0.6, 1.0)))
    if rubble:
        mesh, picture = palette(rng, rubble, [random_color(rng, light=(0.1, 0.6), vivid=0.6) for _ in range(6)])
        parts.append(Part("rubble", mesh, Material(picture, 0.9)))
    yaw = rng.choice([0.0, 90.0])
    return [part.placed(yaw_deg=yaw) for part in parts]


def litter_bin(rng: np.random.Generator) -> list[Part]:
    """A litter bin of a street or park: round or square, open or hooded, on the ground or on a post."""
    radius, height = rng.uniform(0.18, 0.32), rng.uniform(0.6, 1.0)
    lift = float(rng.choice([0.0, 0.0, rng.uniform(0.2, 0.4)]))
    paint = Material(_color(rng, STREET_COLORS + COLORS), 0.45)
    if rng.random() < 0.6:
        body = turned_profile(
            [
                (0, lift),
                (radius * 0.9, lift),
                (radius, lift + height),
                (radius - 0.02, lift + height),
                (radius * 0.88, lift + 0.1),
                (0, lift + 0.1),
            ],
            36,
        )
        hood = ellipsoid(radius * 1.02, radius * 1.02, 0.16, 24)
    else:
        body = box(1.7 * radius, 1.9 * radius, height, 0.02).moved(0, 0, lift + height / 2)
        hood = box(1.8 * radius, 2.0 * radius, 0.06, 0.02)
    parts = [Part("litter_bin", body, paint)]
    if lift == 0 or rng.random() < 0.6:  # an open one on the ground could be any bucket
        rods = [
            tube([(0, y, lift + height - 0.05), (0, y, lift + height + 0.2)], 0.015)
            for y in (-radius * 0.8, radius * 0.8)
        ]
        parts.append(Part("litter_hood", join([hood.moved(0, 0, lift + height + 0.22), *rods]), paint))
    if lift > 0:
        parts.append(Part("litter_post", tube([(0, 0, 0), (0, 0, lift + 0.05)], 0.045), STEEL))
    return [*parts, *_stickers(rng, radius * 0.9, radius, lift + height * 0.8)]


def bottle_bank(rng: np.random.Generator) -> list[Part]:
    """A bottle bank: a big plastic bell with round holes."""
    radius, height = rng.uniform(0.6, 0.8), rng.uniform(1.3, 1.8)
    profile = [
        (0, 0),
        (radius * 0.92, 0),
        (radius, 0.2),
        (radius * 0.98, height * 0.6),
        (radius * 0.8, height * 0.85),
        (radius * 0.35, height),
        (0, height),
    ]
    holes = [
        ellipsoid(0.1, 0.1, 0.1, 16).moved(radius * 0.93, 0, height * 0.66).turned("z", angle) for angle in (-30, 0, 30)
    ]
    ring = tube([(0, 0, height - 0.02), (0, 0, height + 0.12)], 0.05)
    color = _color(rng, ((0.03, 0.2, 0.08), (0.03, 0.1, 0.3), (0.45, 0.35, 0.03), (0.4, 0.4, 0.38)))
    return [
        Part("bank", turned_profile(profile, int(rng.choice([6, 8, 40]))), Material(color, 0.5)),
        Part("bank_holes", join(holes), BLACK_PLASTIC),
        Part("bank_ring", ring, STEEL),
        *_stickers(rng, radius * 0.97, radius, height * 0.5),
    ]


def _color(rng: np.random.Generator, colors: tuple[Color, ...]) -> Color:
    red, green, blue = (
        np.array(colors[int(rng.integers(len(colors)))]) * rng.uniform(0.8, 1.4) * rng.uniform(0.9, 1.1, 3)
    )
    return float(red), float(green), float(blue)


def _stickers(rng: np.random.Generator, x: float, width: float, z: float) -> list[Part]:
    """One printed label or none on the front, below a height."""
    if rng.random() < 0.4:
        return []
    y_size, z_size = rng.uniform(0.12, 0.35) * width, rng.uniform(0.1, 0.3) * z
    mesh = box(0.05, y_size, z_size).moved(x, rng.uniform(-0.2, 0.2) * width, z * rng.uniform(0.6, 0.9))
    low, high = mesh.bounds()
    uv = (mesh.vertices[:, 1:] - low[1:]) / (high - low)[1:] * [1, -1]
    return [Part("sticker", Mesh(mesh.vertices, mesh.faces, uv), Material(poster(rng), 0.5))]


def _prism(outline: Floats, width: float, chamfer: float) -> Mesh:
    """An (x, z) outline drawn out along y, its upright edges cut by `chamfer` (as a share)."""
    middle = outline.mean(axis=0)
    levels = []
    for y, size in ((-0.5, 1 - chamfer), (-0.5 + chamfer / 2, 1.0), (0.5 - chamfer / 2, 1.0), (0.5, 1 - chamfer)):
        x = (outline[:, 0] - middle[0]) * size + middle[0]
        levels.append(np.stack([x, np.full(len(outline), y * width), outline[:, 1]], -1))
    return loft(np.stack(levels if chamfer > 0 else levels[1:3]))


def _shell_of(outline: Floats, width: float) -> Mesh:
    """An (x, z) outline drawn out along y, open at the top, where the outline's 4th and 5th points are."""
    mesh = _prism(outline, width, 0.0)
    normals = mesh.face_normals()
    top = (normals[:, 2] > 0.99 * np.linalg.norm(normals, axis=1)) & (
        mesh.corners()[..., 2].min(axis=1) > 0.5 * outline[:, 1].max()
    )
    return Mesh(mesh.vertices, mesh.faces[~top], mesh.uv)
