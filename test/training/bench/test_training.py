"""make bench, training side: the loader and a step are measured on a scan of a few frames. No times are asserted."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import training


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in ("rgb", "depth"):
        (tmp_path / "scan" / name).mkdir(parents=True)
    for index in range(3):
        name = f"{index + 1:07d}-{index * 33_333:012d}"
        color = random.integers(0, 255, (480, 640, 3), dtype=np.uint8)
        depth_mm = random.integers(500, 5000, (480, 640), dtype=np.uint16)
        cv2.imwrite(str(tmp_path / "scan" / "rgb" / f"{name}.jpg"), color)
        cv2.imwrite(str(tmp_path / "scan" / "depth" / f"{name}.png"), depth_mm)
    return tmp_path / "scan"


def test_prepare_and_decode(scan: Path) -> None:
    result = training.prepare(scan)
    assert result["frames"] == 3
    assert result["share_of_decoding"] == pytest.approx(result["prepare_frames_per_s"] / result["decode_frames_per_s"])


def test_loader_and_step(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_SECONDS", 0.1)
    result = training.loader(scan)
    assert result["loader_to_step"] == pytest.approx(result["loader_with_workers_per_s"] / result["step_per_s"])
    assert min(result["loader_one_process_per_s"], result["step_per_s"]) > 0


def test_epochs_by_the_number_of_scans(scan: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(training, "_SCANS", (1, 3))
    rows = training.epochs(scan)
    assert [row["scans"] for row in rows] == [1, 3]
    assert rows[1]["frames"] == 3 * rows[0]["frames"]
    assert all(row["seconds"] > 0 for row in rows)
    assert capsys.readouterr().out == "", "standard output is for the results"
