"""A scan drawn at random: what stands where, in what light, how the camera goes about it and records it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from redwood_depth.bundle import NO_CLASS
from training.synthetic.objects.bicycle import bicycle_parts, random_bicycle
from training.synthetic.objects.car import car_parts, random_car
from training.synthetic.objects.clutter import (
    barrel,
    bench,
    carton_stack,
    crates,
    hedge,
    pallet_load,
    potted_plant,
    rug,
    tire_pile,
)
from training.synthetic.objects.containers import random_container
from training.synthetic.objects.desk_things import desk, scattered, stairs, tote
from training.synthetic.objects.furniture import bed, cabinet, chair, shelf, sofa, table
from training.synthetic.objects.part import Part
from training.synthetic.places.kitchen import dining_set, kitchen_units, work_place
from training.synthetic.places.outdoors import outdoors
from training.synthetic.places.placement import Floor, footprint, grounded
from training.synthetic.places.room import room
from training.synthetic.places.street import Street
from training.synthetic.recording import Recording
from training.synthetic.rendering.camera_path import HandheldPath, Station
from training.synthetic.rendering.light import Light
from training.synthetic.rendering.render import Camera
from training.synthetic.robot_views import stations_about, stations_close_to, view_of_object, view_of_place

CLASSES = ("car", "trash container", "bicycle")
INDOOR_SHARE = {"car": 0.2, "trash container": 0.4, "bicycle": 0.45, NO_CLASS: 0.75}
DISTANCE_M = {"car": (1.6, 4.2), "trash container": (0.9, 3.2), "bicycle": (1.0, 2.8), NO_CLASS: (0.7, 3.0)}
INDOOR_THINGS = (
    table,
    dining_set,
    dining_set,
    dining_set,
    work_place,
    work_place,
    kitchen_units,
    kitchen_units,
    kitchen_units,
    chair,
    shelf,
    cabinet,
    sofa,
    bed,
    potted_plant,
    carton_stack,
    rug,
    desk,
    stairs,
)
CLOSE_THINGS = (desk, desk, desk, table, work_place, shelf, shelf, cabinet, kitchen_units, tote, tote, scattered)
CLOSE_SHARE = 0.45  # of the rooms that show no object
HALL_SHARE = 0.25  # of the rooms that are long or wide: corridors and halls
WIDE_SHARE = 0.3  # of the scans of no object, by lenses of WIDE_DEG
WIDE_DEG = (50.0, 110.0)
OUTDOOR_THINGS = (bench, hedge, barrel, potted_plant, crates, carton_stack, pallet_load, tire_pile)


@dataclass(frozen=True)
class Scenario:
    """All that a scan is rendered from; `label` is its class, or "none"."""

    label: str
    indoors: bool
    street: Street
    light: Light
    path: HandheldPath
    camera: Camera
    recording: Recording


def random_scenario(label: str, seed: tuple[int, ...], *, frames: int, width: int, height: int) -> Scenario:
    """The scan of a class that belongs to a seed: the same seed gives the same scan."""
    rng = np.random.default_rng(seed)
    indoors = bool(rng.random() < INDOOR_SHARE[label])
    recording = _recording(rng, frames, indoors=indoors)
    thing, stations, clear = _subject(rng, label, frames / recording.fps, indoors=indoors)
    floor = _floor(rng, thing, stations, indoors=indoors, clear=clear)
    others, objects = _others(rng, label, floor)
    around, light = (
        room(rng, floor, garage=label != NO_CLASS and rng.random() < 0.7) if indoors else outdoors(rng, floor)
    )
    if label != NO_CLASS:
        objects.setdefault(label, []).extend(thing)
    street = Street([*around, *thing, *others], objects)
    shake_m, shake_deg = rng.uniform(0.003, 0.015), rng.uniform(0.3, 2.2)
    path = HandheldPath(stations, seed=int(rng.integers(1 << 31)), shake_m=shake_m, shake_deg=shake_deg)
    camera = _camera(rng, width, height, wide=label == NO_CLASS and rng.random() < WIDE_SHARE)
    return Scenario(label, indoors, street, light, path, camera, recording)


def _subject(
    rng: np.random.Generator, label: str, duration_s: float, *, indoors: bool
) -> tuple[list[Part], list[Station], bool]:
    """What the camera goes about, on z = 0 about the origin, how it does, and whether the view is to be kept free."""
    if label != NO_CLASS:
        thing, view = _object(rng, label), view_of_object(rng, *DISTANCE_M[label])
        return thing, stations_about(rng, thing, view, duration_s), view.clear
    if indoors and rng.random() < CLOSE_SHARE:
        thing = _turned(CLOSE_THINGS[int(rng.integers(len(CLOSE_THINGS)))](rng), rng.uniform(-70, 70))
        if stations := stations_close_to(rng, thing, duration_s):
            return thing, stations, True
    makers = INDOOR_THINGS if indoors else OUTDOOR_THINGS
    thing = _turned(makers[int(rng.integers(len(makers)))](rng), rng.uniform(-70, 70))
    near_m, far_m = DISTANCE_M[label]
    view = view_of_place(rng, near_m, far_m * 0.75 if indoors else far_m)
    return thing, stations_about(rng, thing, view, duration_s), view.clear


def _object(rng: np.random.Generator, label: str) -> list[Part]:
    """A random car, bin or bicycle, at a random angle to the viewer at -y."""
    if label == "car":
        return _turned(car_parts(random_car(rng)), rng.uniform(0, 360))
    if label == "trash container":
        return _turned(random_container(rng), rng.normal(-90, 60))
    lean = rng.uniform(3, 12) * rng.choice([-1, 1])
    leaning = [
        Part(part.name, part.mesh.turned("x", lean), part.material) for part in bicycle_parts(random_bicycle(rng))
    ]
    yaw = rng.normal(0, 30) + 180 * (lean > 0)
    return _turned(grounded(leaning), yaw)


def _turned(parts: list[Part], yaw_deg: float) -> list[Part]:
    return [part.placed(yaw_deg=yaw_deg) for part in parts]


def _recording(rng: np.random.Generator, frames: int, *, indoors: bool) -> Recording:
    """Half a second to two seconds, metered and developed by a camera of moods."""
    red, green, blue = (float(value) for value in rng.normal(1, 0.03, 3))
    return Recording(
        frames=frames,
        fps=min(30.0, frames / rng.uniform(0.5, 2.0)),
        color_dropped=_lost(rng, frames),
        depth_dropped=_lost(rng, frames),
        depth_delay_us=int(rng.integers(2_000, 12_000)),
        key=float(np.exp(rng.uniform(np.log(0.14), np.log(0.42)))),
        drift=float(rng.uniform(0, 0.15)),
        white_balance=float(rng.uniform(0.4, 1.0)),
        tint=(red, green, blue),
        blur_px=float(max(0.0, rng.uniform(-0.3, 0.8))),
        noise=float(rng.uniform(0.002, 0.02)),
        jpeg_quality=int(rng.integers(60, 96)),
        bounces=4 if indoors else 3,
        seed=int(rng.integers(1 << 31)),
    )


def _lost(rng: np.random.Generator, frames: int) -> tuple[int, ...]:
    """The frames, one in 25, that do not arrive; never the first nor the last."""
    return tuple(int(index) for index in np.nonzero(rng.random(frames) < 0.04)[0] if 0 < index < frames - 1)


def _camera(rng: np.random.Generator, width: int, height: int, *, wide: bool) -> Camera:
    """A camera like PrimeSense's, 525 / 640, its focal length and middle a little off, for pictures of a size; or one
    of another field of view."""
    focal = 525.0 / 640 * width * rng.uniform(0.92, 1.08)
    if wide:
        focal = width / 2 / np.tan(np.deg2rad(rng.uniform(*WIDE_DEG) / 2))
    cx, cy = (width - 1) / 2 + width * rng.normal(0, 0.005), (height - 1) / 2 + height * rng.normal(0, 0.005)
    return Camera(width, height, float(focal), float(focal), float(cx), float(cy))


def _floor(
    rng: np.random.Generator, thing: list[Part], stations: list[Station], *, indoors: bool, clear: bool
) -> Floor:
    """A floor about the thing and the way of the camera, both kept free; `clear`: the view between them as well."""
    x0, y0, x1, y1 = footprint(thing, 0.05)
    eyes = np.array([station.position_m[:2] for station in stations])
    hall = indoors and rng.random() < HALL_SHARE
    farthest_m = (8.0 if hall else 2.2) if indoors else 5.0
    spare = functools.partial(rng.uniform, 0.1 if indoors and not hall else 0.3, farthest_m)
    behind = rng.uniform(0.03, 0.3) if rng.random() < 0.5 else spare()
    area = (
        min(x0, eyes[:, 0].min() - 0.5) - spare(),
        min(y0, eyes[:, 1].min() - 0.5) - spare(),
        max(x1, eyes[:, 0].max() + 0.5) + spare(),
        max(y1, eyes[:, 1].max() + 0.5) + behind,
    )
    floor = Floor(area)
    floor.reserve_parts(thing)
    for eye in eyes:
        floor.reserve(eye[0], eye[1], 0.5 if clear else 0.4)
        for share in (0.25, 0.5, 0.75) if clear else ():
            floor.reserve(share * eye[0], share * eye[1], 0.35)
    return floor


def _others(rng: np.random.Generator, label: str, floor: Floor) -> tuple[list[Part], dict[str, list[Part]]]:
    """At times a second object of any class in the background; never one where there shall be none."""
    objects: dict[str, list[Part]] = {}
    if label != NO_CLASS and rng.random() < 0.4:
        name = CLASSES[int(rng.integers(len(CLASSES)))]
        placed = floor.put(rng, _object(rng, name))
        if placed:
            objects[name] = list(placed)
    return [part for parts in objects.values() for part in parts], objects
