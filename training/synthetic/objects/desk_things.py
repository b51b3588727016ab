"""What lies within arm's reach: keyboards, laptops, balls, tins and other small things, totes full of goods."""

from __future__ import annotations

import numpy as np

from training.synthetic.objects.furniture import picture_mesh, screen, table, things_on
from training.synthetic.objects.mesh import Mesh, join
from training.synthetic.objects.part import BLACK_PLASTIC, STEEL, Material, Part, bounds_of
from training.synthetic.objects.shapes import box, ellipsoid, tube, turned_profile
from training.synthetic.rendering.patterns import box_mapped, palette, poster, random_color
from training.synthetic.rendering.surfaces import timber


def desk(rng: np.random.Generator) -> list[Part]:
    """A desk that is worked at: screens, a keyboard and a mouse or a laptop, small things and papers."""
    parts = table(rng)
    low, high = bounds_of(parts[:1])
    x, y, z = high[0] - low[0], high[1] - low[1], float(high[2])
    for number in range(int(rng.integers(0, 3))):
        at = (number - 0.5) * rng.uniform(0.5, 0.65) + rng.normal(0, 0.05)
        parts += [part.placed(yaw_deg=rng.normal(0, 12)).placed(x=at, y=0.25 * y, z=z) for part in screen(rng)]
    makers = (keyboard, laptop) if rng.random() < 0.8 else ()
    for maker in makers:
        if rng.random() < 0.6:
            across, ahead = rng.uniform(-0.25, 0.25) * x, -y * rng.uniform(0.05, 0.25)
            parts += [part.placed(yaw_deg=rng.normal(0, 15)).placed(x=across, y=ahead, z=z) for part in maker(rng)]
    return [*parts, *(part.placed(z=z) for part in small_things(rng, x * 0.85, y * 0.8)), *things_on(rng, x, y, z)]


def keyboard(rng: np.random.Generator) -> list[Part]:
    """A keyboard with its keys in rows, and a mouse beside it."""
    columns, pitch = int(rng.integers(14, 21)), 0.019
    wide, light = columns * pitch, rng.random() < 0.3
    tray = box(wide + 0.02, 5 * pitch + 0.02, 0.018, 0.004).moved(0, 0, 0.009)
    keys = [
        box(0.0155, 0.0155, 0.008).moved((column - (columns - 1) / 2) * pitch, (row - 2) * pitch, 0.021)
        for column in range(columns)
        for row in range(5)
    ]
    mouse = ellipsoid(0.03, 0.052, 0.018, 12).moved(wide / 2 + 0.07, 0, 0.018)
    case = Material((0.6, 0.6, 0.58), 0.6) if light else BLACK_PLASTIC
    return [Part("keyboard", join([tray, mouse]), case), Part("keys", join(keys), Material((0.09,) * 3, 0.7))]


def laptop(rng: np.random.Generator) -> list[Part]:
    """An open laptop with a dark or a bright screen."""
    x, y = rng.uniform(0.29, 0.38), rng.uniform(0.2, 0.26)
    lean = rng.uniform(5, 30)
    face = Material((0.02, 0.02, 0.022), 0.2) if rng.random() < 0.4 else Material(poster(rng), 0.4)
    lid = [box(x, 0.006, y).moved(0, 0, y / 2).turned("x", -lean).moved(0, y / 2, 0.016)]
    shown = picture_mesh(x - 0.02, y - 0.03).moved(0, -0.004, y / 2).turned("x", -lean).moved(0, y / 2, 0.016)
    case = Material(random_color(rng, light=(0.03, 0.6), vivid=0.1), 0.4)
    keys = box(x * 0.85, y * 0.4, 0.003).moved(0, y * 0.15, 0.018)
    return [
        Part("laptop", join([box(x, y, 0.017, 0.003).moved(0, 0, 0.0085), *lid]), case),
        Part("laptop_screen", shown, face),
        Part("laptop_keys", keys, BLACK_PLASTIC),
    ]


