"""Prepared scans as bags: read as the other half of the project writes them, scored as what they were made of."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redwood_depth.bundle import ModelBundle
from redwood_depth.camera import Intrinsics
from redwood_depth.commands.evaluate_bag import main
from redwood_depth.errors import ScanError
from redwood_depth.scans.prepared import PreparedSource, class_of
from training.data import prepared_data
from training.data.splits import write_splits

HEIGHT, WIDTH, FRAMES = 24, 32, 3
CAMERA = Intrinsics(WIDTH, HEIGHT, 26.25, 26.25, 15.5, 11.5)
# The tiny bundle turns a brightness of 51 into 2.1 m, and answers bright gray with its first class, car.
TEST_SCANS = {"car/00001": 2000, "none/00002": 2200}


def write_prepared(data: Path) -> Path:
    """Two scans of the test split and one to train on, written with the writer's own functions."""
    records = []
    for name, depth_mm in {**TEST_SCANS, "bicycle/00003": 9000}.items():
        folder = data / name
        folder.mkdir(parents=True)
        depth = np.full((FRAMES, HEIGHT, WIDTH), depth_mm, np.uint16)
        depth[:, 0] = 0
        np.save(folder / "image.npy", np.full((FRAMES, HEIGHT, WIDTH, 3), 51, np.uint8))
        np.save(folder / "depth.npy", depth)
        stamps_us = [1_000_000 * index for index in range(FRAMES)]
        late_us = [stamp + 30_000 for stamp in stamps_us]  # prepared with a wider gap than a bag's
        records.append(prepared_data.ScanRecord(name, CAMERA, stamps_us, late_us, FRAMES, 0, 0, [], False))
    prepared_data.write_index(data, (HEIGHT, WIDTH), records, {})
    write_splits(data / "splits.json", 0, {**dict.fromkeys(TEST_SCANS, "test"), "bicycle/00003": "train"})
    return data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_prepared(tmp_path / "data")


def run(tmp_path: Path, bundle: ModelBundle, *arguments: object) -> dict[str, Any]:
    target = tmp_path / "scores.json"
    assert main([*map(str, arguments), "--model", str(bundle.folder), "--json", str(target)]) == 0
    return dict(json.loads(target.read_text()))


def test_a_folder_of_prepared_scans_is_its_test_split(tmp_path: Path, tiny_bundle: ModelBundle, data: Path) -> None:
    result = run(tmp_path, tiny_bundle, data)
    assert [bag["bag"] for bag in result["bags"]] == [str(data / name) for name in TEST_SCANS]
    assert [bag["frames"] for bag in result["bags"]] == [FRAMES, FRAMES]
    assert [bag["mae"] for bag in result["bags"]] == pytest.approx([0.1, 0.1], abs=1e-3)
    assert [bag["label"] for bag in result["bags"]] == ["car", "none"]
    assert result["focal_corrected"] == 2 * FRAMES
    assert result["class"]["confusion"]["frames"][-1] == [0, 0, 0, FRAMES]  # dark: none of the classes


def test_a_single_scan_and_a_class_that_the_user_names(tmp_path: Path, tiny_bundle: ModelBundle, data: Path) -> None:
    result = run(tmp_path, tiny_bundle, data / "bicycle" / "00003", "--label", "car")
    assert (result["frames"], result["bags"][0]["label"]) == (FRAMES, "car")
    assert result["mae"] == pytest.approx(6.9, abs=1e-3)


def test_the_class_folder_is_a_label_only_where_the_bundle_knows_it(data: Path) -> None:
    assert class_of(data / "car" / "00001", ("car", "bench")) == "car"
    assert class_of(data / "car" / "00001", ("bench",)) is None
    assert class_of(data / "none" / "00002", ("bench",)) == "none"
    assert class_of(data / "none" / "00002", ()) is None
    assert class_of(data / "car", ("data",)) is None  # no scan


def damaged_index(data: Path) -> None:
    (data / "index.json").write_text("{")


def index_of_another_format(data: Path) -> None:
    (data / "index.json").write_text('{"format": 2, "scans": []}')


def unknown_scan(data: Path) -> None:
    (data / "index.json").write_text('{"format": 1, "scans": []}')


def objects_in_the_array(data: Path) -> None:
    np.save(data / "car" / "00001" / "depth.npy", np.array([{}]), allow_pickle=True)


def lost_frames(data: Path) -> None:
    np.save(data / "car" / "00001" / "image.npy", np.zeros((FRAMES - 1, HEIGHT, WIDTH, 3), np.uint8))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damaged_index, "cannot read .*index.json"),
        (index_of_another_format, "not of format 1"),
        (unknown_scan, "knows no scan car/00001"),
        (objects_in_the_array, "cannot read .*depth.npy: "),
        (lost_frames, r"image.npy is uint8 \(2, 24, 32, 3\), not uint8 \(3, 24, 32, 3\)"),
    ],
)
def test_damage_is_named(data: Path, damage: Any, words: str) -> None:
    damage(data)
    with pytest.raises(ScanError, match=words):
        PreparedSource(data / "car" / "00001")


def test_data_without_a_test_split_fails_by_itself(
    tmp_path: Path, tiny_bundle: ModelBundle, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = str(data / "car" / "00001")
    (data / "splits.json").write_text('{"seed": 0, "train": [], "validation": [], "test": []}')
    assert main([str(data), scan, "--model", str(tiny_bundle.folder)]) == 1
    captured = capsys.readouterr()
    assert "has no scan in its test split; name single ones" in captured.err
    assert f"{FRAMES} frames scored" in captured.out
