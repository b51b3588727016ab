"""A street, yard or open place about a thing that is looked at: ground, walls and fences, houses far off, clutter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.synthetic.objects.clutter import (
    barrel,
    bench,
    board,
    carton_stack,
    crates,
    hedge,
    pallet_load,
    posts,
    potted_plant,
    steel_rack,
    tire_pile,
    tree,
)
from training.synthetic.objects.mesh import Mesh, join
from training.synthetic.objects.part import STEEL, Material, Part
from training.synthetic.objects.shapes import box, sheet, tube
from training.synthetic.places.placement import Floor, Rectangle, on_wall, wall, wall_length_m
from training.synthetic.places.surroundings import WINDOW_GLASS
from training.synthetic.rendering.light import Light, daylight
from training.synthetic.rendering.patterns import PIXELS, box_mapped, random_color, shaded
from training.synthetic.rendering.surfaces import outdoor_ground, outdoor_wall, timber
from training.synthetic.rendering.textures import clouds

Maker = Callable[[np.random.Generator], list[Part]]
AGAINST: tuple[Maker, ...] = (
    carton_stack,
    crates,
    potted_plant,
    barrel,
    pallet_load,
    bench,
    hedge,
    tire_pile,
    board,
    posts,
)
STANDING: tuple[Maker, ...] = (posts, potted_plant, barrel, steel_rack, tree, hedge, bench, carton_stack, crates)


def outdoors(rng: np.random.Generator, floor: Floor) -> tuple[list[Part], Light]:
    """Surroundings under the sky over a floor, filled where the floor is free, and the daylight."""
    parts = _ground(rng, floor.area)
    closed = [
        side
        for side, likely in (("back", 0.75), ("left", 0.3), ("right", 0.3), ("front", 0.1))
        if rng.random() < likely
    ]
    for side in closed:
        parts += _boundary(rng, side, floor.area)
        for _ in range(int(rng.integers(0, 5))):
            parts += floor.put(rng, AGAINST[int(rng.integers(len(AGAINST)))](rng), against=side)
    for _ in range(int(rng.integers(0, 7))):
        parts += floor.put(rng, STANDING[int(rng.integers(len(STANDING)))](rng))
    return parts + _far(rng, floor.area), daylight(rng)


def _ground(rng: np.random.Generator, area: Rectangle) -> list[Part]:
    """One covering or two that meet at a curb before or behind the middle, and painted lines at times."""
    material, tile = outdoor_ground(rng)
    turn = float(rng.choice([0, 0, 90, 45, rng.uniform(0, 90)]))
    parts = [Part("ground", sheet(280, 280, tile).turned("z", turn), material)]
    if rng.random() < 0.6:
        other, other_tile = outdoor_ground(rng)
        edge = rng.uniform(area[1], area[3])
        strip = sheet(280, 140, other_tile).moved(0, edge + 70, 0.004)
        stones = [box(0.98, 0.12, 0.03, 0.008).moved(x, edge, 0) for x in np.arange(-12, 12, 1.0)]
        curb = Material(random_color(rng, light=(0.2, 0.5), vivid=0.15), 0.9)
        parts += [Part("strip", strip, other), Part("curb", join(stones), curb)]
    if rng.random() < 0.35:
        lines = [sheet(0.1, 5.0).moved(x, -1, 0.008) for x in np.arange(-7.5, 8, 2.5) + rng.uniform(-1, 1)]
        parts.append(Part("lines", join(lines), Material((0.6, 0.6, 0.57), 0.9)))
    return parts


def _boundary(rng: np.random.Generator, side: str, area: Rectangle) -> list[Part]:
    """A house wall with windows and a door, a lower wall, or a fence on one side."""
    length = wall_length_m(side, area)
    if rng.random() < 0.35:
        return _fence(rng, side, area, length)
    house = rng.random() < 0.65
    height = rng.uniform(4.0, 6.5) if house else rng.uniform(0.8, 2.4)
    parts = [wall("house", side, area, height, *outdoor_wall(rng))]
    top = box(length + 0.2, 0.3, 0.06).moved(0, 0.08, height + 0.03)
    parts += on_wall([Part("coping", top, Material((0.3, 0.29, 0.27), 0.9))], side, area, 0.0, 0.0)
    if not house:
        return parts
    at = -length / 2 + rng.uniform(0.3, 1.5)
    while at < length / 2 - 1.8:
        x = rng.uniform(0.8, 1.8)
        door = rng.random() < 0.25
        parts += on_wall(_opening(rng, 1.0 if door else x, door), side, area, at + x / 2, 0.0)
        at += x + rng.uniform(0.4, 2.0)
    pipe = tube([(0, -0.06, 0), (0, -0.06, 2), (0, -0.06, height)], 0.045, 12)
    return parts + on_wall([Part("pipe", pipe, STEEL)], side, area, rng.uniform(-length, length) / 2.2, 0.0)


def _opening(rng: np.random.Generator, x: float, door: bool) -> list[Part]:
    """A window or door that looks along -y from y = 0."""
    low, z = (0.0, 2.05) if door else (rng.uniform(0.8, 1.2), rng.uniform(0.9, 1.5))
    frame = [box(x + 0.08, 0.07, 0.07).moved(0, 0, low + s * z) for s in (0, 1)]
    frame += [box(0.07, 0.07, z).moved(s * x / 2, 0, low + z / 2) for s in (-1, 0, 1)[:: 2 if door else 1]]
    leaf = box(x, 0.03, z).moved(0, 0, low + z / 2)
    material, tile = timber(rng)
    return [
        Part("opening_frame", join(frame), material),
        Part("opening", box_mapped(leaf, tile), timber(rng)[0] if door else WINDOW_GLASS),
    ]


def _fence(rng: np.random.Generator, side: str, area: Rectangle, length: float) -> list[Part]:
    """Boards with gaps, or a railing."""
    height, step = rng.uniform(0.8, 2.0), rng.choice([0.13, 0.105])
    width = 0.1 if rng.random() < 0.6 else 0.03
    pales = [box(width, 0.02, height).moved(x, 0, height / 2 + 0.05) for x in np.arange(-length / 2, length / 2, step)]
    rails = [box(length, 0.05, 0.08).moved(0, 0.035, z) for z in (0.25, height - 0.15)]
    uprights = [box(0.1, 0.1, height + 0.1).moved(x, 0.09, height / 2) for x in np.arange(-length / 2, length / 2, 2.0)]
    material, tile = timber(rng)
    mesh = box_mapped(join([*pales, *rails, *uprights]), tile, upright=True)
    return on_wall([Part("fence", mesh, material)], side, area, 0.0, 0.0)


def _far(rng: np.random.Generator, area: Rectangle) -> list[Part]:
    """Houses and trees beyond the floor, on all sides, so that the horizon is closed here and there."""
    parts: list[Part] = []
    middle, reach = (
        np.array([(area[0] + area[2]) / 2, (area[1] + area[3]) / 2]),
        np.hypot(*np.subtract(area[2:], area[:2])),
    )
    for angle in np.arange(0, 360, 45) + rng.uniform(0, 45):
        away = reach / 2 + rng.uniform(3, 14)
        x, y = middle + away * np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
        if rng.random() < 0.6:
            height = rng.uniform(3, 9)
            mesh = box_mapped(box(0.5, rng.uniform(6, 14), height).turned("z", angle).moved(x, y, height / 2), 6.0)
            flipped = Mesh(mesh.vertices, mesh.faces, mesh.uv[:, ::-1])
            parts.append(Part("far_house", mesh if rng.random() < 0.5 else flipped, Material(_facade(rng), 0.9)))
        elif rng.random() < 0.7:
            parts += [part.placed(x=x, y=y) for part in tree(rng)]
    return parts


def _facade(rng: np.random.Generator) -> np.ndarray:
    """A house front seen from afar: rows of windows, meant for a tile of 6 m, (512, 512, 3)."""
    at = np.mod(np.arange(PIXELS) * 2 / PIXELS, 1.0)
    hole = (np.abs(at - 0.5) < 0.2)[:, None] & (np.abs(at - 0.5) < 0.22)[None]
    color = random_color(rng, light=(0.2, 0.7), vivid=0.5)
    brightness = np.where(hole, rng.uniform(0.1, 0.3), 1 + 0.06 * clouds(rng, (PIXELS, PIXELS), 1.2))
    return shaded(brightness, color)
