"""Things that stand about in yards, streets, garages and rooms, on z = 0 about the origin."""

from __future__ import annotations

import numpy as np

from training.synthetic.objects.mesh import Mesh, join
from training.synthetic.objects.part import BLACK_PLASTIC, RUBBER, STEEL, Material, Part
from training.synthetic.objects.shapes import box, ellipsoid, ring, sheet, tube, turned_profile
from training.synthetic.places.surroundings import plant
from training.synthetic.rendering.patterns import box_mapped, palette, poster, random_color, shaded
from training.synthetic.rendering.surfaces import timber, wood_color
from training.synthetic.rendering.textures import clouds, plaster


def carton_stack(rng: np.random.Generator) -> list[Part]:
    """One to four cardboard boxes, one on the other."""
    meshes, z = [], 0.0
    size = rng.uniform(0.3, 0.6)
    for _ in range(int(rng.integers(1, 5))):
        height = size * rng.uniform(0.4, 0.9)
        mesh = box(size, size * rng.uniform(0.6, 1.0), height, 0.004).turned("z", rng.uniform(-25, 25))
        x, y = rng.uniform(-0.03, 0.03, 2)
        meshes.append(mesh.moved(x, y, z + height / 2))
        z, size = z + height, size * rng.uniform(0.75, 1.0)
    card = random_color(rng, light=(0.4, 0.6), vivid=0.1)
    picture = plaster(rng, (card[0], card[0] * 0.68, card[0] * 0.40), 128)
    return [Part("cartons", box_mapped(join(meshes), 1.0), Material(picture, 0.85))]


def crates(rng: np.random.Generator) -> list[Part]:
    """Colored boxes and crates, side by side and stacked."""
    meshes: list[Mesh] = []
    for column in range(int(rng.integers(1, 4))):
        z = 0.0
        for _ in range(int(rng.integers(1, 4))):
            height = rng.uniform(0.15, 0.4)
            meshes.append(box(0.4, 0.32, height, 0.01).moved(0.43 * column, rng.uniform(-0.03, 0.03), z + height / 2))
            z += height
    mesh, picture = palette(rng, meshes, [random_color(rng, light=(0.05, 0.7), vivid=1.0) for _ in range(4)])
    return [Part("crates", mesh.moved(-0.4), Material(picture, 0.5))]


def potted_plant(rng: np.random.Generator) -> list[Part]:
    """A bush in a pot, small or as tall as a man."""
    grow = rng.uniform(0.6, 1.9)
    tint = rng.uniform(0.7, 1.5)
    return [
        Part(
            part.name,
            part.mesh.scaled(grow, grow, grow),
            Material((0.055 * tint, 0.15 * tint, 0.035), 0.8) if part.name == "leaves" else part.material,
        )
        for part in plant(rng, 0.0, 0.0, 0.0)
    ]


def barrel(rng: np.random.Generator) -> list[Part]:
    """A drum, bucket, planter or water butt."""
    radius, height, taper = rng.uniform(0.13, 0.32), rng.uniform(0.3, 1.0), rng.uniform(0.75, 1.0)
    profile = [
        (0, 0),
        (radius * taper, 0),
        (radius * (1 + taper) / 2 * 1.02, height / 2),
        (radius, height - 0.03),
        (radius + 0.015, height - 0.03),
        (radius + 0.015, height),
        (radius - 0.01, height),
        (radius * taper - 0.01, 0.06),
        (0, 0.06),
    ]
    metal = rng.random() < 0.3
    return [Part("barrel", turned_profile(profile, 32), Material(random_color(rng), 0.45, metallic=0.6 * metal))]


def tire_pile(rng: np.random.Generator) -> list[Part]:
    """Old tires, one on the other."""
    tire = ring(0.23, 0.09, 36, 10).scaled(1, 1, 1.1)
    heights = [0.1 + 0.19 * level for level in range(int(rng.integers(1, 5)))]
    tires = [tire.moved(rng.uniform(-0.04, 0.04), rng.uniform(-0.04, 0.04), height) for height in heights]
    return [Part("tires", join(tires), RUBBER)]


