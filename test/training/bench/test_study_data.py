"""The study's data: recordings cut in time, color images lost, paired by stamp and by position."""

import json
from pathlib import Path

import pytest

from bench.harness.scan_files import PERIOD_US, scan_members, write_folder
from bench.study_data import LOST_EVERY, main
from training.data.prepared_data import PreparedData
from training.study.grid import StudySettings, study

FRAMES = 60


def test_recordings_become_data_that_the_study_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scans = [str(write_folder(tmp_path / name, scan_members(FRAMES))) for name in ("hall", "lab")]
    out = tmp_path / "out"
    assert main([*scans, "--output", str(out)]) == 0
    data = {pairing: PreparedData.load(out / pairing) for pairing in ("stamp", "position")}
    for split, part in (("train", "first"), ("validation", "middle"), ("test", "last")):
        names = [f"{place}/{place}-{part}" for place in ("hall", "lab")]
        assert [[scan.name for scan in prepared.scans(split)] for prepared in data.values()] == [names, names]
    for place in ("hall", "lab"):
        stretches = [scan for scan in data["stamp"].all_scans if scan.class_name == place]
        stamps = sorted(stamp for scan in stretches for stamp in scan.record.color_stamps_us)
        assert len(stamps) == len(set(stamps))
        assert 0 <= FRAMES - FRAMES // LOST_EVERY - len(stamps) <= 2, "a pair may lie on either side of a cut"
        first, middle, last = (
            next(scan for scan in stretches if scan.name.endswith(part)) for part in ("first", "middle", "last")
        )
        assert max(first.record.depth_stamps_us) < min(middle.record.depth_stamps_us)
        assert max(middle.record.depth_stamps_us) < min(last.record.depth_stamps_us)
    wrong = data["position"].scans("train")[0].record
    gaps = [abs(a - b) for a, b in zip(wrong.color_stamps_us, wrong.depth_stamps_us, strict=True)]
    assert max(gaps) > 1.8 * PERIOD_US, "two images are lost in the first 42"
    results = study(data, out / "runs", StudySettings(steps=1, encoders=("tf_efficientnet_lite0",)), finished_only=True)
    assert len(results.missing) > 8
    assert results.head["wrong_pairs"]["stamp"] == 0 < results.head["wrong_pairs"]["position"]
    capsys.readouterr()
    assert main([scans[0], str(tmp_path / "nowhere"), "--output", str(out)]) == 1
    assert "nowhere is not a folder with rgb/ and depth/" in capsys.readouterr().err


def test_what_is_for_evaluation_only_is_not_trained_on_unless_the_weights_are_thrown_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hall = write_folder(tmp_path / "hall", scan_members(FRAMES))
    kitchen = write_folder(tmp_path / "kitchen", scan_members(FRAMES))
    info = json.loads((kitchen / "info.json").read_text("utf-8"))
    (kitchen / "info.json").write_text(json.dumps({**info, "use": "evaluation only"}), "utf-8")
    out = tmp_path / "out"
    assert main([str(hall), str(kitchen), "--output", str(out)]) == 0
    data = PreparedData.load(out / "stamp")
    assert [scan.name for scan in data.scans("train")] == ["hall/hall-first"]
    assert "kitchen/kitchen-whole" in [scan.name for scan in data.scans("test")]
    assert main([str(hall), str(kitchen), "--cut-all", "--output", str(out)]) == 0
    data = PreparedData.load(out / "stamp")
    assert [scan.name for scan in data.scans("train")] == ["hall/hall-first", "kitchen/kitchen-first"]
    assert "thrown away" in (out / "scans/kitchen/kitchen-first/info.json").read_text("utf-8")
    capsys.readouterr()