def small_things(rng: np.random.Generator, x: float, y: float) -> list[Part]:
    """Tins, balls, bowls, tools, tubes and packets on z = 0, some with prints, on a surface x by y metres."""
    plain: list[Mesh] = []
    parts: list[Part] = []
    for _ in range(int(rng.integers(2, 12))):
        mesh = _small(rng)
        mesh = mesh.turned("z", rng.uniform(0, 360)).moved(rng.uniform(-x, x) / 2, rng.uniform(-y, y) / 2)
        mesh = mesh.moved(0, 0, -float(mesh.vertices[:, 2].min()))
        if rng.random() < 0.4:
            parts.append(Part("printed", box_mapped(mesh, 0.12), Material(poster(rng, 64, 64), rng.uniform(0.25, 0.8))))
        else:
            plain.append(mesh)
    if plain:
        mesh, picture = palette(rng, plain, [random_color(rng, light=(0.03, 0.8), vivid=1.0) for _ in range(6)])
        parts.append(Part("small_things", mesh, Material(picture, float(rng.choice([0.25, 0.5, 0.8])))))
    return parts


def _small(rng: np.random.Generator) -> Mesh:
    """One thing of 3 to 25 cm about the origin."""
    kind, size = int(rng.integers(6)), rng.uniform(0.02, 0.05)
    if kind == 0:
        return ellipsoid(size, size, size * rng.uniform(0.7, 1.3), 14)
    if kind == 1:
        return turned_profile([(0, 0), (size, 0), (size, size * 3), (0, size * 3)], 20)
    if kind == 2:
        profile = [(0, 0), (size, 0), (2.2 * size, 1.6 * size), (2.1 * size, 1.6 * size), (size, 0.008), (0, 0.008)]
        return turned_profile(profile, 24)
    if kind == 3:
        return tube([(-0.11, 0, 0), (0, 0.01, 0), (0.11, 0, 0)], [0.012, 0.008, 0.014], 8)
    if kind == 4:
        return box(rng.uniform(0.04, 0.2), rng.uniform(0.04, 0.2), rng.uniform(0.02, 0.08), 0.004)
    return box(rng.uniform(0.05, 0.2), rng.uniform(0.03, 0.08), rng.uniform(0.1, 0.28), 0.003)


def tote(rng: np.random.Generator) -> list[Part]:
    """An open tote or carton on the floor, on a low table or a workbench, with goods heaped in it."""
    x, y, deep = rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.45), rng.uniform(0.1, 0.32)
    z, wall = float(rng.choice([0.0, rng.uniform(0.35, 0.9)])), 0.008
    sides = [box(x, wall, deep).moved(0, s * (y - wall) / 2, deep / 2) for s in (-1, 1)]
    sides += [box(wall, y, deep).moved(s * (x - wall) / 2, 0, deep / 2) for s in (-1, 1)]
    shell = join([box(x, y, wall).moved(0, 0, wall / 2), *sides]).moved(0, 0, z)
    parts = [Part("tote", box_mapped(shell, 0.5), Material(random_color(rng, light=(0.05, 0.6)), 0.6))]
    for layer in range(int(rng.integers(1, 4))):
        goods = small_things(rng, x * 0.6, y * 0.6)
        parts += [part.placed(z=z + wall + 0.06 * layer) for part in goods]
    if z > 0:
        bench, tile = timber(rng)
        parts.append(Part("bench_top", box_mapped(box(x + 0.5, y + 0.3, 0.04).moved(0, 0, z - 0.02), tile), bench))
        legs = [box(0.05, 0.05, z - 0.04).moved(s * (x / 2 + 0.2), 0, (z - 0.04) / 2) for s in (-1, 1)]
        parts.append(Part("bench_legs", join(legs), STEEL))
    return parts


def scattered(rng: np.random.Generator) -> list[Part]:
    """Small things that lie on the floor."""
    return small_things(rng, rng.uniform(0.3, 1.0), rng.uniform(0.3, 1.0))


def stairs(rng: np.random.Generator) -> list[Part]:
    """A flight of stairs that rises towards +y."""
    width, rise, tread = rng.uniform(0.8, 1.6), rng.uniform(0.15, 0.2), rng.uniform(0.24, 0.32)
    steps = [
        box(width, tread, rise * (number + 1)).moved(0, tread * number, rise * (number + 1) / 2)
        for number in range(int(rng.integers(3, 10)))
    ]
    material, tile = timber(rng)
    return [Part("stairs", box_mapped(join(steps), tile), material)]
