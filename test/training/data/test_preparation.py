"""Preparing scans: paired by stamp, holes kept, bad frames and bad scans named, stopped and resumed without a trace."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.harness.scan_files import PERIOD_US, flat_pair, info, jpeg, png, scan_members, write_folder, write_zip
from redwood_depth.camera import Intrinsics
from training.__main__ import main
from training.data.npy_writer import NpyWriter
from training.data.preparation import PreparedData, PrepareSettings, prepare
from training.data.scan_preparation import pairing_of
from training.errors import PreparedDataError

SMALL = PrepareSettings(height=12, width=16, frames_per_scan=0)


def prepared(root: Path, data: Path, settings: PrepareSettings = SMALL, **options: object) -> PreparedData:
    return prepare([root], data, settings, **{"jobs": 1, **options})[0]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two cars, a folder and a zip, a bicycle, and a scan of no class; all but one have lost depth frames."""
    root = tmp_path / "scans"
    write_folder(root / "car" / "00001", scan_members(8, depth_lost=[2, 3]))
    write_zip(root / "car" / "00002.zip", scan_members(6, depth_lost=[0]))
    write_zip(root / "bicycle" / "00003.zip", scan_members(5))
    write_folder(root / "00004", scan_members(7, depth_lost=[5]))
    return root


def test_folders_and_zips_become_arrays_of_the_size_asked_for(root: Path, tmp_path: Path) -> None:
    data = prepared(root, tmp_path / "data")
    assert data.classes == ("bicycle", "car")
    found = {scan.name: (scan.class_index, len(scan)) for scan in data.all_scans}
    assert found == {"bicycle/00003": (0, 5), "car/00001": (1, 6), "car/00002": (1, 5), "none/00004": (-1, 6)}
    for scan in data.all_scans:
        assert scan.image.shape == (len(scan), 12, 16, 3)
        assert scan.depth.shape == (len(scan), 12, 16)
        assert isinstance(scan.image, np.memmap)
        assert not scan.image.flags.writeable
        assert scan.intrinsics == Intrinsics(16, 12, 16.0, 16.0, 8.0, 6.0)
    assert sorted(scan.name for split in ("train", "validation", "test") for scan in data.scans(split)) == sorted(found)


def test_pairing_is_by_stamp_where_pairing_by_position_is_wrong(root: Path, tmp_path: Path) -> None:
    """The paper's first mistake: after the lost depth frames every pair by position is of two different moments."""
    scan = next(s for s in prepared(root, tmp_path / "data").all_scans if s.name == "car/00001")
    colors = scan.image[:, 0, 0, 0].astype(int)
    assert np.array_equal(scan.depth[:, 0, 0], 10 * colors)
    by_position = list(zip(range(20, 28), [20, 21, 24, 25, 26, 27], strict=False))
    assert sum(color != depth for color, depth in by_position) == 4
    assert [int(color) for color in colors] == [20, 21, 24, 25, 26, 27]
    record = scan.record
    assert (record.unpaired_color, record.unpaired_depth, record.frames) == (2, 0, 6)
    assert all(d - c == 4_000 for c, d in zip(record.color_stamps_us, record.depth_stamps_us, strict=True))


