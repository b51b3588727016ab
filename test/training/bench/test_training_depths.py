"""The histogram of training distances weighs scans as they are drawn."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.training_depths import frame_medians, main, percentiles
from training.data.prepared_data import PreparedData


def test_percentiles_follow_the_weights() -> None:
    medians, shares = np.array([3.0, 1.0, 2.0]), np.array([0.1, 0.8, 0.1])
    assert percentiles(medians, shares, (5, 79, 85, 99, 100)) == [1.0, 1.0, 2.0, 3.0, 3.0]


def test_a_scan_weighs_as_it_is_drawn_and_the_figure_is_written(
    tiny_data: Path, tiny_config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans = PreparedData.load(tiny_data).scans("train")
    medians, shares = frame_medians(scans, tiny_config(scan_weights={scans[0].name: 5}))
    assert len(medians) == sum(len(scan) for scan in scans)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx(5 * shares[-1])
    (tmp_path / "c.yaml").write_text("height: 32\nwidth: 64\n")
    arguments = ["--data", str(tiny_data), "--config", str(tmp_path / "c.yaml"), "--output", str(tmp_path / "f.png")]
    assert main(arguments) == 0
    assert "percentiles 5, 25, 50, 75, 95:" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "f.png")).std() > 10
