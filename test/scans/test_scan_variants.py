"""Scans as people make them: other units of stamps, zips of several, no info.json."""

import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from redwood_depth.evaluation.recordings import expanded, open_recording
from redwood_depth.scans.redwood import RedwoodScan
from redwood_depth.scans.stamp_units import MICROSECONDS, unit_of


def scan(
    root: Path, stamps: list[int], size: tuple[int, int] = (64, 48), lost_color: int = -1, lost_depth: int = -1
) -> Path:
    for index, stamp in enumerate(stamps):
        for name, lost, pixels in (
            ("rgb/{}.jpg", lost_color, np.full((size[1], size[0], 3), 5 * index, np.uint8)),
            ("depth/{}.png", lost_depth, np.full((size[1], size[0]), 1000 + index, np.uint16)),
        ):
            path = root / name.format(f"{index + 1:07d}-{stamp:012d}")
            path.parent.mkdir(parents=True, exist_ok=True)
            if index != lost:
                path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())
    return root


@pytest.mark.parametrize(
    ("step", "first", "words"),
    [
        (33, 0, "milliseconds.*30.3 images a second"),
        (67, 1_700_000_000_000, "milliseconds"),
        (33_333_333, 1_700_000_000_000_000_000, "nanoseconds.*30 images a second"),
        (1, 1, "frame numbers.*taken as 30 Hz"),
        (5, 0, "frame numbers"),
    ],
)
def test_other_units_are_noticed_and_lost_frames_stay_lost(tmp_path: Path, step: int, first: int, words: str) -> None:
    path = scan(tmp_path / "a", [first + i * step for i in range(12)], lost_color=3, lost_depth=7)
    with RedwoodScan.open(path) as found:
        assert len(found.frames) == 10
        assert all(frame.color_stamp_us == frame.depth_stamp_us for frame in found.frames)
        (said,) = found.warnings
    assert re.search(words, said)


@pytest.mark.parametrize("step_us", [8_333, 33_333, 200_000, 1_000_000, 5_000_000])
def test_microseconds_at_any_usual_rate_are_not_doubted(step_us: int) -> None:
    assert unit_of([100 + i * step_us for i in range(9)]) == (MICROSECONDS, None)
    assert unit_of([5, 6]) == (MICROSECONDS, None)


@pytest.mark.parametrize("inside", ["", "class/"])
def test_a_zip_of_several_scans_is_several_scans(tmp_path: Path, inside: str) -> None:
    for name, count in (("A", 4), ("B", 6)):
        scan(tmp_path / name, [i * 33_333 for i in range(count)])
    archive = tmp_path / "class.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(tmp_path.glob("[AB]/*/*")):
            target.write(path, inside + path.relative_to(tmp_path).as_posix())
    paths = expanded([archive])
    assert [path.name for path in paths] == ["A", "B"]
    for path, count in zip(paths, (4, 6), strict=True):
        with open_recording(path) as source:
            assert len(list(source)) == count
            assert f"one of 2 scans in its zip: {inside}A, {inside}B" in source.warnings


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((480, 640), "not corrected for the focal length.*640x480, not 480x640"),
        ((1920, 1080), "not corrected.*1920x1080"),
        ((1280, 960), "PrimeSense's focal length is assumed for 1280x960, 1050 px"),
        ((640, 480), None),
        ((320, 240), None),
    ],
)
def test_a_scan_without_info_json_says_what_is_assumed(
    tmp_path: Path, size: tuple[int, int], words: str | None
) -> None:
    with open_recording(scan(tmp_path / "a", [0, 33_333], size)) as source:
        frames = list(source)
    assert (frames[0].intrinsics is None) == (words is not None and "not corrected" in words)
    assert len(source.warnings) == (words is not None)
    assert words is None or re.search(words, source.warnings[0])