def pallet_load(rng: np.random.Generator) -> list[Part]:
    """A wooden pallet with or without a load of sacks or boxes."""
    boards = [box(0.14, 0.8, 0.022).moved(x, 0, 0.135) for x in np.linspace(-0.53, 0.53, 6)]
    blocks = [box(1.2, 0.1, 0.022).moved(0, y, 0.011) for y in (-0.35, 0, 0.35)]
    blocks += [box(0.14, 0.1, 0.1).moved(x, y, 0.072) for x in (-0.53, 0, 0.53) for y in (-0.35, 0, 0.35)]
    wood = Material(plaster(rng, wood_color(rng)), 0.85)
    parts = [Part("pallet", box_mapped(join([*boards, *blocks]), 1.0), wood)]
    load = [
        box(0.5, 0.36, 0.2, 0.05).moved(x, y, 0.24 + 0.19 * level)
        for level in range(int(rng.integers(0, 5)))
        for x in (-0.28, 0.28)
        for y in (-0.19, 0.19)
    ]
    if load:
        parts.append(Part("pallet_load", join(load), Material(random_color(rng, light=(0.2, 0.7), vivid=0.5), 0.8)))
    return parts


def ladder(rng: np.random.Generator) -> list[Part]:
    """A ladder that leans towards +y."""
    height = rng.uniform(1.6, 2.6)
    rails = mirrored_rails(0.2, height)
    rungs = [box(0.4, 0.03, 0.025).moved(0, 0, z) for z in np.arange(0.25, height, 0.27)]
    material = Material((0.5, 0.5, 0.5), 0.5) if rng.random() < 0.5 else Material(wood_color(rng), 0.8)
    leaning = join([*rails, *rungs]).turned("x", -13)
    return [Part("ladder", leaning.moved(0, 0, -leaning.vertices[:, 2].min()), material)]


def mirrored_rails(half_m: float, height: float) -> list[Mesh]:
    """Two upright rails, `half_m` left and right of x = 0."""
    return [box(0.025, 0.06, height).moved(side * half_m, 0, height / 2) for side in (-1, 1)]


def bench(rng: np.random.Generator) -> list[Part]:
    """A garden bench with a back."""
    x = rng.uniform(1.1, 1.8)
    slats = [box(x, 0.09, 0.03).moved(0, y, 0.44) for y in (-0.2, -0.1, 0, 0.1)]
    slats += [box(x, 0.025, 0.09).moved(0, 0.2, z) for z in (0.58, 0.70, 0.82)]
    ends = [box(0.06, 0.5, 0.05).moved(s * x * 0.4, 0, 0.4) for s in (-1, 1)]
    ends += [box(0.06, 0.05, 0.42).moved(s * x * 0.4, -0.2, 0.21) for s in (-1, 1)]
    ends += [box(0.06, 0.05, 0.86).moved(s * x * 0.4, 0.22, 0.43) for s in (-1, 1)]
    material, tile = timber(rng)
    return [Part("bench", box_mapped(join(slats), tile), material), Part("bench_ends", join(ends), BLACK_PLASTIC)]


def _lump(rng: np.random.Generator, low: float, high: float, segments: int) -> Mesh:
    """An ellipsoid whose half axes are drawn between two lengths."""
    x, y, z = rng.uniform(low, high, 3)
    return ellipsoid(x, y, z, segments)


def hedge(rng: np.random.Generator) -> list[Part]:
    """A clipped hedge or a heap of leaves: a lumpy body in patchy green."""
    x, y, z = rng.uniform(0.8, 2.5), rng.uniform(0.4, 0.9), rng.uniform(0.5, 1.7)
    lumps = [box(x, y, z, 0.1).moved(0, 0, z / 2)]
    lumps += [
        _lump(rng, 0.12, 0.3, 10).moved(rng.uniform(-x, x) / 2, s * y / 2.2, rng.uniform(0.15, z))
        for s in (-1, 1)
        for _ in range(int(6 * x))
    ]
    leaves = clouds(rng, (256, 256), 0.6)
    picture = shaded(np.clip(1 + 0.6 * leaves, 0.1, 3), (0.05, rng.uniform(0.09, 0.16), 0.03))
    return [Part("hedge", box_mapped(join(lumps), 0.6), Material(picture, 0.9))]


