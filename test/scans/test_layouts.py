"""Data sets and exports as people have them: every row of the table, read or named."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from redwood_depth.errors import ScanError
from redwood_depth.evaluation.recordings import open_recording
from redwood_depth.rgbd import RgbdFrame
from redwood_depth.scans.layouts.table import FOREIGN, LAYOUTS

DEPTH_MM = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) + 500
DEPTH_MM[0, 0] = 0
WANTED_M = np.where(DEPTH_MM > 0, DEPTH_MM / np.float32(1000), np.nan)


def color(index: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size[1], size[0], 3), (10 * index, 100, 200), np.uint8)  # BGR


def put(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())
    return path


def read(path: Path) -> tuple[list[RgbdFrame], list[str], dict[str, str | None]]:
    with open_recording(path) as source:
        frames = list(source)
        assert source.skipped.corrupt == 0, source.skipped.corrupt_example
        return frames, list(source.warnings), dict(source.taken)


def indices(frames: list[RgbdFrame]) -> list[int]:
    """Which color images they are."""
    return [round(float(frame.color.rgb()[..., 2].mean()) / 10) for frame in frames]


def numbered(root: Path, color_name: str, depth_name: str, count: int = 3) -> Path:
    for index in range(count):
        put(root / color_name.format(index), color(index))
        put(root / depth_name.format(index), DEPTH_MM)
    return root


@pytest.mark.parametrize("lists", ["names", "rgb.txt and depth.txt", "associations.txt"])
@pytest.mark.parametrize("number", ["1", "2", "3", ""])
def test_tum_pairs_by_stamp_and_knows_its_cameras(tmp_path: Path, lists: str, number: str) -> None:
    root = tmp_path / f"rgbd_dataset_freiburg{number}_desk"
    rgb = [f"{1305031102.175304 + i / 30:.6f}" for i in range(6)]
    depth = [f"{1305031102.160407 + i / 30:.6f}" for i in (0, 1, 3, 4, 5)]
    for index, stamp in enumerate(rgb):
        put(root / "rgb" / f"{stamp}.png", color(index, (640, 480)))
    for stamp in depth:
        put(root / "depth" / f"{stamp}.png", DEPTH_MM * 5)
    if lists.startswith("rgb"):
        (root / "rgb.txt").write_text("# color images\n" + "".join(f"{at} rgb/{at}.png\n" for at in rgb))
        (root / "depth.txt").write_text("# depth maps\n" + "".join(f"{at} depth/{at}.png\n" for at in depth))
    elif lists.startswith("assoc"):
        pairs = zip([rgb[i] for i in (0, 1, 3, 4, 5)], depth, strict=True)
        (root / "associations.txt").write_text("".join(f"{c} rgb/{c}.png {d} depth/{d}.png\n" for c, d in pairs))
    frames, warnings, taken = read(root)
    assert indices(frames) == [0, 1, 3, 4, 5]
    assert warnings == []
    assert taken == {"color": "rgb/", "depth": "depth/", "camera_info": "TUM's"}
    np.testing.assert_allclose(frames[0].depth_m, WANTED_M, rtol=1e-6)
    assert frames[0].intrinsics.fx == {"1": 517.3, "2": 520.9, "3": 535.4, "": 525.0}[number]
    assert frames[0].color_stamp_ns == 1305031102_175304000
    assert frames[0].depth_stamp_ns == 1305031102_160407000


def test_icl_nuim_is_upright_and_its_focal_length_positive(tmp_path: Path) -> None:
    for index in range(3):
        put(tmp_path / "rgb" / f"{index}.png", color(index, (640, 480)))
        put(tmp_path / "depth" / f"{index}.png", DEPTH_MM * 5)
    (tmp_path / "associations.txt").write_text("".join(f"{i} depth/{i}.png {i} rgb/{i}.png\n" for i in range(3)))
    frames, warnings, taken = read(tmp_path)
    assert (indices(frames), warnings, taken["camera_info"]) == ([0, 1, 2], [], "ICL-NUIM's")
    assert (frames[0].intrinsics.fx, frames[0].intrinsics.fy) == (481.2, 480.0)
    np.testing.assert_allclose(frames[0].depth_m, WANTED_M, rtol=1e-6)


@pytest.mark.parametrize("folder", ["color", "image", "rgb"])
@pytest.mark.parametrize("name", ["camera_intrinsic.json", "intrinsic.json"])
def test_open3d_s_layout_with_its_calibration(tmp_path: Path, folder: str, name: str) -> None:
    numbered(tmp_path, folder + "/{:06d}.jpg", "depth/{:06d}.png", 11)
    matrix = [60.0, 0, 0, 0, 61.0, 0, 31.5, 23.5, 1]
    (tmp_path / name).write_text(json.dumps({"width": 64, "height": 48, "intrinsic_matrix": matrix}))
    frames, warnings, taken = read(tmp_path)
    assert (indices(frames), warnings, taken["camera_info"]) == (list(range(11)), [], name)
    assert (frames[0].intrinsics.fx, frames[0].intrinsics.fy, frames[0].intrinsics.cx) == (60.0, 61.0, 31.5)
    np.testing.assert_allclose(frames[0].depth_m, WANTED_M, rtol=1e-6)


@pytest.mark.parametrize("calibrated", [True, False])
def test_scannet_s_export_is_in_order_of_numbers(tmp_path: Path, calibrated: bool) -> None:
    root = numbered(tmp_path / "scene0707_00", "color/{}.jpg", "depth/{}.png", 12)
    if calibrated:
        put(root / "intrinsic" / "x.png", DEPTH_MM)
        (root / "intrinsic" / "intrinsic_color.txt").write_text("58 0 32 0\n0 59 24 0\n0 0 1 0\n0 0 0 1\n")
    frames, warnings, _ = read(root)
    assert indices(frames) == list(range(12))
    assert [frame.intrinsics and frame.intrinsics.fy for frame in frames] == [59.0 if calibrated else None] * 12
    assert warnings == [] if calibrated else "ScanNet" in warnings[0]


def test_seven_scenes_says_that_its_depth_is_of_another_view(tmp_path: Path) -> None:
    numbered(tmp_path / "seq-01", "frame-{:06d}.color.png", "frame-{:06d}.depth.png")
    far = DEPTH_MM.copy()
    far[5:9] = 65535
    put(tmp_path / "seq-01" / "frame-000001.depth.png", far)
    frames, warnings, _ = read(tmp_path / "seq-01")
    assert indices(frames) == [0, 1, 2]
    assert np.isnan(frames[1].depth_m[5:9]).all()
    assert "not registered" in warnings[0]


@pytest.mark.parametrize("views", [1, 2])
def test_sun_rgbd_s_bits_are_turned_back(tmp_path: Path, views: int) -> None:
    for index in range(views):
        view = tmp_path if views == 1 else tmp_path / f"view{index}"
        put(view / "image" / "a.jpg", color(index))
        put(view / "depth" / "a.png", ((DEPTH_MM << 3) | (DEPTH_MM >> 13)).astype(np.uint16))
        (view / "intrinsics.txt").write_text("52 0 32\n0 53 24\n0 0 1")
    frames, warnings, _ = read(tmp_path)
    assert (indices(frames), warnings) == (list(range(views)), [])
    np.testing.assert_allclose(frames[0].depth_m, WANTED_M, rtol=1e-6)
    assert frames[0].intrinsics.fy == 53.0


@pytest.mark.parametrize(
    ("color_name", "depth_name"),
    [
        ("rgb/{:05d}.jpg", "depth/{:05d}.png"),
        ("color/img_{}.png", "depth/depth_{}.png"),
        ("images/{}.webp", "depth/{}.tiff"),
    ],
)
def test_anybody_s_numbers_are_paired_and_that_is_said(tmp_path: Path, color_name: str, depth_name: str) -> None:
    numbered(tmp_path, color_name, depth_name, 12)
    (tmp_path / color_name.format(4)).unlink()
    (tmp_path / depth_name.format(7)).unlink()
    with open_recording(tmp_path) as source:
        frames = list(source)
    assert indices(frames) == [i for i in range(12) if i not in (4, 7)]
    assert (source.skipped.unpaired_color, source.skipped.unpaired_depth) == (1, 1)
    assert any("numbers, not stamps" in words for words in source.warnings)
    assert any("not corrected for the focal length" in words for words in source.warnings)
    assert frames[0].intrinsics is None


def test_stray_scanner_s_video_taken_apart(tmp_path: Path) -> None:
    numbered(tmp_path, "rgb/{:06d}.png", "depth/{:06d}.png")
    (tmp_path / "camera_matrix.csv").write_text("58.0, 0.0, 32.0\n0.0, 58.5, 24.0\n0.0, 0.0, 1.0\n")
    frames, warnings, _ = read(tmp_path)
    assert (frames[0].intrinsics.fy, warnings) == (58.5, [])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.mkv", "Azure Kinect.*azure_kinect_mkv_reader.py --input"),
        ("a.svo", "ZED.*svo_path:="),
        ("a.svo2", "ZED.*ros2 bag record"),
        ("a.r3d", "Record3D.*camera_intrinsic.json"),
        ("a.sens", "ScanNet.*--export_depth_images"),
        ("a.mat", "MATLAB.*16-bit mm"),
        ("raw/d-1294.pgm", "NYU.*project_depth_map"),
        ("stray/rgb.mp4", "Stray Scanner.*ffmpeg"),
    ],
)
def test_what_is_not_read_is_named_with_its_remedy(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "stray" / "depth").mkdir(parents=True)
    (tmp_path / "raw").mkdir()
    (tmp_path / name).write_bytes(b"anything")
    path = tmp_path / name if "/" not in name else (tmp_path / name).parent
    with pytest.raises(ScanError, match=words):
        open_recording(path)


def test_empty_folders_and_damaged_calibrations_are_scan_errors(tmp_path: Path) -> None:
    (tmp_path / "a" / "rgb").mkdir(parents=True)
    (tmp_path / "a" / "depth").mkdir()
    with pytest.raises(ScanError, match="no rgb/NNN"):
        open_recording(tmp_path / "a")
    root = numbered(tmp_path / "b", "color/{}.jpg", "depth/{}.png")
    (root / "intrinsic.json").write_text('{"width": 64}')
    with pytest.raises(ScanError, match="not Open3D's camera description"):
        open_recording(root)
    numbered(tmp_path / "c", "color/1{}.jpg", "depth/2{}.png")
    with pytest.raises(ScanError, match="no number is in the names of both"):
        open_recording(tmp_path / "c")


@pytest.mark.parametrize("size", [(64, 36), (48, 64)])
def test_depth_of_another_view_is_refused_unless_the_user_knows_better(tmp_path: Path, size: tuple[int, int]) -> None:
    for index in range(2):
        put(tmp_path / "color" / f"{index}.png", color(index, size))
        put(tmp_path / "depth" / f"{index}.png", DEPTH_MM)
    with pytest.raises(ScanError, match="--registered"), open_recording(tmp_path) as source:
        list(source)
    with open_recording(tmp_path, registered=True) as source:
        assert len(list(source)) == 2


def test_the_documentation_s_table_is_this_one() -> None:
    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text("utf-8")
    for layout in LAYOUTS:
        assert f"| {layout.name} | {layout.known_by} | {layout.unit} | {layout.invalid} | {layout.lacks} |" in text
    for foreign in FOREIGN:
        assert f"| {foreign.name} | {foreign.known_by} | {foreign.remedy} |" in text
