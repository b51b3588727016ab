"""Drift and jitter of scale, and what a fixed factor would do, from evaluate_bag's own result."""

import json
from pathlib import Path

import numpy as np
import pytest
from bag_samples import depth_pixels, rgbd_messages, write_bag

from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.evaluate_bag import main


def result_of(factors: list[float], bundle: ModelBundle, tmp_path: Path) -> dict:
    """Of frames whose ground truth is such a factor of 2 m, while the tiny bundle predicts the same for each."""
    depths = [depth_pixels(round(2000 * factor)) for factor in factors]
    bag = write_bag(tmp_path / "bag", rgbd_messages(len(depths), depths))
    path = tmp_path / "result.json"
    assert main([str(bag), "--model", str(bundle.folder), "--json", str(path)]) == 0
    return json.loads(path.read_text())


@pytest.mark.parametrize("factors", [[1.0] * 6, [0.8, 1.0, 1.25] * 3, [1.0, 1.0, 1.0, 1.5, 1.5, 1.5]])
def test_drift_and_jitter_are_those_of_the_logarithms(
    factors: list[float], tiny_bundle: ModelBundle, tmp_path: Path
) -> None:
    result = result_of(factors, tiny_bundle, tmp_path)
    logs = np.log(factors)
    assert result["scale_drift"] == pytest.approx(np.std(logs), abs=1e-3)
    assert result["scale_jitter"] == pytest.approx(np.percentile(np.abs(np.diff(logs)), 95), abs=1e-3)


def test_a_constant_error_can_be_mended_and_the_table_says_so(
    tiny_bundle: ModelBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixed = result_of([1.0] * 6, tiny_bundle, tmp_path)["fixed_factor"]
    assert fixed["abs_rel_after"] < 0.01 < fixed["abs_rel_before"]
    assert "a fixed factor would help" in capsys.readouterr().out


def test_one_frame_has_no_drift(tiny_bundle: ModelBundle, tmp_path: Path) -> None:
    result = result_of([1.0], tiny_bundle, tmp_path)
    assert not {"scale_drift", "scale_jitter", "fixed_factor"} & set(result)
