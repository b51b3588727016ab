"""Samples: repeatable, at the training camera, missing depth untouched; draws shared out and resumed exactly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from redwood_depth.camera import Intrinsics
from training.data import dataset
from training.data.dataset import CAMERA, DrawSampler, FrameSamples, depth_inside, training_median_m
from training.data.prepared_data import PreparedScan, ScanRecord
from training.errors import TrainingError


def stored_scan(folder: Path, depth_mm: int, frames: int = 3, zoom: float = 1.0, name: str = "car/1") -> PreparedScan:
    """A flat wall seen by the training camera, or one with a longer lens; column 0 has no depth."""
    folder.mkdir(parents=True, exist_ok=True)
    images = np.zeros((frames, 32, 64, 3), np.uint8) + np.arange(64, dtype=np.uint8)[:, None] + 100
    images[..., 1], images[..., 2] = 10, np.arange(frames)[:, None, None]
    depths = np.full((frames, 32, 64), depth_mm, np.uint16)
    depths[:, :, 0] = 0
    np.save(folder / "image.npy", images)
    np.save(folder / "depth.npy", depths)
    fx, fy = zoom * CAMERA.fx_over_width * 64, zoom * CAMERA.fy_over_height * 32
    record = scan_record(name, Intrinsics(64, 32, fx, fy, 31.5, 15.5), frames)
    return PreparedScan(folder, record, 0, 32, 64)


def scan_record(name: str, intrinsics: Intrinsics, frames: int) -> ScanRecord:
    stamps = list(range(frames))
    return ScanRecord(name, intrinsics, stamps, stamps, frames, 0, 0, [], False)


def plain(tiny_config, **changes: object):
    return tiny_config(**{"augment_camera": False, "flip": False, **changes})


def test_a_sample_is_the_frame_with_its_hole_and_label(tiny_scans: list, tiny_config) -> None:
    samples = FrameSamples(tiny_scans, plain(tiny_config), augment=False)
    assert len(samples) == 36
    sample = samples[(0, 7)]
    scan = tiny_scans[1]
    np.testing.assert_array_equal(sample["image"].permute(1, 2, 0), scan.image[1])
    np.testing.assert_allclose(sample["depth"], scan.depth[1] / 1000, rtol=1e-5)
    assert sample["depth"][0, 0] == 0
    assert (sample["image"].dtype, sample["depth"].dtype) == (torch.uint8, torch.float32)
    assert [int(samples[(0, 6 * i)]["label"]) for i in range(6)] == [scan.class_index for scan in tiny_scans]


def test_another_size_is_resized_by_area_and_depth_by_nearest(tmp_path: Path, tiny_config) -> None:
    scan = stored_scan(tmp_path, 2000)
    sample = FrameSamples([scan], plain(tiny_config, height=64, width=128), augment=False)[(0, 0)]
    assert sample["image"].shape == (3, 64, 128)
    assert set(sample["depth"].unique().tolist()) == {0.0, 2.0}


def test_samples_repeat_with_seed_and_draw_alone(tiny_scans: list, tiny_config) -> None:
    config = tiny_config(augment_light=True)
    first, again = (FrameSamples(tiny_scans, config, augment=True) for _ in range(2))
    other = FrameSamples(tiny_scans, replace(config, seed=1), augment=True)
    again[(9, 20)]
    for name in ("image", "depth"):
        assert torch.equal(first[(3, 7)][name], again[(3, 7)][name])
    assert not torch.equal(first[(3, 7)]["image"], other[(3, 7)]["image"])
    assert not torch.equal(first[(3, 7)]["image"], first[(4, 7)]["image"])


def test_the_papers_augmentation_flips_half_and_swaps_red_and_green_in_a_quarter(tmp_path: Path, tiny_config) -> None:
    config = plain(tiny_config, flip=True, swap_red_green=True)
    samples = FrameSamples([stored_scan(tmp_path, 2000)], config, augment=True)
    flipped = swapped = 0
    for draw in range(400):
        sample = samples[(draw, 0)]
        red, green = sample["image"][0], sample["image"][1]
        is_swapped = bool((red == 10).all())
        ramp = (green if is_swapped else red)[0].int()
        is_flipped = bool(ramp[0] > ramp[-1])
        assert bool((sample["depth"][:, -1 if is_flipped else 0] == 0).all()), "depth is flipped with its image"
        assert int((sample["depth"] == 0).sum()) == 32
        flipped, swapped = flipped + is_flipped, swapped + is_swapped
    assert 160 < flipped < 240
    assert 70 < swapped < 130


def test_few_files_stay_open(tiny_scans: list, tiny_config, monkeypatch) -> None:
    """Redwood has 1504 scans of three classes, and many systems allow a process 1024 files."""
    monkeypatch.setattr(dataset, "OPEN_SCANS", 2)
    samples = FrameSamples(tiny_scans, plain(tiny_config), augment=False)
    expected = FrameSamples(tiny_scans, plain(tiny_config), augment=False)
    for frame in (*range(36), *range(36)):
        assert torch.equal(samples[(0, frame)]["image"], expected[(0, frame)]["image"])
        assert len(samples._arrays) <= 2


def frames_of(sampler: DrawSampler) -> list[int]:
    return [frame for _, frame in sampler]


def test_every_frame_comes_once_an_epoch_and_no_draw_number_twice(tiny_scans: list, tiny_config) -> None:
    sampler = DrawSampler(tiny_scans, tiny_config(sampling="frames"))
    draws = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        pairs = list(sampler)
        assert sorted(frame for _, frame in pairs) == list(range(36))
        draws += [draw for draw, _ in pairs]
    assert draws == list(range(72))
    uneven = DrawSampler(tiny_scans, tiny_config(sampling="frames", batch_size=16))
    assert len(uneven) == 48
    assert set(frames_of(uneven)) == set(range(36)), "the last batch is filled up, no frame is skipped"


def test_scans_are_drawn_by_weight_and_not_by_length(tmp_path: Path, tiny_config) -> None:
    scans = [stored_scan(tmp_path / "a", 1000, 100, name="car/a"), stored_scan(tmp_path / "b", 4000, 1, name="none/b")]
    config = tiny_config(samples_per_epoch=1000)
    assert 430 < sum(frame == 100 for frame in frames_of(DrawSampler(scans, config))) < 570
    config = tiny_config(samples_per_epoch=1000, scan_weights={"*": 3, "none/*": 1})
    assert 190 < sum(frame == 100 for frame in frames_of(DrawSampler(scans, config))) < 310


@pytest.mark.parametrize(
    ("weights", "message"), [({"bus/*": 2}, "'bus/\\*' matches no"), ({"*": 0}, "no scan"), ({"*": -1}, "negative")]
)
def test_weights_that_cannot_be_are_refused(tiny_scans: list, tiny_config, weights, message) -> None:
    with pytest.raises(TrainingError, match=message):
        DrawSampler(tiny_scans, tiny_config(scan_weights=weights))


@pytest.mark.parametrize("sampling", ["scans", "frames"])
def test_processes_share_the_draws_and_a_resumed_epoch_has_its_rest(tiny_scans: list, tiny_config, sampling) -> None:
    config = tiny_config(sampling=sampling, samples_per_epoch=24, batch_size=4)
    alone = list(DrawSampler(tiny_scans, replace(config, batch_size=8)))
    shares = [DrawSampler(tiny_scans, config, rank=rank, processes=2) for rank in range(2)]
    assert [len(share) % 4 for share in shares] == [0, 0]
    assert sorted(pair for share in shares for pair in share) == alone
    shares[1].start = 8
    rest = list(shares[1])
    assert rest == list(DrawSampler(tiny_scans, config, rank=1, processes=2))[8:]
    assert list(shares[1])[-len(rest) :] == rest
    assert len(list(shares[1])) == len(rest) + 8, "only the first epoch begins in its middle"


def test_the_median_is_at_the_training_camera_and_ignores_missing_depth(tmp_path: Path, tiny_config) -> None:
    config = tiny_config()
    zoomed = stored_scan(tmp_path / "a", 3000, zoom=1.5)
    assert training_median_m([zoomed], config) == pytest.approx(2.0, rel=1e-3)
    empty = stored_scan(tmp_path / "b", 0)
    assert training_median_m([empty, zoomed], config) == pytest.approx(2.0, rel=1e-3)
    assert not depth_inside(empty, config).size
    with pytest.raises(TrainingError, match=r"no training scan has depth between 0\.1 and 10 m"):
        training_median_m([empty, stored_scan(tmp_path / "c", 60_000)], config)
