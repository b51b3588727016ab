"""What floors, walls and wood are covered with, drawn at random: a material and the meters that its picture spans."""

from __future__ import annotations

import numpy as np

from training.synthetic.objects.part import Color, Material
from training.synthetic.rendering.patterns import (
    carpet,
    concrete,
    grass,
    gravel,
    parquet,
    random_color,
    shaded,
    stripes,
    tiles,
    wood,
)
from training.synthetic.rendering.textures import asphalt, brick, clouds, paving, planks, plaster

Covering = tuple[Material, float]
WOODS: tuple[Color, ...] = (
    (0.42, 0.25, 0.12),
    (0.55, 0.38, 0.20),
    (0.22, 0.11, 0.05),
    (0.32, 0.15, 0.06),
    (0.60, 0.48, 0.32),
    (0.10, 0.06, 0.04),
    (0.36, 0.28, 0.20),
)


def wood_color(rng: np.random.Generator) -> Color:
    """The color of some wood, each time a little different."""
    red, green, blue = np.clip(np.array(WOODS[int(rng.integers(len(WOODS)))]) * rng.uniform(0.75, 1.25, 3), 0.01, 0.8)
    return float(red), float(green), float(blue)


def _gray(rng: np.random.Generator, low: float, high: float) -> Color:
    return random_color(rng, light=(low, high), vivid=0.15)


def indoor_floor(rng: np.random.Generator) -> Covering:
    """Parquet, tiles, carpet, striped carpet, screed or linoleum; some of it polished."""
    gloss = float(rng.choice([0.25, 0.45, 0.8, 0.8]))
    kind = int(rng.integers(7))
    if kind <= 1:
        return Material(parquet(rng, wood_color(rng), int(rng.integers(5, 13))), gloss), rng.uniform(0.9, 1.6)
    if kind == 2:
        first = random_color(rng, light=(0.1, 0.75), vivid=0.4)
        second = first if rng.random() < 0.7 else random_color(rng, light=(0.05, 0.8), vivid=0.5)
        return Material(tiles(rng, first, second, 4), gloss), rng.uniform(0.8, 2.4)
    if kind == 3:
        return Material(carpet(rng, random_color(rng, light=(0.06, 0.5))), 0.9), rng.uniform(0.5, 1.0)
    if kind == 4:
        colors = [random_color(rng, light=(0.03, 0.5), vivid=0.5) for _ in range(3)]
        return Material(stripes(rng, colors, int(rng.integers(8, 40))), 0.9), rng.uniform(0.5, 1.2)
    if kind == 5:
        return Material(concrete(rng, _gray(rng, 0.2, 0.5)), gloss), rng.uniform(1.5, 4.0)
    return Material(plaster(rng, random_color(rng, light=(0.15, 0.6), vivid=0.4)), gloss), rng.uniform(0.6, 2.0)


def indoor_wall(rng: np.random.Generator) -> Covering:
    """Paint (half of all), wallpaper, tiles, brick, wood panels or bare concrete."""
    kind = int(rng.integers(10))
    if kind <= 4:
        vivid = 0.15 if rng.random() < 0.6 else 0.7
        return Material(plaster(rng, random_color(rng, light=(0.35, 0.8), vivid=vivid)), 0.9), 2.0
    if kind == 5:
        colors = [random_color(rng, light=(0.2, 0.7), vivid=0.6) for _ in range(2)]
        return Material(stripes(rng, colors, int(rng.integers(6, 24))), 0.9), rng.uniform(0.6, 1.5)
    if kind == 6:
        color = random_color(rng, light=(0.3, 0.8), vivid=0.5)
        return Material(tiles(rng, color, color, int(rng.integers(5, 10))), 0.9), rng.uniform(0.8, 1.6)
    if kind == 7:
        return Material(brick(rng, 512, random_color(rng, light=(0.2, 0.6), vivid=0.7)), 0.9), 2.0
    if kind == 8:
        return Material(planks(rng, wood_color(rng), boards=int(rng.integers(5, 11))), 0.9), 1.0
    return Material(concrete(rng, _gray(rng, 0.25, 0.6)), 0.9), rng.uniform(2.0, 4.0)


def outdoor_ground(rng: np.random.Generator) -> Covering:
    """Asphalt, paving, cobbles, concrete, grass or gravel."""
    kind = int(rng.integers(8))
    if kind <= 1:
        return Material(_tinted(rng, asphalt(rng, 512), 0.7, 1.6), 0.9), rng.uniform(2.0, 4.0)
    if kind <= 3:
        return Material(_tinted(rng, paving(rng, 512, int(rng.integers(3, 9))), 0.6, 1.4), 0.9), rng.uniform(1.2, 3.0)
    if kind == 4:
        color = random_color(rng, light=(0.15, 0.45), vivid=0.5)
        return Material(tiles(rng, color, color, 12, joint=0.10), 0.9), rng.uniform(1.2, 2.0)
    if kind == 5:
        return Material(concrete(rng, _gray(rng, 0.2, 0.5)), 0.9), rng.uniform(2.0, 5.0)
    if kind == 6:
        return Material(grass(rng), 0.9), rng.uniform(0.8, 1.6)
    return Material(gravel(rng, _gray(rng, 0.2, 0.45)), 0.9), rng.uniform(0.6, 1.5)


def outdoor_wall(rng: np.random.Generator) -> Covering:
    """Brick of many colors, plaster, concrete, boards or sheet metal."""
    kind = int(rng.integers(6))
    if kind <= 1:
        return Material(brick(rng, 512, random_color(rng, light=(0.15, 0.6), vivid=0.75)), 0.9), rng.uniform(1.7, 2.3)
    if kind == 2:
        return Material(plaster(rng, random_color(rng, light=(0.35, 0.75), vivid=0.4)), 0.9), 2.0
    if kind == 3:
        return Material(concrete(rng, _gray(rng, 0.2, 0.5)), 0.9), rng.uniform(2.0, 4.0)
    if kind == 4:
        return Material(planks(rng, wood_color(rng), boards=int(rng.integers(5, 10))), 0.9), rng.uniform(0.8, 1.4)
    return Material(sheet_metal(rng), 0.9), rng.uniform(0.5, 1.5)


def timber(rng: np.random.Generator) -> Covering:
    """Wood for furniture, raw, varnished or painted."""
    if rng.random() < 0.35:
        return Material(plaster(rng, random_color(rng, light=(0.1, 0.8))), float(rng.choice([0.3, 0.8]))), 1.0
    return Material(wood(rng, wood_color(rng)), float(rng.choice([0.35, 0.8, 0.8]))), rng.uniform(0.5, 1.0)


def sheet_metal(rng: np.random.Generator) -> np.ndarray:
    """Corrugated sheet seen from afar: soft upright waves of brightness, (512, 512, 3)."""
    waves = np.sin(2 * np.pi * 8 * np.arange(512) / 512)[None]
    brightness = 1 + 0.15 * waves + 0.06 * clouds(rng, (512, 512), 1.4)
    return shaded(brightness, random_color(rng, light=(0.2, 0.6), vivid=0.5))


def _tinted(rng: np.random.Generator, picture: np.ndarray, low: float, high: float) -> np.ndarray:
    """The picture a little lighter or darker, warmer or cooler."""
    return np.clip(picture * rng.uniform(low, high) * rng.uniform(0.92, 1.08, 3), 0.01, 0.88).astype(np.float32)
