"""How a camera goes about a thing: by hand or from a robot, from across the room or within arm's reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synthetic.objects.mesh import Floats
from training.synthetic.objects.part import Part, bounds_of
from training.synthetic.rendering.camera_path import Station

LOWEST_EYE_M, HIGHEST_EYE_M = 0.1, 1.95
ARMS_REACH_M = (0.28, 1.2)
CLEARANCE_M = 0.04  # of the eye from the bounds of every part


@dataclass(frozen=True)
class View:
    """How far off, how high, how far from the thing's middle the camera aims, and whether the view is kept free."""

    away_m: float
    eye_m: float
    aim: float
    clear: bool


def view_of_object(rng: np.random.Generator, near_m: float, far_m: float) -> View:
    """A person looks at an object from a distance."""
    away = near_m + (far_m - near_m) * rng.beta(1.2, 1.8)
    return View(float(away), _standing(rng), 0.16, True)


def view_of_place(rng: np.random.Generator, near_m: float, far_m: float) -> View:
    """A person or a low robot looks about among things."""
    among = rng.random() < 0.7
    near = 0.3 if among else near_m
    away = near + (far_m - near) * rng.beta(1.2, 1.8)
    low = among and rng.random() < 0.4
    return View(
        float(away), rng.uniform(LOWEST_EYE_M, 0.65) if low else _standing(rng), 0.3 if among else 0.16, not among
    )


def stations_about(rng: np.random.Generator, thing: list[Part], view: View, duration_s: float) -> list[Station]:
    """A short arc about a thing, seen from -y, its distance from the thing's surface."""
    low, high = bounds_of(thing)
    size = high - low
    start, sweep = rng.uniform(-55, 55), rng.uniform(4, 40) * rng.choice([-1, 1])
    rise = rng.normal(0, 0.08)
    middle = [0, 0, low[2] + size[2] * rng.uniform(0.35, 0.75)]
    aim = rng.normal(0, view.aim, 3) * [size[0], size[1], 0.6 * size[2]] + middle
    drift = rng.normal(0, 0.06, 3) * size
    stations = []
    for share in np.linspace(0, 1, 4):
        angle = np.deg2rad(start + sweep * share)
        ahead = np.array([np.sin(angle), -np.cos(angle)])
        x, y = ahead * (_reach_m(thing, ahead) + view.away_m)
        eye = float(np.clip(view.eye_m + rise * share, LOWEST_EYE_M, HIGHEST_EYE_M))
        target = aim + drift * share
        stations.append(_station(share, duration_s, np.array([x, y, eye]), target))
    return stations


def stations_close_to(rng: np.random.Generator, thing: list[Part], duration_s: float) -> list[Station]:
    """A slow move within arm's reach of something on a thing, oblique or steep from above; [] without room."""
    low, high = bounds_of(thing)
    size = high - low
    bounds = [part.mesh.bounds() for part in thing]
    for _ in range(30):
        top = rng.uniform(low, high)
        top[2] = low[2] + size[2] * rng.uniform(0.3, 1.0) if rng.random() < 0.3 else _height_at(bounds, top[:2])
        away = float(np.exp(rng.uniform(*np.log(ARMS_REACH_M))))
        steep, around = np.deg2rad(rng.uniform(5, 80)), np.deg2rad(rng.uniform(-60, 60))
        stations = []
        for share in np.linspace(0, 1, 4):
            turn = around + 0.15 * share
            ahead = np.array([np.cos(steep) * np.sin(turn), -np.cos(steep) * np.cos(turn), np.sin(steep)])
            stations.append(_station(share, duration_s, top + away * (1 + 0.1 * share) * ahead, top))
        if all(_is_free(station.position_m, bounds) for station in stations):
            return stations
    return []


def _station(share: float, duration_s: float, eye: Floats, target: Floats) -> Station:
    x, y, z = (float(value) for value in eye)
    to_x, to_y, to_z = (float(value) for value in target)
    return Station(share * duration_s + 1 / 30, (x, y, z), (to_x, to_y, max(to_z, 0.02)))


def _height_at(bounds: list[tuple[Floats, Floats]], at: Floats) -> float:
    """The highest part's top over a point of the ground, 0 where there is none."""
    return max((high[2] for low, high in bounds if (low[:2] < at).all() and (at < high[:2]).all()), default=0.0)


def _is_free(eye: tuple[float, float, float], bounds: list[tuple[Floats, Floats]]) -> bool:
    place = np.array(eye)
    inside = any((low - CLEARANCE_M < place).all() and (place < high + CLEARANCE_M).all() for low, high in bounds)
    return LOWEST_EYE_M + 0.02 < place[2] < HIGHEST_EYE_M - 0.02 and not inside


def _standing(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.3, 1.8) if rng.random() < 0.35 else rng.normal(1.4, 0.2))


def _reach_m(thing: list[Part], ahead: Floats) -> float:
    """How far a thing reaches in a level direction."""
    return float(max((part.mesh.vertices[:, :2] @ ahead).max() for part in thing))
