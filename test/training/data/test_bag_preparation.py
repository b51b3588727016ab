"""Preparing bags: the very frames of the scan they were made of, whatever the storage; sampled, resumed, and named."""

from pathlib import Path

import numpy as np
import pytest
from bag_samples import CAMERA, depth_pixels, rgbd_messages, write_bag, write_sqlite_bag

from bench.harness.scan_files import scan_members, write_folder
from redwood_depth.commands.scans_to_bag import main as scans_to_bag
from training.data.preparation import PreparedData, PrepareSettings, prepare
from training.data.prepared_data import PreparedScan
from training.errors import PreparedDataError

SMALL = PrepareSettings(height=12, width=16, frames_per_scan=0)
DEPTHS = [depth_pixels(1000 + 100 * index) for index in range(8)]


def only_scan(data: PreparedData) -> PreparedScan:
    (scan,) = data.all_scans
    return scan


@pytest.mark.parametrize("options", [[], ["--compressed"]])
def test_a_bag_gives_the_frames_of_the_scan_that_it_was_made_of(tmp_path: Path, options: list[str]) -> None:
    scan = write_folder(tmp_path / "scans" / "car" / "00001", scan_members(8, depth_lost=[2, 3]))
    (tmp_path / "bags" / "car").mkdir(parents=True)
    assert scans_to_bag([str(scan), "--output", str(tmp_path / "bags" / "car" / "00001"), *options]) == 0
    of_scan, of_bag = (
        only_scan(prepare([tmp_path / name], tmp_path / f"data_of_{name}", SMALL, jobs=1)[0])
        for name in ("scans", "bags")
    )
    assert of_bag.name == of_scan.name == "car/00001"
    np.testing.assert_array_equal(of_bag.image, of_scan.image)
    np.testing.assert_array_equal(of_bag.depth, of_scan.depth)
    assert of_bag.intrinsics == of_scan.intrinsics
    assert of_bag.record.color_stamps_us == of_scan.record.color_stamps_us
    assert of_bag.record.depth_stamps_us == of_scan.record.depth_stamps_us
    assert of_bag.record.notes == of_bag.record.corrupt == []


def test_sqlite_and_meters_become_millimeters(tmp_path: Path) -> None:
    holes = [np.where(depth > 1000, depth / 1000, np.nan).astype(np.float32) for depth in DEPTHS[:3]]
    bag = write_sqlite_bag(tmp_path / "bag", rgbd_messages(3, holes, encoding="32FC1"))
    scan = only_scan(prepare([bag], tmp_path / "data", SMALL, jobs=1)[0])
    assert scan.name == "none/bag"
    assert scan.depth[:, 0, 0].tolist() == [0, 1100, 1200]
    assert scan.intrinsics == CAMERA.scaled(12, 16)


def test_frames_are_spread_in_time_and_a_second_run_finds_them_again(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", rgbd_messages(8, DEPTHS))
    settings = PrepareSettings(height=12, width=16, frames_per_scan=3)
    scan = only_scan(prepare([bag], tmp_path / "data", settings, jobs=1)[0])
    assert scan.depth[:, 0, 0].tolist() == [1000, 1300, 1700]
    assert (scan.record.sampled, scan.record.unpaired_color) == (3, 0)
    written = (scan.folder / "image.npy").stat().st_mtime_ns
    again = only_scan(prepare([bag], tmp_path / "data", settings, jobs=1)[0])
    assert ((again.folder / "image.npy").stat().st_mtime_ns, again.record) == (written, scan.record)


def test_a_bag_that_says_nothing_of_its_camera_is_not_prepared(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", rgbd_messages(3, camera=None))
    with pytest.raises(PreparedDataError, match="it has no usable calibration"):
        prepare([bag], tmp_path / "data", SMALL, jobs=1)
    with pytest.raises(PreparedDataError, match="position is for the study"):
        prepare([bag], tmp_path / "other", PrepareSettings(12, 16, pairing="position"), jobs=1)


def test_two_bags_of_one_name_are_two_scans(tmp_path: Path) -> None:
    bags = [
        write_bag(tmp_path / day / "run", rgbd_messages(3, DEPTHS[first:])) for first, day in ((0, "mon"), (4, "tue"))
    ]
    data, failed, notes = prepare(bags, tmp_path / "data", SMALL, jobs=1)
    assert [scan.name for scan in data.all_scans] == ["none/run", "none/tue_run"]
    assert [int(scan.depth[0, 0, 0]) for scan in data.all_scans] == [1000, 1400]
    assert (failed, notes) == ({}, [])


@pytest.mark.parametrize("what", ["scan", "bag"])
def test_depth_in_another_unit_becomes_millimeters(tmp_path: Path, what: str) -> None:
    """5000 a meter; what 16 bits of millimeters cannot hold is left out."""
    settings = PrepareSettings(height=12, width=16, frames_per_scan=0, depth_unit_m=0.0002)
    if what == "scan":
        source = write_folder(tmp_path / "scans" / "car" / "00001", scan_members(2))
        as_it_is = only_scan(prepare([tmp_path / "scans"], tmp_path / "plain", SMALL, jobs=1)[0])
        scan = only_scan(prepare([tmp_path / "scans"], tmp_path / "data", settings, jobs=1)[0])
        assert source.is_dir()
        np.testing.assert_array_equal(scan.depth, np.rint(as_it_is.depth * 0.2))
    else:
        bag = write_bag(tmp_path / "bag", rgbd_messages(2, [np.full((24, 32), 5000, np.uint16)] * 2))
        scan = only_scan(prepare([bag], tmp_path / "data", settings, jobs=1)[0])
        assert np.unique(scan.depth).tolist() == [1000]
