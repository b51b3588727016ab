"""What stands around the objects: a house with windows and a door, a pavement with a curb, a fence, plants, boxes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from training.synthetic.objects.mesh import Mesh, join
from training.synthetic.objects.part import BLACK_PLASTIC, STEEL, Color, Material, Part
from training.synthetic.objects.shapes import box, sheet, surface, tube, turned_profile
from training.synthetic.rendering.textures import asphalt, brick, paving, planks, plaster

CURB_M = 0.10  # the pavement's height above the road
WINDOW_GLASS = Material((0.016, 0.02, 0.022), roughness=0.05, varnish=1.0)
FRAME = Material((0.62, 0.61, 0.58), roughness=0.45)


@dataclass(frozen=True)
class Opening:
    """A window or door in the house wall, meters along it and above the pavement's level."""

    left: float
    right: float
    bottom: float
    top: float
    door: bool = False


def road(rng: np.random.Generator) -> list[Part]:
    """Asphalt at z = 0, a pavement of slabs along the wall at y = 0, and curb stones between them at y = -1.7."""
    stones = [box(0.985, 0.13, 0.28, 0.015).moved(x, -1.665, CURB_M - 0.135) for x in np.arange(-9.5, 10.0, 1.0)]
    slabs = sheet(20.0, 1.7, 2.0).moved(0, -0.85, CURB_M)
    return [
        Part("asphalt", sheet(80, 80, 3.0), Material(asphalt(rng), roughness=0.85)),
        Part("pavement", slabs, Material(paving(rng), roughness=0.8)),
        Part("curb", join(stones), Material((0.30, 0.29, 0.275), roughness=0.8)),
    ]


def house(
    rng: np.random.Generator, openings: list[Opening], *, joint_x: float, length_m: float = 20.0, height_m: float = 6.0
) -> list[Part]:
    """Two houses that face -y in the plane y = 0, with plinths, windows and doors set back in them, and downpipes.

    Left of `joint_x` the wall is plastered, right of it it is of brick.
    """
    panes: list[Mesh] = []
    frames: list[Mesh] = []
    doors: list[Mesh] = []
    for opening in openings:
        width, height = opening.right - opening.left, opening.top - opening.bottom
        middle = ((opening.left + opening.right) / 2, (opening.bottom + opening.top) / 2)
        frames += _frame(opening, middle)
        pane = sheet(width, height).turned("x", 90).moved(middle[0], 0.12, middle[1])
        (doors if opening.door else panes).append(pane)
    pipes = [tube([(x, -0.07, CURB_M), (x, -0.07, 3.0), (x, -0.07, height_m)], 0.045, 14) for x in (joint_x, 2.25)]
    plastered = _pierced_wall(openings, -length_m / 2, joint_x, height_m)
    of_brick = _pierced_wall(openings, joint_x, length_m / 2, height_m)
    plinth = [
        box(right - left, 0.05, 0.40, 0.012).moved((left + right) / 2, -0.01, CURB_M + 0.18)
        for left, right in _gaps(openings, length_m)
    ]
    return [
        Part("house_brick", of_brick, Material(brick(rng), roughness=0.85)),
        Part("house_plaster", plastered, Material(plaster(rng, (0.56, 0.50, 0.38)), roughness=0.85)),
        Part("house_plinth", join(plinth), Material((0.24, 0.235, 0.225), roughness=0.85)),
        Part("house_panes", join(panes), WINDOW_GLASS),
        Part("house_frames", join(frames), FRAME),
        Part("house_doors", join(doors), Material(planks(rng, (0.10, 0.20, 0.17)), roughness=0.5)),
        Part("house_pipes", join(pipes), Material((0.42, 0.43, 0.43), roughness=0.4)),
    ]


def _gaps(openings: list[Opening], length_m: float) -> list[tuple[float, float]]:
    """The stretches of wall between the doors."""
    doors = sorted((opening.left, opening.right) for opening in openings if opening.door)
    starts = [-length_m / 2, *(right for _, right in doors)]
    ends = [*(left for left, _ in doors), length_m / 2]
    return list(zip(starts, ends, strict=True))


def _frame(opening: Opening, middle: tuple[float, float]) -> list[Mesh]:
    """The frame around an opening, the reveals, a mullion and a sill (windows), a handle (doors)."""
    width, height = opening.right - opening.left, opening.top - opening.bottom
    upright = [
        box(0.07, 0.16, height, 0.008).moved(x, 0.07, middle[1]) for x in (opening.left + 0.035, opening.right - 0.035)
    ]
    level = [
        box(width, 0.16, 0.07, 0.008).moved(middle[0], 0.07, z) for z in (opening.bottom + 0.035, opening.top - 0.035)
    ]
    if opening.door:
        return [*upright, *level, box(0.14, 0.05, 0.02, 0.006).moved(opening.left + 0.2, 0.09, opening.bottom + 1.03)]
    sill = box(width + 0.16, 0.24, 0.06, 0.012).moved(middle[0], -0.03, opening.bottom - 0.02)
    return [*upright, *level, box(0.05, 0.06, height, 0.008).moved(middle[0], 0.10, middle[1]), sill]


