"""Frames of a scan: which are chosen, and how they get small without inventing depth."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.harness.scan_files import scan_members, write_zip
from training.data.preparation_speed import measure
from training.data.recording_frames import spread_in_time
from training.data.scan_preparation import PrepareSettings, resize_color, resize_depth


def test_missing_depth_stays_missing_and_nothing_is_averaged_over_edges() -> None:
    rng = np.random.default_rng(0)
    depth = np.where(rng.random((48, 64)) < 0.3, 0, rng.choice([700, 5000], (48, 64))).astype(np.uint16)
    small = resize_depth(depth, 12, 16)
    assert set(np.unique(small)) == {0, 700, 5000}
    np.testing.assert_array_equal(small, depth[2::4, 2::4])
    np.testing.assert_array_equal(resize_depth(depth[:45, :60], 9, 12), depth[2:45:5, 2:60:5])


def test_color_is_the_mean_of_the_area() -> None:
    color = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    blocks = color.reshape(120, 4, 160, 4, 3).mean(axis=(1, 3))
    assert np.abs(resize_color(color, 120, 160) - blocks).max() <= 1.51, "rounded in two steps"


@given(
    gaps=st.lists(st.integers(1, 10**6), min_size=1, max_size=60),
    count=st.integers(1, 70),
)
def test_frames_are_different_in_order_and_include_both_ends(gaps: list[int], count: int) -> None:
    stamps = [int(stamp) for stamp in np.cumsum(gaps)]
    chosen = spread_in_time(stamps, count)
    assert len(chosen) == min(count, len(stamps))
    assert all(a < b for a, b in pairwise(chosen))
    if count > 1:
        assert (chosen[0], chosen[-1]) == (0, len(stamps) - 1)


def test_frames_are_spread_in_time_not_in_number() -> None:
    """Half of the frames come from the first of ten seconds: they are not half of the sample."""
    stamps = [*range(0, 10**6, 10**4), *range(10**6, 10**7, 9 * 10**4)]
    steps = np.diff([stamps[index] for index in spread_in_time(stamps, 11)])
    assert steps.max() - steps.min() < 2 * 10**5


def test_speed_is_measured_beside_decoding_alone(tmp_path: Path) -> None:
    scan = write_zip(tmp_path / "scan.zip", scan_members(5))
    speed = measure(scan, PrepareSettings(12, 16, 0))
    assert speed["frames"] == 5
    assert speed["decode_frames_per_s"] > speed["prepare_frames_per_s"] > 0
