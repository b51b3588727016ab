"""Preparing data sets in their own layouts, and scans whose stamps are of another unit."""

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data.preparation import PrepareSettings, prepare

SMALL = PrepareSettings(height=12, width=16, frames_per_scan=0)


def put(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())


def frames(root: Path, color: str, depth: str, names: list[str], per_m: int = 1000) -> None:
    for index, name in enumerate(names):
        put(root / color.format(name), np.full((48, 64, 3), 10 * index, np.uint8))
        put(root / depth.format(name), np.full((48, 64), (2 + index) * per_m, np.uint16))


def test_tum_and_open3d_are_prepared_as_scans_are(tmp_path: Path) -> None:
    root = tmp_path / "scans"
    stamps = [f"{1305031102.175304 + i / 30:.6f}" for i in range(3)]
    frames(root / "car" / "freiburg2_desk", "rgb/{}.png", "depth/{}.png", stamps, per_m=5000)
    frames(root / "car" / "own", "color/{}.jpg", "depth/{}.png", ["000000", "000001"])
    matrix = [60.0, 0, 0, 0, 60.0, 0, 31.5, 23.5, 1]
    intrinsics = {"width": 64, "height": 48, "intrinsic_matrix": matrix}
    (root / "car" / "own" / "camera_intrinsic.json").write_text(json.dumps(intrinsics))
    data, failed, notes = prepare([root], tmp_path / "data", SMALL, jobs=1)
    assert (failed, notes) == ({}, [])
    tum, own = data.all_scans
    assert (tum.name, own.name) == ("car/freiburg2_desk", "car/own")
    assert tum.depth[:, 5, 5].tolist() == [2000, 3000, 4000]
    assert own.depth[:, 5, 5].tolist() == [2000, 3000]
    assert tum.intrinsics.fx == pytest.approx(520.9 * 16 / 640)
    assert own.record.notes == []


def test_a_scan_in_milliseconds_is_paired_as_such_and_that_is_noted(tmp_path: Path) -> None:
    root = tmp_path / "scans" / "car" / "00001"
    frames(root, "rgb/{}.jpg", "depth/{}.png", [f"{i + 1:07d}-{67 * i:012d}" for i in range(5)])
    (root / "depth" / f"{2:07d}-{67:012d}.png").unlink()
    data, _, _ = prepare([tmp_path / "scans"], tmp_path / "data", SMALL, jobs=1)
    (scan,) = data.all_scans
    assert scan.depth[:, 5, 5].tolist() == [2000, 4000, 5000, 6000]
    assert "milliseconds" in scan.record.notes[0]


def test_a_zip_of_several_scans_is_several_scans(tmp_path: Path) -> None:
    for name, count in (("A", 3), ("B", 2)):
        frames(tmp_path / name, "rgb/{}.jpg", "depth/{}.png", [f"{i:07d}-{33333 * i:012d}" for i in range(count)])
    (tmp_path / "scans" / "car").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "scans" / "car" / "both.zip", "w") as archive:
        for path in sorted(tmp_path.glob("[AB]/*/*")):
            archive.write(path, path.relative_to(tmp_path))
    data, failed, notes = prepare([tmp_path / "scans"], tmp_path / "data", SMALL, jobs=1)
    assert (failed, notes) == ({}, [])
    assert [(scan.name, len(scan)) for scan in data.all_scans] == [("car/A", 3), ("car/B", 2)]
