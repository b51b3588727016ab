"""More pictures for surfaces, seamless unless said otherwise: tiles, wood, cloth, stripes, grass, posters."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from training.synthetic.objects.mesh import Floats, Mesh, join
from training.synthetic.objects.part import Color
from training.synthetic.rendering.textures import Texture, clouds

PIXELS = 512


def random_color(rng: np.random.Generator, *, light: tuple[float, float] = (0.05, 0.7), vivid: float = 0.8) -> Color:
    """A linear color: `light` bounds its brightest channel, `vivid` (0..1) how far the others may fall below it."""
    hue = rng.dirichlet([0.8, 0.8, 0.8])
    saturation = vivid * rng.beta(0.6, 1.2)  # most things are nearly gray, some are gaudy
    mixed = 1 - saturation + saturation * hue / hue.max()
    red, green, blue = np.clip(mixed, 0.05, 1) * rng.uniform(*light)
    return float(red), float(green), float(blue)


def shaded(brightness: Floats, color: Color | Floats) -> Texture:
    """Brightness (H, W) times a color or an (H, W, 3) picture, kept within what surfaces reflect."""
    reflected: Texture = np.clip(brightness[..., None] * np.asarray(color), 0.01, 0.88).astype(np.float32)
    return reflected


def tiles(rng: np.random.Generator, first: Color, second: Color, cells: int, *, joint: float = 0.03) -> Texture:
    """Square tiles in two colors, alternating, each a little different, with joints."""
    row, column, edge = _grid(cells)
    tone = 1 + 0.06 * rng.standard_normal((cells, cells))
    picked = np.where(((row + column) % 2)[..., None] == 0, np.array(first), np.array(second))
    brightness = tone[row, column] * (1 + 0.05 * clouds(rng, (PIXELS, PIXELS), 1.2))
    return shaded(np.where(edge < joint, rng.uniform(0.3, 0.9), brightness), picked)


def parquet(rng: np.random.Generator, color: Color, boards: int = 8) -> Texture:
    """Floor boards with grain, butted at random places along x."""
    rows = np.arange(PIXELS) * boards // PIXELS
    x = (np.arange(PIXELS) / PIXELS + rng.random(boards)[rows][:, None]) % 1.0
    half = np.floor(x * 2).astype(int)
    tone = 1 + 0.16 * rng.standard_normal((boards, 2))
    grain = cv2.resize(clouds(rng, (PIXELS, 16), 0.8), (PIXELS, PIXELS), interpolation=cv2.INTER_CUBIC)
    brightness = tone[rows[:, None], half] * (1 + 0.13 * grain)
    across = np.mod(np.arange(PIXELS) * boards / PIXELS, 1.0)[:, None]
    gap = (np.minimum(across, 1 - across) < 0.025) | (np.mod(x * 2, 1.0) < 0.006)
    return shaded(np.where(gap, 0.4, brightness), color)


def wood(rng: np.random.Generator, color: Color) -> Texture:
    """Plain wood whose grain runs along x."""
    grain = cv2.resize(clouds(rng, (PIXELS, 8), 0.9), (PIXELS, PIXELS), interpolation=cv2.INTER_CUBIC)
    return shaded(1 + rng.uniform(0.08, 0.22) * grain + 0.04 * clouds(rng, (PIXELS, PIXELS), 1.4), color)


def carpet(rng: np.random.Generator, color: Color) -> Texture:
    """Short pile: fine grain, faint stains."""
    fine = cv2.GaussianBlur(rng.standard_normal((PIXELS, PIXELS)), (0, 0), 1.0)
    return shaded(1 + 0.15 * fine / fine.std() + 0.08 * clouds(rng, (PIXELS, PIXELS), 1.4), color)


def stripes(rng: np.random.Generator, colors: Sequence[Color], bands: int) -> Texture:
    """Bands of random width across x, with the grain of cloth or paper."""
    edges = np.sort(rng.random(bands - 1))
    band = np.searchsorted(edges, np.arange(PIXELS) / PIXELS)
    picture = np.array(colors)[rng.integers(len(colors), size=bands)[band]]
    return shaded(1 + 0.08 * clouds(rng, (PIXELS, PIXELS), 0.7), np.broadcast_to(picture[None], (PIXELS, PIXELS, 3)))


def concrete(rng: np.random.Generator, color: Color) -> Texture:
    """Concrete or screed with stains and fine grain."""
    stains = clouds(rng, (PIXELS, PIXELS), rng.uniform(1.2, 1.9))
    return shaded(1 + rng.uniform(0.05, 0.18) * stains + 0.05 * clouds(rng, (PIXELS, PIXELS), 0.3), color)


def grass(rng: np.random.Generator) -> Texture:
    """A lawn or scrub: greens with dry patches."""
    blades = cv2.GaussianBlur(rng.standard_normal((PIXELS, PIXELS)), (0, 0), 1.2)
    dry = np.clip(0.3 + 0.3 * clouds(rng, (PIXELS, PIXELS), 1.5), 0, 1)[..., None]
    color = (1 - dry) * np.array([0.06, 0.15, 0.03]) + dry * np.array([0.22, 0.19, 0.08])
    return shaded(1 + 0.35 * blades / blades.std(), color)


def gravel(rng: np.random.Generator, color: Color) -> Texture:
    """Loose stones."""
    stones = cv2.GaussianBlur(rng.standard_normal((PIXELS, PIXELS)), (0, 0), 2.5)
    return shaded(1 + 0.30 * stones / stones.std() + 0.08 * clouds(rng, (PIXELS, PIXELS), 1.2), color)


def poster(rng: np.random.Generator, height: int = 128, width: int = 128) -> Texture:
    """A made-up picture, (height, width, 3): soft colors, shapes, lines like writing. Not seamless."""
    light = clouds(rng, (height, width), 1.7)[..., None]
    hue = np.stack([clouds(rng, (height, width), 1.9) for _ in range(3)], -1)
    strength = rng.uniform(0.1, 0.5), rng.uniform(0.0, 0.2)
    base = np.array(random_color(rng)) * (1 + strength[0] * light + strength[1] * hue)
    picture: Texture = np.clip(base, 0.02, 0.85).astype(np.float32)
    for _ in range(int(rng.integers(1, 7))):
        color = random_color(rng, light=(0.02, 0.85), vivid=1.0)
        center = int(rng.integers(width)), int(rng.integers(height))
        size = int(rng.integers(6, 50))
        if rng.random() < 0.5:
            cv2.circle(picture, center, size, color, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(picture, center, (center[0] + 2 * size, center[1] + size), color, -1)
    ink = random_color(rng, light=(0.02, 0.3))
    for y in range(int(rng.integers(8, height // 2)), height, int(rng.integers(7, 14))):
        if rng.random() < 0.6:
            cv2.line(picture, (10, y), (int(rng.integers(20, width - 8)), y), ink, 2)
    return picture


def palette(rng: np.random.Generator, meshes: Sequence[Mesh], colors: Sequence[Color]) -> tuple[Mesh, Texture]:
    """Many meshes as one, each in a random one of the colors: the mesh and the picture its uv points into."""
    picture = np.repeat(np.repeat(np.array(colors, np.float32)[None], 4, axis=0), 4, axis=1)
    picked = rng.integers(len(colors), size=len(meshes))
    spots = [
        np.tile([(number + 0.5) / len(colors), 0.5], (len(mesh.uv), 1))
        for mesh, number in zip(meshes, picked, strict=True)
    ]
    joined = join(meshes)
    return Mesh(joined.vertices, joined.faces, np.concatenate(spots)), picture


def box_mapped(mesh: Mesh, tile_m: float, *, upright: bool = False) -> Mesh:
    """The mesh with uv in meters / tile_m, projected along each face's main axis; `upright` turns walls' pictures."""
    corners = mesh.corners()
    axis = np.abs(mesh.face_normals()).argmax(axis=1)
    planes = np.array([[1, 2], [0, 2], [0, 1]])[axis]
    if upright:
        planes = np.where((axis < 2)[:, None], planes[:, ::-1], planes)
    uv = np.take_along_axis(corners, planes[:, None, :].repeat(3, axis=1), axis=2) / tile_m
    return Mesh(corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3), uv.reshape(-1, 2))


def _grid(cells: int) -> tuple[np.ndarray, np.ndarray, Floats]:
    """Of every pixel its row and column among square cells, and its distance from the cell's edge, 0..0.5."""
    at = np.arange(PIXELS) * cells / PIXELS
    index, within = np.floor(at).astype(int), np.mod(at, 1.0)
    edge = np.minimum(within, 1 - within)
    row, column = np.meshgrid(index, index, indexing="ij")
    return row, column, np.minimum(edge[:, None], edge[None])