def test_pairing_by_position_can_be_had_for_the_study_and_says_what_it_is(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    arguments = ["prepare", str(root), "--output", str(data), "--jobs", "1", "--height", "12", "--width", "16"]
    assert main([*arguments, "--pairing", "position"]) == 0
    assert "for the study only" in capsys.readouterr().err
    scan = next(s for s in PreparedData.load(data).all_scans if s.name == "car/00001")
    assert scan.image[:, 0, 0, 0].tolist() == [20, 21, 22, 23, 24, 25]
    assert scan.depth[:, 0, 0].tolist() == [200, 210, 240, 250, 260, 270]
    assert (scan.record.unpaired_color, scan.record.unpaired_depth) == (2, 0)
    assert pairing_of(scan.folder) == "position"
    assert main(arguments) == 0  # the other pairing makes the arrays again
    assert "for the study only" not in capsys.readouterr().err
    assert next(s for s in PreparedData.load(data).all_scans if s.name == "car/00001").depth[2, 0, 0] == 240
    assert pairing_of(scan.folder) == "stamp"
    (scan.folder / "scan.json").write_text("{}")
    with pytest.raises(PreparedDataError, match=r"scan\.json cannot be read"):
        pairing_of(scan.folder)


def test_frames_per_scan_limits_each_scan(root: Path, tmp_path: Path) -> None:
    data = prepared(root, tmp_path / "data", PrepareSettings(12, 16, frames_per_scan=3))
    assert {len(scan) for scan in data.all_scans} == {3}
    assert data.all_scans[1].record.color_stamps_us[0] == 0
    assert data.all_scans[1].record.color_stamps_us[-1] == 7 * PERIOD_US


def test_corrupt_frames_are_named_and_the_rest_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = scan_members(6)
    colors, depths = sorted(n for n in files if "rgb" in n), sorted(n for n in files if "depth" in n)
    files[colors[1]] = files[colors[1]][:300]
    files[depths[3]] = b"no image"
    files[depths[4]] = cv2.imencode(".png", np.zeros((48, 64), np.uint8))[1].tobytes()
    files[colors[5]] = jpeg(np.zeros((48, 90, 3), np.uint8))
    write_folder(tmp_path / "scans" / "car" / "00001", files)
    arguments = ["prepare", str(tmp_path / "scans"), "--output", str(tmp_path / "data"), "--jobs", "1"]
    assert main([*arguments, "--height", "12", "--width", "16"]) == 0
    output = capsys.readouterr()
    assert "4 frames cannot be used" in output.err
    assert colors[1] in output.err
    assert "one class only, car" in output.err
    assert "no scan for validation" in output.err
    scan = PreparedData.load(tmp_path / "data").all_scans[0]
    assert [int(level) for level in scan.image[:, 0, 0, 0]] == [20, 22]
    assert (scan.record.sampled, len(scan.record.corrupt), len(scan)) == (6, 4, 2)
    for name, reason in (
        (colors[1], "cannot be read"),
        (depths[3], "cannot be read"),
        (depths[4], "16-bit"),
        (colors[5], "90x48"),
    ):
        assert any(name in line and reason in line for line in scan.record.corrupt)


def test_bad_scans_are_named_and_the_others_go_on(root: Path, tmp_path: Path) -> None:
    write_folder(root / "car" / "00010", {"rgb/0000001-000000000000.jpg": flat_pair(20)[0]})
    (root / "car" / "00011.zip").write_bytes(b"PK no zip")
    write_folder(root / "car" / "00012", scan_members(1, depth_late_us=25_000))
    write_folder(root / "car" / "00013", dict.fromkeys(scan_members(3), b"") | {"info.json": info()})
    (root / "photos" / "inner").mkdir(parents=True)
    data, failed, notes = prepare([root], tmp_path / "data", SMALL, jobs=1)
    assert len(data.all_scans) == 4
    assert {name: reason for name, reason in failed.items() if "\n" in reason} == {}
    for number, reason in (
        ("10", "no depth/"),
        ("11", "not a zip"),
        ("12", "within 20 ms"),
        ("13", "none of 3 frames"),
    ):
        assert reason in failed[f"car/000{number}"]
    assert any("photos holds no scan" in note for note in notes)
    assert set(json.loads((tmp_path / "data" / "index.json").read_text())["failed"]) == set(failed)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "no folder"),
        (lambda root: root.mkdir(), "no scans in"),
        (lambda root: write_folder(root, scan_members(2)), "is itself a scan"),
        (lambda root: write_folder(root / "car" / "1", {"rgb/x": b""}), "none of 1 scans can be prepared; car/1"),
    ],
)
def test_nothing_to_prepare_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], make, message: str) -> None:
    make(tmp_path / "scans")
    assert main(["prepare", str(tmp_path / "scans"), "--output", str(tmp_path / "data")]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_images_of_several_sizes_fit_as_long_as_the_view_is_the_same(tmp_path: Path) -> None:
    files = scan_members(2, size=(48, 64))
    color, depth = flat_pair(30, (96, 128))
    files |= {f"rgb/0000009-{PERIOD_US * 5:012d}.jpg": color, f"depth/0000009-{PERIOD_US * 5:012d}.png": depth}
    write_folder(tmp_path / "scans" / "car" / "1", files)
    write_folder(tmp_path / "scans" / "car" / "2", scan_members(2, size=(96, 160)))
    first, second = prepared(tmp_path / "scans", tmp_path / "data").all_scans
    assert [int(level) for level in first.image[:, 6, 8, 0]] == [20, 21, 30]
    assert (second.image.shape, second.intrinsics.fx, second.intrinsics.fy) == ((2, 12, 16, 3), 16.0, 20.0)


def test_what_is_finished_stays_and_what_changed_is_made_again(root: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepared(root, data)
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*.npy")}
    whole = contents(data)
    prepared(root, data)
    assert contents(data) == whole
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*.npy")} == before
    write_zip(root / "bicycle" / "00003.zip", scan_members(9))
    prepared(root, data)
    redone = {path.parent.name for path, time_ns in before.items() if path.stat().st_mtime_ns != time_ns}
    assert redone == {"00003"}
    prepared(root, data, PrepareSettings(6, 8, 0))
    assert PreparedData.load(data).all_scans[0].image.shape == (9, 6, 8, 3)


def test_added_scans_leave_the_splits_of_the_others(tmp_path: Path) -> None:
    root, data = tmp_path / "scans", tmp_path / "data"
    for i in range(5):
        write_zip(root / "car" / f"{i}.zip", scan_members(1))
    first = prepared(root, data).splits
    for i in range(5, 12):
        write_zip(root / "car" / f"{i}.zip", scan_members(1))
    later = prepared(root, data).splits
    assert later == later | first
    away = next(name for name, split in later.items() if split == "test").removeprefix("car/")
    (root / "car" / f"{away}.zip").rename(tmp_path / "away.zip")
    write_zip(root / "car" / "12.zip", scan_members(1))
    prepared(root, data)  # in which 12 takes its place
    (tmp_path / "away.zip").rename(root / "car" / f"{away}.zip")
    again = prepared(root, data).splits
    assert again == again | later, "a scan that was away for a while comes back to its split"
    assert prepared(root, data, seed=3).splits != again
    assert json.loads((data / "splits.json").read_text())["seed"] == 3


def test_scans_for_evaluation_only_are_never_trained_on(tmp_path: Path) -> None:
    for i in range(6):
        use = "evaluation only: research license" if i < 4 else "training, tests"
        write_zip(tmp_path / "scans" / f"{i}.zip", scan_members(1, use=use))
    splits = prepared(tmp_path / "scans", tmp_path / "data").splits
    assert [splits[f"none/{i}"] for i in range(4)] == ["test"] * 4


def test_a_folder_and_a_zip_of_one_scan_are_one_scan(root: Path, tmp_path: Path) -> None:
    write_zip(root / "car" / "00001.zip", scan_members(3))
    data, _, notes = prepare([root], tmp_path / "data", SMALL, jobs=1)
    assert len([scan for scan in data.all_scans if scan.name == "car/00001"]) == 1
    assert any("00001.zip is skipped" in note for note in notes)


def test_a_full_disk_is_one_line_and_finished_scans_stay(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, data, written = NpyWriter.append, tmp_path / "data", []

    def until_full(self: NpyWriter, item: np.ndarray) -> None:
        written.append(1)
        if len(written) > 30:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, item)

    monkeypatch.setattr(NpyWriter, "append", until_full)
    with pytest.raises(PreparedDataError, match="No space left on device; make room and run again"):
        prepared(root, data)
    assert len(list(data.rglob("scan.json"))) == 2
    monkeypatch.undo()
    assert not list(data.rglob("*.partial"))
    assert len(prepared(root, data).all_scans) == 4


def test_damaged_data_says_so(root: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with pytest.raises(PreparedDataError, match="run python -m training prepare"):
        PreparedData.load(data)
    scan = prepared(root, data).all_scans[0]
    path = data / scan.name / "depth.npy"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(PreparedDataError, match="prepare it again"):
        _ = scan.depth
    np.save(path, np.zeros((1, 2, 3), np.uint16))
    with pytest.raises(PreparedDataError, match="not as index"):
        _ = scan.depth
    for text in ("{", "[]", '{"format": 1}', '{"format": 99}'):
        (data / "index.json").write_text(text)
        with pytest.raises(PreparedDataError, match="prepare again"):
            PreparedData.load(data)


def test_several_jobs_give_the_same_data(root: Path, tmp_path: Path) -> None:
    prepared(root, tmp_path / "one", jobs=1)
    prepared(root, tmp_path / "processes", jobs=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "processes")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_in_the_middle_and_resumed_equals_never_stopped(tmp_path: Path, jobs: str) -> None:
    root, data = tmp_path / "scans", tmp_path / "data"
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    color, depth = jpeg(noise), png(noise[:, :, 0].astype(np.uint16))
    files = {f"rgb/{i + 1:07d}-{i * PERIOD_US:012d}.jpg": color for i in range(25)}
    files |= {f"depth/{i + 1:07d}-{i * PERIOD_US:012d}.png": depth for i in range(25)}
    for i in range(8):
        write_zip(root / "car" / f"{i:05d}.zip", files)
    command = [sys.executable, "-m", "training", "prepare", str(root), "--output", str(data), "--jobs", jobs]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3], start_new_session=True)
    while not list(data.glob("car/*/scan.json")):
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished = {path.parent.name for path in data.glob("car/0*/scan.json")}
    assert len(finished) < 8
    assert not (data / "index.json").exists()
    prepare([root], data, PrepareSettings(), jobs=1)  # while workers of the killed run may still be at it
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    prepare([root], data, PrepareSettings(), jobs=1)
    prepare([root], tmp_path / "whole", PrepareSettings(), jobs=1)
    assert contents(data) == contents(tmp_path / "whole")
