"""Groups of furniture as rooms hold them: kitchen units along a wall, tables with chairs about them, work places."""

from __future__ import annotations

import numpy as np

from training.synthetic.objects.furniture import chair, table, things_on
from training.synthetic.objects.mesh import Mesh, join
from training.synthetic.objects.part import BLACK_PLASTIC, STEEL, Material, Part, bounds_of
from training.synthetic.objects.shapes import box, tube
from training.synthetic.rendering.patterns import box_mapped, random_color
from training.synthetic.rendering.surfaces import timber
from training.synthetic.rendering.textures import clouds

PLINTH_M = 0.1


def kitchen_units(rng: np.random.Generator) -> list[Part]:
    """Base units with a worktop and things on it, at times wall units above, appliances, a tall fridge; back at +y."""
    units, width, depth = int(rng.integers(2, 7)), rng.uniform(0.45, 0.62), rng.uniform(0.55, 0.65)
    height = rng.uniform(0.82, 0.92)
    x = units * width
    face, tile = _front(rng)
    worktop = _worktop(rng)
    fronts: list[Mesh] = []
    handles: list[Mesh] = []
    appliances: list[Mesh] = []
    for unit in range(units):
        at = -x / 2 + (unit + 0.5) * width
        if rng.random() < 0.15:
            appliances.append(
                box(width - 0.01, 0.02, height - 0.16).moved(at, -depth / 2 - 0.01, 0.12 + height / 2 - 0.08)
            )
        else:
            fronts += _doors(rng, at, -depth / 2 - 0.01, PLINTH_M, height, width, handles)
    body = [box(x, depth, height - PLINTH_M).moved(0, 0, (height + PLINTH_M) / 2)]
    body.append(box(x, depth - 0.08, PLINTH_M).moved(0, 0.04, PLINTH_M / 2))
    top = box(x + 0.02, depth + 0.04, 0.04).moved(0, -0.02, height + 0.02)
    above: list[Mesh] = []
    if rng.random() < 0.6:
        low, high, flat = rng.uniform(1.35, 1.5), rng.uniform(1.95, 2.25), 0.34
        for unit in range(units):
            if rng.random() < 0.8:
                at = -x / 2 + (unit + 0.5) * width
                above.append(box(width, flat, high - low).moved(at, (depth - flat) / 2, (low + high) / 2))
                fronts += _doors(rng, at, depth / 2 - flat - 0.01, low, high, width, handles)
    parts = [
        Part("units", box_mapped(join([*body, *above]), 1.0), Material(random_color(rng, light=(0.2, 0.8), vivid=0.2))),
        Part("worktop", box_mapped(top, 0.8), worktop),
        *things_on(rng, x * 0.9, depth * 0.7, height + 0.04),
        *things_on(rng, x * 0.9, depth * 0.7, height + 0.04),
    ]
    if fronts:
        parts += [Part("unit_fronts", box_mapped(join(fronts), tile, upright=True), face)]
    if handles:
        parts += [Part("unit_handles", join(handles), STEEL if rng.random() < 0.7 else BLACK_PLASTIC)]
    if appliances:
        parts += [Part("appliances", join(appliances), STEEL if rng.random() < 0.4 else Material((0.03,) * 3, 0.15))]
    if rng.random() < 0.5:
        parts.append(Part("tap", _tap(rng, x, depth, height + 0.04), STEEL))
    return parts + (_fridge(rng, x / 2, depth) if rng.random() < 0.25 else [])


def dining_set(rng: np.random.Generator) -> list[Part]:
    """A table and chairs of one kind at its sides, pushed in or pulled out, each a little askew."""
    parts = [part.placed(yaw_deg=float(rng.choice([0.0, 90.0]))) for part in table(rng)]
    low, high = bounds_of([part for part in parts if part.name.startswith("table")])
    seat = chair(rng)
    for side, (outwards_x, outwards_y, yaw) in enumerate([(0, 1, 0.0), (0, -1, 180.0), (1, 0, -90.0), (-1, 0, 90.0)]):
        along = 0 if outwards_y else 1
        count = max(1, int((high[along] - low[along]) // 0.62))
        for place in range(count):
            if rng.random() < 0.35:
                continue
            slide = low[along] + (high[along] - low[along]) * (place + 0.5) / count + rng.normal(0, 0.05)
            edge = (high if side in (0, 2) else low)[1 - along] + rng.uniform(0.02, 0.45) * (outwards_x + outwards_y)
            x, y = (slide, edge) if along == 0 else (edge, slide)
            parts += [part.placed(yaw_deg=yaw + rng.normal(0, 12)).placed(x=x, y=y) for part in seat]
    return parts


def work_place(rng: np.random.Generator) -> list[Part]:
    """A desk with a chair before it, turned anywhere."""
    desk = table(rng)
    low, _ = bounds_of(desk)
    yaw, x, y = rng.uniform(0, 360), rng.normal(0, 0.25), float(low[1]) - rng.uniform(0.3, 0.6)
    return [*desk, *(part.placed(yaw_deg=yaw).placed(x=x, y=y) for part in chair(rng))]


def _front(rng: np.random.Generator) -> tuple[Material, float]:
    """Lacquer of any color, dull or glossy, or wood."""
    if rng.random() < 0.4:
        return timber(rng)
    vivid = 0.15 if rng.random() < 0.4 else 1.0
    return Material(random_color(rng, light=(0.05, 0.8), vivid=vivid), float(rng.choice([0.2, 0.5, 0.8]))), 1.0


def _worktop(rng: np.random.Generator) -> Material:
    """Stone or laminate, speckled, or wood."""
    if rng.random() < 0.35:
        return timber(rng)[0]
    color = np.array(random_color(rng, light=(0.02, 0.75), vivid=0.2))
    speckles = np.clip(1 + rng.uniform(0.05, 0.4) * clouds(rng, (256, 256), 0.4), 0.1, 2)[..., None]
    picture = np.clip(speckles * color, 0.005, 0.85).astype(np.float32)
    return Material(picture, float(rng.choice([0.15, 0.4, 0.8])))


def _doors(
    rng: np.random.Generator, x: float, y: float, low: float, high: float, width: float, handles: list[Mesh]
) -> list[Mesh]:
    """The doors or drawers of one unit; their handles are added to `handles`."""
    rows = int(rng.choice([1, 1, 2, 3])) if high < 1.2 else 1
    height = (high - low) / rows
    fronts = []
    for row in range(rows):
        z = low + (row + 0.5) * height
        fronts.append(box(width - 0.008, 0.02, height - 0.008, 0.003).moved(x, y, z))
        handles.append(box(0.16, 0.02, 0.012).moved(x, y - 0.025, z + height * 0.36))
    return fronts


def _tap(rng: np.random.Generator, x: float, depth: float, z: float) -> Mesh:
    rise = rng.uniform(0.2, 0.35)
    bow = np.array([(0, 0, 0), (0, 0, rise * 0.8), (0, -0.05, rise), (0, -0.14, rise), (0, -0.16, rise * 0.8)])
    return tube(bow, 0.014).moved(rng.uniform(-0.3, 0.3) * x, depth * 0.35, z)


def _fridge(rng: np.random.Generator, x: float, depth: float) -> list[Part]:
    z = rng.uniform(1.4, 2.0)
    doors = [
        box(0.6, depth, z * share - 0.01, 0.01).moved(x + 0.32, 0, z * at) for share, at in ((0.6, 0.3), (0.4, 0.8))
    ]
    face = STEEL if rng.random() < 0.3 else Material(random_color(rng, light=(0.4, 0.8), vivid=0.2), 0.3)
    return [Part("fridge", join(doors), face)]
