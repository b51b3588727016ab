"""Rendering and writing a scan: depth against geometry, and the layout that the rest of the project reads."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("mitsuba", reason="needs the renderer of training.synthetic")

from redwood_depth.scans.redwood import RedwoodScan
from training.synthetic.objects.part import Material, Part
from training.synthetic.objects.shapes import box, sheet
from training.synthetic.places.street import Street, sample_path, sample_street
from training.synthetic.recording import Recording, render_scan
from training.synthetic.rendering.camera_path import HandheldPath, Station, look_at
from training.synthetic.rendering.light import Light
from training.synthetic.rendering.render import Camera, develop, load_scene, render_color, render_surface
from training.synthetic.rendering.sky import Sky, sky_picture
from training.synthetic.sample import main

TINY = Camera(width=80, height=60, fx=65.625, fy=65.625, cx=39.5, cy=29.5)
SKY = Light(sky_picture(Sky(), np.random.default_rng(0), 32))
GRAY = Material((0.5, 0.5, 0.5), roughness=0.8)


def wall_at(distance_m: float) -> Part:
    """A large wall in the plane y = 0, seen from y = -distance."""
    return Part("wall", sheet(40, 40).turned("x", 90), Material((0.2, 0.4, 0.6), roughness=0.8))


@pytest.mark.parametrize("distance_m", [0.8, 2.5, 6.0])
def test_depth_of_a_wall_is_z_and_not_the_length_of_the_ray(distance_m: float) -> None:
    scene = load_scene([wall_at(distance_m)], SKY)
    surface = render_surface(scene, TINY, look_at(np.array([0.0, -distance_m, 0.0]), np.zeros(3)))
    assert surface.z_m.shape == (60, 80)
    assert np.abs(surface.z_m - distance_m).max() < 1e-3 * distance_m
    assert surface.albedo == pytest.approx(np.full((60, 80), 0.4), abs=0.01)
    assert surface.incidence[30, 40] == pytest.approx(1.0, abs=1e-3)
    assert surface.incidence[0, 0] < 0.85


def test_a_box_is_where_the_intrinsics_put_it_and_the_sky_has_no_depth() -> None:
    """A box right of and above the axis lands at u = fx x / z + cx, v = fy y / z + cy."""
    cube = Part("cube", box(0.4, 0.4, 0.4).moved(1.0, 4.2, 0.5), GRAY)
    scene = load_scene([cube], SKY)
    surface = render_surface(scene, TINY, look_at(np.zeros(3), np.array([0.0, 1.0, 0.0])))
    v, u = np.nonzero(surface.z_m)
    assert u.mean() == pytest.approx(TINY.fx * 1.0 / 4.0 + TINY.cx, abs=0.6)
    assert v.mean() == pytest.approx(TINY.fy * -0.5 / 4.0 + TINY.cy, abs=0.6)
    assert np.median(surface.z_m[v, u]) == pytest.approx(4.0, abs=0.01)
    assert (surface.z_m == 0).mean() > 0.8


def test_color_is_lit_and_developed_to_8_bits() -> None:
    scene = load_scene([wall_at(2.0)], SKY)
    pose = look_at(np.array([0.0, -2.0, 0.0]), np.zeros(3))
    image = develop(render_color(scene, TINY, pose, samples=4), exposure=1.0, noise=0.005, rng=np.random.default_rng(0))
    assert image.shape == (60, 80, 3)
    assert image.dtype == np.uint8
    red, green, blue = image.reshape(-1, 3).mean(axis=0)
    assert red < green < blue


@pytest.fixture(scope="module")
def tiny_scan(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Street, HandheldPath, Recording]:
    scan = tmp_path_factory.mktemp("scan")
    cube = Part("cube", box(1.0, 0.4, 1.0, 0.02).moved(0, -0.4, 0), GRAY)
    street = Street([wall_at(3.0), cube], {"car": [cube]})
    path = HandheldPath([Station(0.0, (-0.3, -3.0, 0.0), (0, 0, 0)), Station(1.0, (0.3, -3.0, 0.0), (0, 0, 0))], seed=1)
    recording = Recording(frames=6, fps=10.0, color_dropped=(2,), depth_dropped=(0, 4))
    render_scan(scan, street, SKY, path, TINY, recording, samples=1, about={})
    return scan, street, path, recording


def test_a_scan_has_the_layout_of_redwood_and_is_paired_by_stamp(
    tiny_scan: tuple[Path, Street, HandheldPath, Recording],
) -> None:
    scan, *_ = tiny_scan
    assert len(list(scan.glob("rgb/[0-9]*-[0-9]*.jpg"))) == 5
    assert len(list(scan.glob("depth/[0-9]*-[0-9]*.png"))) == 4
    for file in (*scan.glob("rgb/*"), *scan.glob("depth/*")):
        number, stamp = file.stem.split("-")
        assert (len(number), len(stamp)) == (7, 12)
    with RedwoodScan.open(scan) as opened:
        assert len(opened.frames) == 3
        assert all(0 < frame.depth_stamp_us - frame.color_stamp_us < 10_000 for frame in opened.frames)
    depth = cv2.imread(str(next(scan.glob("depth/*"))), cv2.IMREAD_UNCHANGED)
    assert depth.dtype == np.uint16
    assert 2000 < np.median(depth[depth > 0]) < 3200


def test_info_names_the_camera_the_unit_and_the_class_in_view(
    tiny_scan: tuple[Path, Street, HandheldPath, Recording],
) -> None:
    scan, *_ = tiny_scan
    info = json.loads((scan / "info.json").read_text())
    assert {key: info[key] for key in ("width", "height", "fx", "cx", "depth_unit", "frames")} == {
        "width": 80,
        "height": 60,
        "fx": 65.625,
        "cx": 39.5,
        "depth_unit": "mm",
        "frames": 5,
    }
    assert info["labels"] == {file.stem: "car" for file in sorted(scan.glob("rgb/*"))}


def test_a_second_run_renders_only_what_is_missing(tiny_scan: tuple[Path, Street, HandheldPath, Recording]) -> None:
    scan, street, path, recording = tiny_scan
    files = sorted(scan.rglob("*-*.*"))
    before = {file: file.read_bytes() for file in files}
    files[0].unlink()
    written = {file: file.stat().st_mtime_ns for file in files[1:]}
    render_scan(scan, street, SKY, path, TINY, recording, samples=1, about={})
    assert {file: file.stat().st_mtime_ns for file in files[1:]} == written
    assert {file: file.read_bytes() for file in files} == before
    assert not list(scan.rglob("*.part"))


def test_the_sample_walk_shows_each_class_for_a_while() -> None:
    street, path = sample_street(), sample_path()
    color, depth = Recording().stamps()
    labels = [street.label(path.pose(stamp.time_s), fx=525.0, width=640, height=480) for stamp in color[::3]]
    assert {name: labels.count(name) >= 4 for name in street.objects} == dict.fromkeys(street.objects, True)
    assert len(color) != len(depth)


def test_bad_usage_is_one_line_and_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["--output", str(tmp_path / "file"), "--samples", "1"]) == 1
    assert capsys.readouterr().err.count("\n") <= 2