def tree(rng: np.random.Generator) -> list[Part]:
    """A trunk that leans a little, with a crown of leafy lumps above head height."""
    radius, height = rng.uniform(0.08, 0.22), rng.uniform(2.0, 3.0)
    path = np.array([[0, 0, 0], [0.05, 0, height / 2], [rng.uniform(-0.2, 0.2), 0.1, height + 0.5]])
    trunk = tube(path, [radius * 1.2, radius, radius * 0.8], 16)
    crown = [
        _lump(rng, 0.4, 0.9, 12).moved(rng.uniform(-0.9, 0.9), rng.uniform(-0.9, 0.9), height + rng.uniform(0.2, 1.5))
        for _ in range(14)
    ]
    green = shaded(np.clip(1 + 0.6 * clouds(rng, (256, 256), 0.6), 0.1, 3), (0.05, rng.uniform(0.09, 0.15), 0.03))
    bark = plaster(rng, (0.16, 0.12, 0.08), 128)
    return [
        Part("trunk", trunk, Material(bark, 0.9)),
        Part("crown", box_mapped(join(crown), 0.8), Material(green, 0.9)),
    ]


def posts(rng: np.random.Generator) -> list[Part]:
    """A bollard, lamp post or traffic sign."""
    kind = int(rng.integers(3))
    height, radius = (rng.uniform(0.7, 1.1), 0.06) if kind == 0 else (rng.uniform(2.2, 4.0), 0.035)
    pole = turned_profile(
        [(0, 0), (radius, 0), (radius, height), (radius * 0.5, height + 0.03), (0, height + 0.03)], 20
    )
    parts = [Part("post", pole, Material(random_color(rng, light=(0.03, 0.5), vivid=0.4), 0.5))]
    if kind == 2:
        plate = (
            turned_profile([(0, 0), (0.3, 0), (0.3, 0.01), (0, 0.01)], 32).turned("x", 90).moved(0, -0.04, height - 0.2)
        )
        parts.append(Part("sign", plate, Material(random_color(rng, light=(0.3, 0.8), vivid=1.0), 0.4)))
    return parts


def board(rng: np.random.Generator) -> list[Part]:
    """A panel, door leaf or picture that stands on the floor and leans back."""
    x, z = rng.uniform(0.5, 1.2), rng.uniform(0.7, 2.0)
    mesh = box(x, 0.03, z).moved(0, 0, z / 2)
    uv = (mesh.vertices[:, [0, 2]] + [x / 2, 0]) / [x, -z]
    material = Material(poster(rng), 0.6) if rng.random() < 0.5 else timber(rng)[0]
    leaning = Mesh(mesh.vertices, mesh.faces, uv).turned("x", -rng.uniform(4, 14))
    return [Part("board", leaning.moved(0, 0, -leaning.vertices[:, 2].min()), material)]


def rug(rng: np.random.Generator) -> list[Part]:
    """A rug on the floor; may lie under things."""
    x, y = rng.uniform(1.0, 2.6), rng.uniform(0.8, 1.8)
    mesh = sheet(x, y).turned("z", rng.uniform(-15, 15)).moved(0, 0, 0.008)
    uv = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    return [Part("rug", Mesh(mesh.vertices, mesh.faces, uv), Material(poster(rng, 256, 256), 0.9))]


def steel_rack(rng: np.random.Generator) -> list[Part]:
    """Hand rails or a bicycle stand: bent tubes in a row."""
    bow = np.array([(0, -0.25, 0), (0, -0.25, 0.7), (0, -0.15, 0.8), (0, 0.15, 0.8), (0, 0.25, 0.7), (0, 0.25, 0)])
    hoops = [tube(bow + np.array([0.7 * number, 0, 0]), 0.022) for number in range(int(rng.integers(1, 4)))]
    return [Part("hoops", join(hoops), STEEL if rng.random() < 0.6 else Material(random_color(rng), 0.5))]
