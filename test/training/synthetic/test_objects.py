"""The procedural objects: closed surfaces that look outwards, true to life in size, standing on the ground."""

from collections.abc import Callable

import numpy as np
import pytest

from training.synthetic.objects.bicycle import Bicycle, bicycle_parts, random_bicycle
from training.synthetic.objects.car import Car, car_parts, random_car
from training.synthetic.objects.car_body import CarShape, body_mesh
from training.synthetic.objects.mesh import Mesh, corner_normals, join, mirrored_pair, open_edge_share
from training.synthetic.objects.part import Part, bounds_of
from training.synthetic.objects.shapes import box, ellipsoid, ring, tube, turned_profile
from training.synthetic.objects.trash_container import TrashContainer, random_trash_container, trash_container_parts
from training.synthetic.rendering.camera_path import HandheldPath, Station, look_at

SIZES_M = {  # class: (length along x, width along y, height), each (least, most)
    "car": ((3.3, 5.1), (1.6, 2.3), (1.3, 2.0)),
    "trash container": ((0.6, 1.0), (0.45, 0.8), (0.85, 1.25)),
    "bicycle": ((0.9, 2.05), (0.2, 0.75), (0.55, 1.2)),
}


def random_parts(name: str, seed: int) -> list[Part]:
    rng = np.random.default_rng(seed)
    made: dict[str, Callable[[], list[Part]]] = {
        "car": lambda: car_parts(random_car(rng)),
        "trash container": lambda: trash_container_parts(random_trash_container(rng)),
        "bicycle": lambda: bicycle_parts(random_bicycle(rng)),
    }
    return made[name]()


@pytest.mark.parametrize("name", SIZES_M)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_random_object_has_the_size_of_a_real_one_and_stands_on_the_ground(name: str, seed: int) -> None:
    low, high = bounds_of(random_parts(name, seed))
    for extent, (least, most) in zip(high - low, SIZES_M[name], strict=True):
        assert least <= extent <= most
    assert abs(low[2]) < 1e-3


@pytest.mark.parametrize(
    ("parts", "tires"),
    [
        (car_parts(Car()), "car_tyres"),
        (trash_container_parts(TrashContainer()), "bin_tyres"),
        (bicycle_parts(Bicycle()), "bicycle_tyres"),
    ],
)
def test_the_wheels_touch_the_ground(parts: list[Part], tires: str) -> None:
    low, _ = next(part for part in parts if part.name == tires).mesh.bounds()
    assert abs(low[2]) < 2e-3


@pytest.mark.parametrize(
    ("mesh", "volume_m3"),
    [
        (box(1.0, 2.0, 3.0), 6.0),
        (ellipsoid(1.0, 1.0, 1.0, 64), 4 / 3 * np.pi),
        (ring(1.0, 0.1, 64, 32), 2 * np.pi**2 * 0.1**2),
        (tube([(0, 0, 0), (0, 1, 0), (0, 2, 0)], 0.5, 64), 2 * np.pi * 0.5**2),
        (turned_profile([(0, 0), (0.5, 0), (0.5, 2), (0, 2)], 64), 2 * np.pi * 0.5**2),
    ],
)
def test_shapes_are_closed_look_outwards_and_have_their_volume(mesh: Mesh, volume_m3: float) -> None:
    assert open_edge_share(mesh) == 0
    assert mesh.volume_m3() == pytest.approx(volume_m3, rel=0.02)
    assert mesh.scaled(1, -1, 1).volume_m3() == pytest.approx(mesh.volume_m3())


@pytest.mark.parametrize("name", ["trash container", "bicycle"])
def test_the_parts_of_objects_are_closed_and_look_outwards(name: str) -> None:
    for part in random_parts(name, 5):
        assert open_edge_share(part.mesh) < 0.01, part.name
        assert part.mesh.volume_m3() > 0, part.name


def test_the_body_of_a_car_is_closed_and_cut_into_its_painted_faces_without_loss() -> None:
    body = body_mesh(CarShape())
    assert open_edge_share(body) < 0.002
    assert 3.5 < body.volume_m3() < 8.0
    skin = [part for part in car_parts(Car()) if part.name in ("car_sides", "car_top", "car_front", "car_rear")]
    assert sum(len(part.mesh.faces) for part in skin) == len(body.faces)


def test_normals_are_smooth_on_a_ball_and_sharp_on_a_box() -> None:
    ball = ellipsoid(1, 1, 1, 48)
    inner = np.abs(ball.corners()[..., 2]) < 0.9
    assert np.abs(corner_normals(ball) - ball.corners())[inner].max() < 0.05
    assert np.abs(corner_normals(box(1, 1, 1))).max(axis=-1).min() == pytest.approx(1.0, abs=1e-4)


def test_a_mirrored_pair_lies_on_both_sides() -> None:
    low, high = mirrored_pair(join([box(0.1, 0.1, 0.1).moved(0, 1, 0)])).bounds()
    assert (low[1], high[1]) == pytest.approx((-1.05, 1.05))


def test_the_camera_looks_at_its_target_with_the_ground_below() -> None:
    pose = look_at(np.array([1.0, -3.0, 1.5]), np.array([1.0, 0.0, 0.5]))
    ahead = np.linalg.inv(pose) @ [1.0, 0.0, 0.5, 1.0]
    assert ahead[:2] == pytest.approx([0, 0], abs=1e-9)
    assert ahead[2] == pytest.approx(np.hypot(3, 1))
    assert (pose[:3, 1] @ [0, 0, 1]) < 0  # image rows run downwards
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1.0)


def test_a_handheld_path_is_smooth_repeatable_and_passes_its_stations() -> None:
    stations = [Station(t, (t, -3.0, 1.4), (t, 0.0, 0.6)) for t in (0.0, 1.0, 2.5)]
    path, again = HandheldPath(stations, seed=3), HandheldPath(stations, seed=3)
    poses = np.stack([path.pose(t) for t in np.arange(0, 2.5, 0.01)])
    assert np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1).max() < 0.03
    assert np.linalg.norm(path.pose(1.0)[:3, 3] - [1.0, -3.0, 1.4]) < 0.06
    assert np.array_equal(path.pose(1.7), again.pose(1.7))
