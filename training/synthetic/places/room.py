"""A room about a thing that is looked at: floor, walls, ceiling, windows, doors, pictures, furniture, lamps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.synthetic.objects.clutter import (
    barrel,
    board,
    carton_stack,
    crates,
    ladder,
    pallet_load,
    potted_plant,
    rug,
    tire_pile,
)
from training.synthetic.objects.furniture import bed, cabinet, chair, picture_mesh, shelf, sofa, table
from training.synthetic.objects.mesh import Mesh, join
from training.synthetic.objects.part import BLACK_PLASTIC, STEEL, Material, Part
from training.synthetic.objects.shapes import box, sheet, tube
from training.synthetic.places.kitchen import dining_set, kitchen_units, work_place
from training.synthetic.places.placement import Floor, Rectangle, on_wall, wall, wall_length_m
from training.synthetic.rendering.light import Lamp, Light, white_of
from training.synthetic.rendering.patterns import poster, random_color
from training.synthetic.rendering.surfaces import indoor_floor, indoor_wall, timber
from training.synthetic.rendering.textures import clouds

Maker = Callable[[np.random.Generator], list[Part]]
LIVING: tuple[Maker, ...] = (
    table,
    work_place,
    chair,
    chair,
    shelf,
    cabinet,
    kitchen_units,
    sofa,
    bed,
    potted_plant,
    carton_stack,
)
KITCHEN: tuple[Maker, ...] = (kitchen_units, kitchen_units, kitchen_units, dining_set, cabinet, shelf, chair)
GARAGE: tuple[Maker, ...] = (
    shelf,
    cabinet,
    carton_stack,
    crates,
    tire_pile,
    ladder,
    board,
    barrel,
    pallet_load,
    table,
    carton_stack,
)
SIDES = ("back", "left", "right", "front")


def room(rng: np.random.Generator, floor: Floor, *, garage: bool) -> tuple[list[Part], Light]:
    """A closed room over a floor, filled where the floor is free, and the light in it."""
    height = float(rng.uniform(2.3, 3.2))
    parts = _shell(rng, floor.area, height)
    lamps, fittings = _ceiling_lamps(rng, floor.area, height)
    for side in SIDES:
        decoration, window = _on_one_wall(rng, side, floor.area, height, garage=garage, windows=3 - len(lamps))
        parts += decoration
        lamps += window
    makers = GARAGE if garage else KITCHEN if rng.random() < 0.4 else LIVING
    for side in SIDES:
        for _ in range(max(1, round(wall_length_m(side, floor.area) / rng.uniform(1.0, 2.6)))):
            parts += floor.put(rng, makers[int(rng.integers(len(makers)))](rng), against=side)
    for _ in range(int(rng.integers(0, 5))):
        parts += floor.put(rng, makers[int(rng.integers(len(makers)))](rng))
    if not garage and rng.random() < 0.4:
        parts += [part.placed(x=rng.uniform(-0.8, 0.8), y=rng.uniform(-0.8, 0.3)) for part in rug(rng)]
    return parts + fittings, Light(lamps=tuple(lamps))


def _shell(rng: np.random.Generator, area: Rectangle, height: float) -> list[Part]:
    """Floor and walls, one wall at times covered differently, skirting boards."""
    ground, tile = indoor_floor(rng)
    covering = indoor_wall(rng)
    other = indoor_wall(rng) if rng.random() < 0.3 else covering
    x0, y0, x1, y1 = area
    turn = float(rng.choice([0, 0, 0, 45, 90]))
    size = float(np.hypot(x1 - x0, y1 - y0)) + 0.5
    mesh = sheet(size, size, tile).turned("z", turn).moved((x0 + x1) / 2, (y0 + y1) / 2, 0)
    walls = [wall(f"wall_{side}", side, area, height, *(other if side == "back" else covering)) for side in SIDES]
    trim = Material(random_color(rng, light=(0.1, 0.75), vivid=0.2), 0.8)
    skirting = (
        [
            on_wall([Part("skirting", box(wall_length_m(side, area), 0.03, 0.1), trim)], side, area, 0, 0.05)
            for side in SIDES
        ]
        if rng.random() < 0.7
        else []
    )
    return [Part("floor", mesh, ground), *walls, *(part for parts in skirting for part in parts)]


def _ceiling_lamps(rng: np.random.Generator, area: Rectangle, height: float) -> tuple[list[Lamp], list[Part]]:
    """The ceiling, which glows a little in place of light that bounced often, and one to three lamps below it."""
    x0, y0, x1, y1 = area
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    white = white_of(rng)
    glow = _rgb(rng.uniform(0.12, 0.5) * white * np.array([0.95, 0.98, 1.0]))
    ceiling = Lamp((*middle, height), ((x1 - x0) / 2, 0, 0), (0, -(y1 - y0) / 2, 0), glow)
    count = int(rng.integers(1, 3))
    long = rng.random() < 0.5
    half_x, half_y = (0.6, 0.08) if long else (rng.uniform(0.1, 0.35),) * 2
    strength = rng.uniform(2.0, 7.0) / (count * 4 * half_x * half_y)
    lamps, cases = [ceiling], []
    for number in range(count):
        x = x0 + (x1 - x0) * (number + rng.uniform(0.3, 0.7)) / count
        y = y0 + (y1 - y0) * rng.uniform(0.25, 0.75)
        z = height - rng.uniform(0.06, 0.5)
        lamps.append(Lamp((x, y, z), (half_x, 0, 0), (0, -half_y, 0), _rgb(strength * white)))
        cases.append(box(2 * half_x + 0.02, 2 * half_y + 0.02, 0.03).moved(x, y, z + 0.017))
        cases.append(tube([(x, y, z), (x, y, (z + height) / 2), (x, y, height)], 0.01))
    return lamps, [Part("lamp_cases", join(cases), Material((0.6, 0.6, 0.6), 0.8))]


def _rgb(color: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in color)
    return red, green, blue


def _on_one_wall(
    rng: np.random.Generator, side: str, area: Rectangle, height: float, *, garage: bool, windows: int
) -> tuple[list[Part], list[Lamp]]:
    """Windows with daylight, doors, pictures, radiators and the like, next to each other on one wall."""
    parts: list[Part] = []
    lamps: list[Lamp] = []
    at = -wall_length_m(side, area) / 2 + rng.uniform(0.2, 1.0)
    while at < wall_length_m(side, area) / 2 - 1.2:
        kind = rng.random()
        if kind < 0.25 and len(lamps) < windows:
            x, z = rng.uniform(0.7, 1.8), rng.uniform(0.8, min(1.5, height - 1.0))
            x = min(x, wall_length_m(side, area) / 2 - at)
            bottom = rng.uniform(0.75, 1.0)
            frame, lamp = _window(rng, x, z)
            parts += on_wall(frame, side, area, at + x / 2, bottom + z / 2)
            lamps.append(_lamp_on_wall(lamp, side, area, at + x / 2, bottom + z / 2))
        elif kind < 0.4:
            x, z = rng.uniform(0.75, 0.95), rng.uniform(1.95, 2.1)
            parts += on_wall(_door(rng, x, z), side, area, at + x / 2, 0.0)
        elif kind < (0.6 if garage else 0.85):
            x, z = rng.uniform(0.25, 1.1), rng.uniform(0.25, 0.9)
            parts += on_wall(_picture(rng, x, z), side, area, at + x / 2, rng.uniform(1.2, 1.7))
        else:
            x = rng.uniform(0.1, 0.6)
            sizes = [
                box(rng.uniform(0.05, x), 0.04, rng.uniform(0.05, 0.4)).moved(0, -0.02, z) for z in (0.3, 1.15, 1.6)
            ]
            case = Part("wall_boxes", join(sizes), Material(random_color(rng, light=(0.3, 0.75), vivid=0.2), 0.8))
            parts += on_wall([case], side, area, at + x / 2, 0.0)
        at += x + rng.uniform(0.1, 1.2)
    return parts, lamps


def _window(rng: np.random.Generator, x: float, z: float) -> tuple[list[Part], Lamp]:
    """A window that shows something bright and blurred, about the origin in the plane y = 0; with curtains at times."""
    bars = [box(x, 0.08, 0.06).moved(0, -0.02, s * z / 2) for s in (-1, 1)]
    bars += [box(0.06, 0.08, z).moved(s * x / 2, -0.02, 0) for s in (-1, 1)]
    bars += [box(0.05, 0.05, z).moved(0, -0.02, 0)] if rng.random() < 0.6 else []
    parts = [Part("window_frame", join(bars), timber(rng)[0])]
    rows = np.linspace(1, 0, 32)[:, None]
    trees = np.clip(0.8 * clouds(rng, (32, 32), 1.5) + 4 * (rows - rng.uniform(0.2, 0.6)), 0, 1)[..., None]
    bright = rng.uniform(1.0, 5.0)
    outside = bright * ((1 - trees) * np.array([0.75, 0.88, 1.0]) + trees * np.array([0.12, 0.18, 0.08]))
    half = (x / 2, 0.0, 0.0), (0.0, 0.0, z / 2)
    if rng.random() < 0.4:
        cloth = Material(random_color(rng, light=(0.2, 0.75)), 0.9)
        fold = np.array([(0, -0.12, -z / 2 - 0.5), (0, -0.12, 0), (0, -0.12, z / 2)])
        places = [s * x / 2 + at for s in (-1, 1) for at in np.arange(-0.15, 0.2, 0.07)]
        folds = [tube(fold + np.array([place, 0, 0]), 0.045, 8) for place in places]
        parts.append(Part("curtains", join(folds), cloth))
    return parts, Lamp((0.0, -0.01, 0.0), *half, outside.astype(np.float32)[::-1])


def _lamp_on_wall(lamp: Lamp, side: str, area: Rectangle, along_m: float, z: float) -> Lamp:
    """A lamp about the origin that shines along -y, hung like `on_wall`."""
    center = np.array(lamp.center_m)
    points = np.stack([center, center + lamp.x_half_m, center + lamp.y_half_m])
    flat = Mesh(points, np.array([[0, 1, 2]]), np.zeros((3, 2)))
    center, x_end, y_end = on_wall([Part("lamp", flat, STEEL)], side, area, along_m, z)[0].mesh.vertices
    return Lamp(_rgb(center), _rgb(x_end - center), _rgb(y_end - center), lamp.radiance)


def _door(rng: np.random.Generator, x: float, z: float) -> list[Part]:
    """A door with its frame and handle, its foot at z = 0."""
    frame = [box(0.08, 0.1, z).moved(s * x / 2, 0, z / 2) for s in (-1, 1)] + [box(x + 0.16, 0.1, 0.08).moved(0, 0, z)]
    panels = (
        [box(x * 0.7, 0.02, z * 0.36, 0.008).moved(0, -0.03, z * at) for at in (0.26, 0.7)]
        if rng.random() < 0.5
        else []
    )
    leaf = timber(rng)[0]
    return [
        Part("door", join([box(x, 0.05, z).moved(0, 0, z / 2), *panels]), leaf),
        Part("door_frame", join(frame), leaf if rng.random() < 0.5 else timber(rng)[0]),
        Part("door_handle", box(0.13, 0.04, 0.025).moved(x * 0.38, -0.06, 1.03), STEEL),
    ]


def _picture(rng: np.random.Generator, x: float, z: float) -> list[Part]:
    """A picture with or without a frame, or a dark screen."""
    face = Material((0.02, 0.02, 0.022), 0.15) if rng.random() < 0.15 else Material(poster(rng), 0.8)
    parts = [Part("picture", picture_mesh(x, z).moved(0, -0.026, 0), face)]
    if rng.random() < 0.7:
        frame = box(x + 0.06, 0.025, z + 0.06).moved(0, -0.0125, 0)
        parts.append(Part("picture_frame", frame, timber(rng)[0] if rng.random() < 0.6 else BLACK_PLASTIC))
    return parts
