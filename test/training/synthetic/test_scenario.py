"""Random scenes: nothing intersects, the camera stands in free space and sees its object; depth and color agree."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("mitsuba", reason="needs the renderer of training.synthetic")

from redwood_depth.scans.redwood import RedwoodScan, decode_color, decode_depth
from training.synthetic.objects.desk_things import desk, keyboard, laptop, scattered, stairs, tote
from training.synthetic.objects.mesh import join
from training.synthetic.objects.part import Material, Part, bounds_of
from training.synthetic.objects.shapes import box, sheet
from training.synthetic.places.placement import Floor, on_wall, wall
from training.synthetic.places.street import Street
from training.synthetic.recording import Recording, render_scan
from training.synthetic.rendering.camera_path import HandheldPath, Station
from training.synthetic.rendering.light import Lamp, Light
from training.synthetic.rendering.patterns import box_mapped, palette, random_color
from training.synthetic.rendering.render import Camera, load_scene, render_color, render_surface
from training.synthetic.robot_views import stations_close_to, view_of_place
from training.synthetic.scenario import _camera, random_scenario

SHELL = ("wall_", "floor", "ground", "strip", "house", "lines", "far_", "kerb", "crown", "rug", "skirting")


@pytest.mark.parametrize("label", ["car", "trash container", "bicycle", "none"])
def test_the_camera_stands_in_free_space_and_sees_its_object(label: str) -> None:
    seen = 0
    for seed in range(3):
        scenario = random_scenario(label, (seed, 1), frames=10, width=64, height=48)
        things = [part.mesh.bounds() for part in scenario.street.parts if not part.name.startswith(SHELL)]
        for time_s in np.linspace(0, 9 / scenario.recording.fps, 5):
            pose = scenario.path.pose(float(time_s))
            eye = pose[:3, 3]
            assert 0.05 < eye[2] < 2.0
            assert not any((low < eye).all() and (eye < high).all() for low, high in things)
            seen += scenario.street.label(pose, fx=scenario.camera.fx, width=64, height=48) == label
        assert (label == "none") == (scenario.street.objects == {})
    assert label == "none" or seen >= 12


@pytest.mark.parametrize("maker", [desk, tote, scattered, stairs, keyboard, laptop])
def test_what_lies_within_reach_stands_on_the_ground_and_is_as_large_as_it_is(maker) -> None:
    for seed in range(4):
        low, high = bounds_of(maker(np.random.default_rng(seed)))
        assert low[2] == pytest.approx(0, abs=0.01)
        assert 0.03 < (high - low).max() < 4.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([desk, tote, scattered]))
def test_a_close_view_is_within_reach_and_out_of_things(seed: int, maker) -> None:
    rng = np.random.default_rng(seed)
    thing = maker(rng)
    for station in stations_close_to(rng, thing, 1.0):
        eye, target = np.array(station.position_m), np.array(station.target_m)
        assert 0.25 < np.linalg.norm(eye - target) < 1.4
        assert 0.1 < eye[2] < 1.95
        bounds = [part.mesh.bounds() for part in thing]
        assert not any((low < eye).all() and (eye < high).all() for low, high in bounds)


def test_cameras_of_rooms_are_of_many_heights_and_lenses() -> None:
    rng = np.random.default_rng(0)
    heights = [view_of_place(rng, 0.7, 3.0).eye_m for _ in range(200)]
    assert np.mean(np.array(heights) < 0.65) > 0.15
    assert np.mean(np.array(heights) > 1.2) > 0.3
    lenses = [_camera(rng, 64, 48, wide=True).fx for _ in range(200)]
    fields_deg = np.degrees(2 * np.arctan(32 / np.array(lenses)))
    assert fields_deg.min() == pytest.approx(50, abs=5)
    assert fields_deg.max() == pytest.approx(110, abs=5)


def test_the_same_seed_gives_the_same_scan() -> None:
    first, again = (random_scenario("none", (3, 5), frames=2, width=64, height=48) for _ in range(2))
    np.testing.assert_array_equal(again.path.pose(0.05), first.path.pose(0.05))
    assert [part.name for part in again.street.parts] == [part.name for part in first.street.parts]
    assert again.camera == first.camera


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_things_that_are_put_down_never_overlap_nor_leave_the_floor(seed: int) -> None:
    rng = np.random.default_rng(seed)
    floor = Floor((-2.0, -3.0, 2.5, 1.0))
    floor.reserve(0.0, 0.0, 0.5)
    placed = []
    for side in ("back", "left", "right", "front", "", "", ""):
        parts = floor.put(rng, [Part("box", box(*rng.uniform(0.2, 1.5, 3)), Material((0.5, 0.5, 0.5)))], against=side)
        placed += [bounds_of(parts)] if parts else []
    for number, (low, high) in enumerate(placed):
        assert (low[:2] >= [-2.0, -3.0]).all()
        assert (high[:2] <= [2.5, 1.0]).all()
        assert (low[:2] > 0.5).any() or (high[:2] < -0.5).any()
        for other_low, other_high in placed[:number]:
            assert (low[:2] >= other_high[:2]).any() or (high[:2] <= other_low[:2]).any()


@pytest.mark.parametrize(
    ("side", "axis", "at"), [("back", 1, 3.0), ("front", 1, -1.0), ("left", 0, -2.0), ("right", 0, 4.0)]
)
def test_walls_and_what_hangs_on_them_face_inwards(side: str, axis: int, at: float) -> None:
    area = (-2.0, -1.0, 4.0, 3.0)
    mesh = wall("wall", side, area, 2.5, Material((0.5, 0.5, 0.5)), 1.0).mesh
    assert mesh.vertices[:, axis] == pytest.approx(np.full(4, at))
    inwards = np.array([1.0, 1.0, 0.0]) - mesh.vertices.mean(axis=0)
    assert (mesh.face_normals() @ inwards > 0).all()
    hung = on_wall([Part("picture", box(0.1, 0.1, 0.1).moved(0, -0.05, 0), Material((0.5,) * 3))], side, area, 0.3, 1.5)
    low, high = bounds_of(hung)
    assert (low[:2] > [-2.001, -1.001]).all()
    assert (high[:2] < [4.001, 3.001]).all()
    assert min(abs(low[axis] - at), abs(high[axis] - at)) == pytest.approx(0, abs=1e-9)


def test_a_lamp_lights_what_it_faces_and_nothing_behind_it() -> None:
    camera = Camera(32, 24, 26.0, 26.0, 15.5, 11.5)
    ground = Part("ground", sheet(10, 10), Material((0.5, 0.5, 0.5), 0.9))
    above = np.diag([1.0, -1.0, -1.0, 1.0])
    above[2, 3] = 2.0
    brightness = []
    for y_half in (-0.5, 0.5):
        light = Light(lamps=(Lamp((0.0, 0.0, 3.0), (0.5, 0.0, 0.0), (0.0, y_half, 0.0), (10.0, 10.0, 10.0)),))
        scene = load_scene([ground], light)
        brightness.append(float(render_color(scene, camera, above, samples=4).mean()))
    assert brightness[0] > 0.05
    assert brightness[1] == pytest.approx(0.0, abs=1e-6)


def test_depth_and_color_agree_with_the_geometry(tmp_path: Path) -> None:
    """A white box before a dark wall: where depth says box, color is bright, and both are where the camera says."""
    camera = Camera(160, 120, 131.25, 131.25, 79.5, 59.5)
    parts = [
        Part("wall", sheet(20, 20).turned("x", 90).moved(0, 1.0, 0), Material((0.1, 0.1, 0.1), 0.9)),
        Part("car", box(1.0, 0.5, 0.6), Material((0.8, 0.8, 0.8), 0.9)),
    ]
    stations = [Station(0.0, (0.0, -2.25, 0.0), (0, 0, 0)), Station(1.0, (0.02, -2.25, 0.0), (0.02, 0, 0))]
    path = HandheldPath(stations, seed=1, shake_m=0.0, shake_deg=0.0)
    recording = Recording(frames=2, fps=10.0, color_dropped=(), depth_dropped=(), key=0.2, noise=0.0, seed=3)
    light = Light(np.full((8, 16, 3), 1.0, np.float32))
    render_scan(tmp_path, Street(parts, {"car": parts[1:]}), light, path, camera, recording, samples=8, about={})
    with RedwoodScan.open(tmp_path) as scan:
        assert len(scan.frames) == 2
        for frame in scan.frames:
            image = decode_color(scan.color_bytes(frame)).mean(axis=-1)
            depth = decode_depth(scan.depth_bytes(frame)) / 1000
            box_seen = (depth > 1.9) & (depth < 2.1)
            wall_seen = (depth > 3.1) & (depth < 3.4)
            assert (box_seen | wall_seen | (depth == 0)).all()
            assert box_seen.sum() == pytest.approx(131.25 * 1.0 / 2 * 131.25 * 0.6 / 2, rel=0.1)
            bright = image > (image[box_seen].mean() + image[wall_seen].mean()) / 2
            assert (bright == box_seen)[box_seen | wall_seen].mean() > 0.99


def test_a_smaller_camera_sees_the_same() -> None:
    camera = Camera()
    small = camera.scaled(0.25)
    assert (small.width, small.height, small.fx) == (160, 120, 131.25)
    scene = load_scene([Part("ball", box(0.5, 0.5, 0.5).moved(0.3, 3.0, 0.2), Material((0.5,) * 3))], Light())
    pose = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    middles = []
    for lens in (camera.scaled(0.5), small):
        v, u = np.nonzero(render_surface(scene, lens, pose).z_m)
        middles.append([(u.mean() - lens.cx) / lens.fx, (v.mean() - lens.cy) / lens.fy])
    assert middles[0] == pytest.approx(middles[1], abs=0.004)
    assert middles[0][0] > 0 > middles[0][1]


def test_many_meshes_become_one_part_with_a_color_each() -> None:
    rng = np.random.default_rng(0)
    meshes = [box(0.1, 0.1, 0.1).moved(x, 0, 0) for x in range(3)]
    mesh, picture = palette(rng, meshes, [(0.8, 0.1, 0.1), (0.1, 0.8, 0.1)])
    assert len(mesh.faces) == len(join(meshes).faces)
    assert picture.shape == (4, 8, 3)
    columns = np.unique(np.floor(mesh.uv[:, 0] * 8))
    assert set(columns) <= {2.0, 6.0}  # the middle of either color's four columns


def test_box_mapping_keeps_the_shape_and_the_scale() -> None:
    mesh = box_mapped(box(2.0, 1.0, 0.5), 0.5)
    assert mesh.volume_m3() == pytest.approx(1.0)
    assert np.ptp(mesh.uv, axis=0) == pytest.approx([4.0, 2.0])


@given(st.integers(0, 1000), st.floats(0.1, 0.8))
def test_random_colors_are_reflectances(seed: int, most: float) -> None:
    color = random_color(np.random.default_rng(seed), light=(0.05, most), vivid=1.0)
    assert all(0 < value <= most for value in color)
