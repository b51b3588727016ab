"""Samples from scans: repeatable, at the training camera, missing depth untouched."""

from pathlib import Path

import numpy as np
import pytest
import torch

from redwood_depth.camera import Intrinsics, TrainingCamera
from redwood_depth.errors import ScanError
from training.dataset import LoadedScan, TrainingSamples, load_scan, training_depth_m, training_median_m

CAMERA = TrainingCamera(525 / 640, 525 / 480)
WIDE = Intrinsics(64, 48, 40.0, 40.0, 31.5, 23.5)


def flat_scan(depth_mm: int, frames: int = 3, intrinsics: Intrinsics = WIDE) -> LoadedScan:
    colors = [np.zeros((48, 64, 3), np.uint8)] * frames
    return LoadedScan("flat", intrinsics, colors, [np.full((48, 64), depth_mm, np.uint16)] * frames, 0)


def test_a_scan_loads_with_its_holes(scan_folder: Path) -> None:
    scan = load_scan(scan_folder)
    assert (scan.name, len(scan.colors), scan.unpaired) == ("striped_wall", 4, 0)
    assert scan.depths[0][220, 350] == 0
    assert training_depth_m(scan, 0, CAMERA)[0, 0] == pytest.approx(1.2)
    assert len(load_scan(scan_folder, max_frames=2).colors) == 2


def test_colour_frames_without_depth_are_reported(scan_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    next((scan_folder / "depth").iterdir()).unlink()
    assert load_scan(scan_folder).unpaired == 1
    assert "1 colour frames have no depth" in caplog.text


def test_images_of_another_size_than_the_camera_are_refused(scan_folder: Path) -> None:
    (scan_folder / "info.json").write_text('{"width":320,"height":240,"fx":262,"fy":262,"cx":160,"cy":120}')
    with pytest.raises(ScanError, match="must be 320x240"):
        load_scan(scan_folder)


def test_samples_repeat_with_the_seed_and_differ_without(scan_folder: Path) -> None:
    scans = [load_scan(scan_folder)]
    first, again, other = (TrainingSamples(scans, [1.0], CAMERA, (64, 96), 4, seed) for seed in (1, 1, 2))
    image, depth_m = first[3]
    assert image.shape == (3, 64, 96)
    assert depth_m.shape == (64, 96)
    assert image.dtype == depth_m.dtype == torch.float32
    assert torch.equal(image, again[3][0])
    assert torch.equal(depth_m, again[3][1])
    assert not torch.equal(image, other[3][0])
    assert not torch.equal(image, first[2][0])


def test_scans_are_drawn_by_weight_and_not_by_length() -> None:
    scans = [flat_scan(1000, frames=100), flat_scan(4000, frames=1)]
    samples = TrainingSamples(scans, [1.0, 1.0], CAMERA, (32, 32), 60, seed=0)
    far = sum(bool(samples[i][1].max() > 3) for i in range(60))
    assert 15 < far < 45


def test_the_median_is_at_the_training_camera_and_ignores_missing_depth() -> None:
    scan = flat_scan(1000)
    scan.depths[0] = np.zeros((48, 64), np.uint16)
    expected = 1.0 / WIDE.depth_scale(CAMERA)
    assert training_median_m([scan], CAMERA, (0.1, 10.0)) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ScanError, match="no depth between"):
        training_median_m([scan, flat_scan(0)], CAMERA, (0.1, 10.0))