def _pierced_wall(openings: list[Opening], start: float, end: float, height_m: float) -> Mesh:
    """The wall between two x as a grid of rectangles that leaves out the openings."""
    openings = [opening for opening in openings if start < opening.left and opening.right < end]
    xs = sorted({start, end, *(o.left for o in openings), *(o.right for o in openings)})
    zs = sorted({0.0, height_m, *(o.bottom for o in openings), *(o.top for o in openings)})
    pieces = []
    for left, right in pairwise(xs):
        for low, high in pairwise(zs):
            x, z = (left + right) / 2, (low + high) / 2
            if not any(o.left < x < o.right and o.bottom < z < o.top for o in openings):
                piece = sheet(right - left, high - low).turned("x", 90).moved(x, 0, z)
                pieces.append(Mesh(piece.vertices, piece.faces, piece.vertices[:, [0, 2]] / 2.0))
    return join(pieces)


def far_side(rng: np.random.Generator) -> list[Part]:
    """A wooden fence at x = 7.5, and houses farther off that close the horizon and show in windows and paint."""
    fence = sheet(14, 1.9).turned("x", 90).turned("z", -90).moved(7.5, -7, 0.95)
    boards = Mesh(fence.vertices, fence.faces, fence.vertices[:, [1, 2]])
    posts = [box(0.10, 0.10, 2.0, 0.01).moved(7.56, y, 1.0) for y in np.arange(-14, 0, 2.0)]
    across = box(60, 0.5, 7.0).moved(0, -17, 3.5)
    ends = [box(0.5, 60, 8.0).moved(x, -10, 4.0) for x in (-18, 24)]
    return [
        Part("fence", join([boards, *posts]), Material(planks(rng, (0.26, 0.16, 0.09)), roughness=0.7)),
        Part("far_houses", join([across, *ends]), Material((0.34, 0.31, 0.27), roughness=0.9)),
    ]


def plant(rng: np.random.Generator, x: float, y: float, z: float) -> list[Part]:
    """A bush in a clay pot."""
    pot = turned_profile(
        [(0, 0), (0.13, 0), (0.18, 0.30), (0.20, 0.30), (0.20, 0.35), (0.17, 0.35), (0.16, 0.30), (0, 0.30)], 28
    )
    leaves = []
    for _ in range(260):
        direction = rng.standard_normal(3) * [1, 1, 0.9]
        center = 0.27 * direction / np.linalg.norm(direction) * rng.uniform(0.4, 1.0) ** 0.5
        leaf = _leaf(rng.uniform(0.07, 0.12)).turned("y", rng.uniform(-70, 40)).turned("z", rng.uniform(0, 360))
        leaves.append(leaf.moved(*center).moved(z=0.62))
    stem = tube([(0, 0, 0.28), (0.01, 0.0, 0.45), (0, 0.01, 0.65)], 0.02, 8)
    return [
        Part("pot", pot.moved(x, y, z), Material((0.36, 0.15, 0.08), roughness=0.75)),
        Part("leaves", join([*leaves, stem]).moved(x, y, z), Material((0.055, 0.15, 0.035), roughness=0.5)),
    ]


def _leaf(length_m: float) -> Mesh:
    """A bent leaf that starts at the origin."""
    along = np.linspace(0, 1, 5)
    half = 0.24 * np.sin(np.pi * np.clip(along, 0.03, 0.97))
    bend = -0.25 * along**2
    edges = [np.stack([along, side * half, bend], -1) for side in (-1, 1)]
    return surface(np.stack(edges, axis=1) * length_m)


def cartons(rng: np.random.Generator, x: float, y: float, z: float) -> list[Part]:
    """A small stack of cardboard boxes with tape."""
    sizes = [(0.50, 0.38, 0.34), (0.36, 0.30, 0.24)]
    lower = box(*sizes[0], 0.004).turned("z", 14).moved(x, y, z + 0.17)
    upper = box(*sizes[1], 0.004).turned("z", -9).moved(x + 0.03, y, z + 0.34 + 0.12)
    tape = box(0.365, 0.05, 0.004).turned("z", -9).moved(x + 0.03, y, z + 0.34 + 0.242)
    card: Color = (0.40, 0.265, 0.145)
    return [
        Part("cartons", join([lower, upper]), Material(plaster(rng, card, 128), roughness=0.8)),
        Part("tape", tape, Material((0.52, 0.42, 0.26), roughness=0.3)),
    ]


def street_furniture() -> list[Part]:
    """Two bollards on the pavement and a drain cover in the road."""
    profile = [(0, 0), (0.055, 0), (0.055, 0.86), (0.065, 0.87), (0.065, 0.93), (0.04, 0.97), (0, 0.98)]
    post = turned_profile(profile, 24)
    band = turned_profile([(0.057, 0.70), (0.058, 0.70), (0.058, 0.80), (0.057, 0.80), (0.057, 0.70)], 24)
    places = [(1.15, -1.45, CURB_M), (6.2, -1.45, CURB_M)]
    drain = [box(0.40, 0.018, 0.02).moved(0.4, -1.88 - 0.035 * bar, 0.004) for bar in range(9)]
    return [
        Part("bollards", join([post.moved(*place) for place in places]), BLACK_PLASTIC),
        Part(
            "bollard_bands", join([band.moved(*place) for place in places]), Material((0.65, 0.65, 0.62), roughness=0.4)
        ),
        Part("drain", join(drain), STEEL),
    ]
