"""Furniture that stands on z = 0 about the origin and looks along -y: tables, chairs, shelves, cabinets, sofas."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from training.synthetic.objects.mesh import Mesh, join
from training.synthetic.objects.part import BLACK_PLASTIC, STEEL, Material, Part
from training.synthetic.objects.shapes import box, ellipsoid, sheet, tube, turned_profile
from training.synthetic.rendering.patterns import box_mapped, palette, poster, random_color
from training.synthetic.rendering.surfaces import timber


def table(rng: np.random.Generator) -> list[Part]:
    """A table or desk, square or round, with things on it."""
    x, y, z = rng.uniform(0.7, 1.9), rng.uniform(0.6, 0.95), rng.choice([rng.uniform(0.70, 0.78), 0.45])
    thick = rng.uniform(0.018, 0.05)
    if rng.random() < 0.25:
        radius = y * 0.65
        top = turned_profile([(0, z - thick), (radius, z - thick), (radius, z), (0, z)], 40)
        legs = [turned_profile([(0, 0), (0.25, 0), (0.25, 0.02), (0.04, 0.05), (0.04, z - thick), (0, z - thick)], 24)]
        x = y = radius * 1.4
    else:
        top = box(x, y, thick, 0.004).moved(0, 0, z - thick / 2)
        width, inset = rng.uniform(0.03, 0.09), rng.uniform(0.03, 0.08)
        legs = [
            box(width, width, z - thick).moved(sx * (x / 2 - inset), sy * (y / 2 - inset), (z - thick) / 2)
            for sx in (-1, 1)
            for sy in (-1, 1)
        ]
        if rng.random() < 0.5:
            legs.append(box(x - 2 * inset, y - 2 * inset, 0.07).moved(0, 0, z - thick - 0.035))
    material, tile = timber(rng)
    leg_material = material if rng.random() < 0.6 else (STEEL if rng.random() < 0.4 else BLACK_PLASTIC)
    return [
        Part("table_top", box_mapped(top, tile), material),
        Part("table_legs", box_mapped(join(legs), tile), leg_material),
        *things_on(rng, x * 0.85, y * 0.8, z),
    ]


def things_on(rng: np.random.Generator, x: float, y: float, z: float) -> list[Part]:
    """Books, papers, cups, bottles, small boxes, at times a screen, on a surface x by y meters at height z."""
    meshes: list[Mesh] = []
    for _ in range(int(rng.integers(0, 9))):
        kind = int(rng.integers(4))
        if kind == 0:
            mesh = box(rng.uniform(0.14, 0.25), rng.uniform(0.10, 0.32), rng.uniform(0.01, 0.06))
        elif kind == 1:
            radius, height = rng.uniform(0.03, 0.05), rng.uniform(0.07, 0.13)
            mesh = turned_profile([(0, 0), (radius, 0), (radius, height), (radius * 0.9, height), (0, 0.01)], 20)
        elif kind == 2:
            radius, height = rng.uniform(0.03, 0.045), rng.uniform(0.2, 0.32)
            mesh = turned_profile(
                [(0, 0), (radius, 0), (radius, height * 0.65), (0.013, height * 0.8), (0.013, height), (0, height)], 20
            )
        else:
            mesh = box(rng.uniform(0.08, 0.3), rng.uniform(0.08, 0.3), rng.uniform(0.06, 0.28))
        meshes.append(_set_down(rng, mesh, x, y, z))
    parts = []
    if meshes:
        colors = [random_color(rng, light=(0.03, 0.8), vivid=0.9) for _ in range(5)]
        mesh, picture = palette(rng, meshes, colors)
        parts.append(Part("things", mesh, Material(picture, roughness=0.45 if rng.random() < 0.3 else 0.8)))
    if rng.random() < 0.4:
        paper = _set_down(rng, sheet(0.21, 0.30), x, y, z + 0.003)
        parts.append(Part("paper", Mesh(paper.vertices, paper.faces, sheet_uv(paper)), Material(poster(rng), 0.8)))
    if rng.random() < 0.2:
        parts += [part.placed(x=rng.uniform(-0.3, 0.3) * x, y=0.25 * y, z=z) for part in screen(rng)]
    return parts


def screen(rng: np.random.Generator) -> list[Part]:
    """A flat screen on a foot."""
    x = rng.uniform(0.45, 0.7)
    z = x * 0.6
    panel = picture_mesh(x - 0.03, z - 0.03).moved(0, -0.021, z / 2 + 0.1)
    dark = rng.random() < 0.5
    face = Material((0.02, 0.02, 0.022), 0.2) if dark else Material(poster(rng), 0.4)
    case = [
        box(x, 0.04, z).moved(0, 0, z / 2 + 0.1),
        box(0.05, 0.03, 0.15).moved(0, 0.02, 0.08),
        box(0.22, 0.18, 0.015),
    ]
    return [Part("screen", panel, face), Part("screen_case", join(case), BLACK_PLASTIC)]


def picture_mesh(x: float, z: float) -> Mesh:
    """An upright rectangle about the origin that looks along -y, its uv from 0 to 1."""
    mesh = sheet(x, z).turned("x", 90)
    return Mesh(mesh.vertices, mesh.faces, sheet_uv(mesh))


def sheet_uv(mesh: Mesh) -> np.ndarray:
    """uv 0..1 for a single rectangle, (4, 2)."""
    return np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])[: len(mesh.vertices)]


def _set_down(rng: np.random.Generator, mesh: Mesh, x: float, y: float, z: float) -> Mesh:
    turned = mesh.turned("z", rng.uniform(0, 360))
    return turned.moved(rng.uniform(-x, x) / 2, rng.uniform(-y, y) / 2, z - turned.vertices[:, 2].min())


def chair(rng: np.random.Generator) -> list[Part]:
    """A chair with four legs, or one on a column with five feet."""
    seat_z, width = rng.uniform(0.42, 0.48), rng.uniform(0.40, 0.50)
    back_z = rng.uniform(0.80, 1.0)
    material, tile = timber(rng)
    cloth = material if rng.random() < 0.5 else Material(random_color(rng, light=(0.03, 0.5)), 0.85)
    seat = box(width, width, 0.05, 0.015).moved(0, 0, seat_z - 0.025)
    back_y = width / 2 - 0.02
    rise = back_z - seat_z
    posts = [box(0.035, 0.035, rise).moved(s * (width / 2 - 0.02), back_y, seat_z + rise / 2) for s in (-1, 1)]
    if rng.random() < 0.5:
        back = [box(width - 0.06, 0.02, 0.05).moved(0, back_y, z) for z in np.linspace(seat_z + 0.12, back_z - 0.03, 4)]
    else:
        back = [box(width - 0.05, 0.025, rise * 0.6, 0.01).moved(0, back_y, back_z - rise * 0.3)]
    if rng.random() < 0.65:
        legs = [
            box(0.035, 0.035, seat_z).moved(sx * (width / 2 - 0.02), sy * (width / 2 - 0.02), seat_z / 2)
            for sx in (-1, 1)
            for sy in (-1, 1)
        ]
        frame, frame_material = box_mapped(join([*legs, *posts]), tile), material
    else:
        feet = [box(0.30, 0.04, 0.03).moved(0.15, 0, 0.06).turned("z", angle) for angle in range(0, 360, 72)]
        wheels = [ellipsoid(0.03, 0.03, 0.03, 10).moved(0.28, 0, 0.03).turned("z", a) for a in range(0, 360, 72)]
        column = tube([(0, 0, 0.06), (0, 0, 0.2), (0, 0, seat_z - 0.04)], 0.025)
        frame, frame_material = join([*feet, *wheels, column, *posts]), BLACK_PLASTIC
    return [
        Part("chair_frame", frame, frame_material),
        Part("chair_seat", box_mapped(join([seat, *back]), tile), cloth),
    ]


def shelf(rng: np.random.Generator) -> list[Part]:
    """An open shelf with boards, books and boxes."""
    x, y, z = rng.uniform(0.6, 1.6), rng.uniform(0.25, 0.45), rng.uniform(0.8, 2.1)
    levels = np.linspace(0.06, z - 0.02, int(rng.integers(3, 7)))
    boards = [box(x, y, 0.025).moved(0, 0, level) for level in levels]
    sides = [box(0.025, y, z).moved(s * x / 2, 0, z / 2) for s in (-1, 1)]
    if rng.random() < 0.6:
        sides.append(box(x, 0.01, z).moved(0, y / 2, z / 2))
    material, tile = timber(rng)
    filled = [mesh for low, high in pairwise(levels) for mesh in _row(rng, x, y, low, high)]
    parts = [Part("shelf", box_mapped(join([*boards, *sides]), tile), material)]
    if filled:
        mesh, picture = palette(rng, filled, [random_color(rng, light=(0.03, 0.75), vivid=0.9) for _ in range(7)])
        parts.append(Part("shelf_things", mesh, Material(picture, 0.8)))
    return parts


def _row(rng: np.random.Generator, x: float, y: float, low: float, high: float) -> list[Mesh]:
    """What stands on one board: books, boxes or little."""
    meshes, at = [], -x / 2 + 0.03
    room, books = high - low - 0.03, rng.random() < 0.6
    while at < x / 2 - 0.1 and room > 0.06:
        width = rng.uniform(0.02, 0.06) if books else rng.uniform(0.1, 0.35)
        width = min(width, x / 2 - 0.02 - at)
        depth, height = y * rng.uniform(0.5, 0.95), room * rng.uniform(0.4, 0.95)
        meshes.append(box(width, depth, height).moved(at + width / 2, (y - depth) / 2 - 0.02, low + 0.013 + height / 2))
        at += width + (0.002 if books and rng.random() < 0.9 else rng.uniform(0.02, 0.25))
    return meshes


def cabinet(rng: np.random.Generator) -> list[Part]:
    """A chest, cupboard or row of kitchen units with doors or drawers, handles, a worktop and things on it."""
    units = int(rng.integers(1, 5))
    width, y = rng.uniform(0.4, 0.65), rng.uniform(0.35, 0.62)
    z = float(rng.choice([rng.uniform(0.4, 0.75), rng.uniform(0.82, 0.95), rng.uniform(1.6, 2.1)]))
    x = units * width
    material, tile = timber(rng)
    rows = int(rng.integers(1, 4)) if z < 1.2 else int(rng.integers(1, 3))
    fronts, handles = [], []
    for column in range(units):
        for row in range(rows):
            height = (z - 0.1) / rows
            at = (-x / 2 + (column + 0.5) * width, -y / 2 - 0.01, 0.1 + (row + 0.5) * height)
            fronts.append(box(width - 0.008, 0.02, height - 0.008, 0.003).moved(*at))
            handles.append(box(0.14, 0.02, 0.012).moved(at[0], at[1] - 0.025, at[2] + height * 0.35))
    body = [box(x, y, z - 0.1).moved(0, 0, 0.1 + (z - 0.1) / 2), box(x, y - 0.06, 0.1).moved(0, 0.03, 0.05)]
    top_material, top_tile = timber(rng)
    top = box(x + 0.02, y + 0.04, 0.035).moved(0, -0.01, z + 0.0175)
    face, face_tile = (material, tile) if rng.random() < 0.5 else timber(rng)
    parts = [
        Part("cabinet", box_mapped(join(body), tile), material),
        Part("cabinet_fronts", box_mapped(join(fronts), face_tile, upright=True), face),
        Part("cabinet_handles", join(handles), STEEL if rng.random() < 0.6 else BLACK_PLASTIC),
        Part("cabinet_top", box_mapped(top, top_tile), top_material),
    ]
    return parts + (things_on(rng, x * 0.9, y * 0.7, z + 0.035) if z < 1.2 else [])


def sofa(rng: np.random.Generator) -> list[Part]:
    """A sofa, armchair or bench with cushions."""
    x, y = rng.uniform(0.8, 2.1), rng.uniform(0.75, 0.95)
    seat_z, back_z, arm = rng.uniform(0.36, 0.45), rng.uniform(0.7, 0.95), rng.uniform(0.1, 0.22)
    places = max(1, round((x - 2 * arm) / 0.65))
    wide = (x - 2 * arm) / places
    body = [box(x, y, seat_z - 0.2, 0.02).moved(0, 0, 0.06 + (seat_z - 0.2) / 2)]
    body += [box(arm, y, seat_z + 0.1, 0.04).moved(s * (x - arm) / 2, 0, 0.06 + (seat_z + 0.1) / 2) for s in (-1, 1)]
    body += [box(x, 0.2, back_z - 0.06, 0.05).moved(0, y / 2 - 0.1, 0.06 + (back_z - 0.06) / 2)]
    for place in range(places):
        at = -x / 2 + arm + (place + 0.5) * wide
        body.append(box(wide - 0.01, y - 0.2, 0.15, 0.04).moved(at, -0.1, seat_z - 0.05))
        body.append(box(wide - 0.02, 0.16, 0.4, 0.06).turned("x", -10).moved(at, y / 2 - 0.25, seat_z + 0.2))
    color = random_color(rng, light=(0.03, 0.7), vivid=0.7)
    cushions = [
        box(0.4, 0.13, 0.4, 0.06)
        .turned("x", -20)
        .turned("z", rng.uniform(-20, 20))
        .moved(s * x * 0.28, -0.02, seat_z + 0.24)
        for s in (-1, 1)
        if rng.random() < 0.5
    ]
    parts = [Part("sofa", join(body), Material(color, 0.85))]
    if cushions:
        parts.append(Part("cushions", join(cushions), Material(random_color(rng), 0.85)))
    return parts


def bed(rng: np.random.Generator) -> list[Part]:
    """A bed whose head is at +y."""
    x, y, z = rng.uniform(0.9, 1.8), 2.0, rng.uniform(0.4, 0.6)
    material, tile = timber(rng)
    frame = [box(x, y, 0.2).moved(0, 0, z - 0.25), box(x, 0.05, 0.9).moved(0, y / 2, 0.45)]
    frame += [
        box(0.06, 0.06, z - 0.3).moved(sx * (x / 2 - 0.05), sy * (y / 2 - 0.05), (z - 0.3) / 2)
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    cover = box(x + 0.06, y * 0.72, 0.1, 0.045).moved(0, -0.26, z + 0.04)
    white = [box(x - 0.02, y - 0.04, 0.18, 0.04).moved(0, 0, z - 0.07)]
    white += [
        box(0.6, 0.38, 0.14, 0.06).moved(at, y / 2 - 0.3, z + 0.08) for at in ((-x / 4, x / 4) if x > 1.3 else (0.0,))
    ]
    return [
        Part("bed", box_mapped(join(frame), tile), material),
        Part("bed_cover", box_mapped(cover, 0.7), Material(poster(rng, 256, 256), 0.9)),
        Part("bed_white", join(white), Material((0.65, 0.65, 0.63), 0.9)),
    ]
