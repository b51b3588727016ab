"""Redwood scans: pairing by time stamp, folders and zips, and one clear line for everything that can be wrong."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood_depth.camera import Intrinsics
from redwood_depth.errors import ScanError
from redwood_depth.scans import redwood
from redwood_depth.scans.redwood import RedwoodScan, decode_color, decode_depth, pair_stamps

PERIOD_US = 33_333


def encoded(suffix: str, image: np.ndarray) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


JPEG = encoded(".jpg", np.full((6, 8, 3), (200, 100, 50), np.uint8))  # BGR
PNG = encoded(".png", np.full((6, 8), 1234, np.uint16))


def members(colors: list[int], depths: list[int], **extra: bytes) -> dict[str, bytes]:
    """The files of a scan with these time stamps; frame numbers run separately, as in Redwood."""
    files = {f"rgb/{i + 1:07d}-{stamp:012d}.jpg": JPEG for i, stamp in enumerate(colors)}
    files |= {f"depth/{i + 1:07d}-{stamp:012d}.png": PNG for i, stamp in enumerate(depths)}
    return files | extra


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def write_zip(path: Path, files: Mapping[str, bytes], top: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(top + name, data)
    return path


def test_drifted_streams_with_different_counts_pair_by_stamp(tmp_path: Path) -> None:
    """The depth stream lost three frames early on: pairing by position would be wrong for every frame after them."""
    colors = [i * PERIOD_US for i in range(30)]
    depths = [stamp + 4_000 for i, stamp in enumerate(colors) if i not in (2, 3, 4)]
    with RedwoodScan.open(write_folder(tmp_path / "00001", members(colors, depths))) as scan:
        assert scan.name == "00001"
        assert scan.unpaired == 3
        assert [frame.depth_stamp_us - frame.color_stamp_us for frame in scan.frames] == [4_000] * 27
    by_position = list(zip(colors, depths, strict=False))
    assert sum(pair not in by_position for pair in ((f.color_stamp_us, f.depth_stamp_us) for f in scan.frames)) == 25


def test_the_nearer_color_frame_gets_the_depth_frame() -> None:
    assert pair_stamps([0, 15_000], [16_000], 20_000) == [(1, 0)]


stamps = st.lists(st.integers(0, 2_000_000), max_size=60, unique=True).map(sorted)


@given(colors=stamps, depths=stamps, gap=st.integers(0, 50_000))
def test_each_frame_is_used_once_and_gaps_are_kept(colors: list[int], depths: list[int], gap: int) -> None:
    pairs = pair_stamps(colors, depths, gap)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(abs(colors[i] - depths[j]) <= gap for i, j in pairs)
    left_colors = set(range(len(colors))) - {i for i, _ in pairs}
    left_depths = set(range(len(depths))) - {j for _, j in pairs}
    assert all(abs(colors[i] - depths[j]) > gap for i in left_colors for j in left_depths), "a pair was missed"


@given(
    data=st.data(),
    count=st.integers(2, 80),
    offset=st.integers(-8_000, 8_000),
    drift=st.floats(-5e-4, 5e-4),
)
def test_drift_and_losses_never_pair_the_wrong_frames(
    data: st.DataObject, count: int, offset: int, drift: float
) -> None:
    colors = [1_000_000 + i * PERIOD_US for i in range(count)]
    kept = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    depths = [round(colors[i] * (1 + drift)) + offset for i in kept]
    assert pair_stamps(colors, depths, 12_000) == [
        (i, j) for j, i in enumerate(kept) if abs(depths[j] - colors[i]) <= 12_000
    ]


@pytest.mark.parametrize("top", ["", "00042/"])
def test_a_zip_is_read_in_place(tmp_path: Path, top: str) -> None:
    path = write_zip(tmp_path / "00042.zip", members([0, PERIOD_US], [100, PERIOD_US]), top)
    with RedwoodScan.open(path) as scan:
        assert scan.name == "00042"
        assert [frame.depth_stamp_us for frame in scan.frames] == [100, PERIOD_US]
        assert decode_color(scan.color_bytes(scan.frames[0])).shape == (6, 8, 3)
        assert int(decode_depth(scan.depth_bytes(scan.frames[0]))[0, 0]) == 1234
    assert list(tmp_path.iterdir()) == [path]


def test_intrinsics_come_from_info_json_else_primesense(tmp_path: Path) -> None:
    info = {"width": 320, "height": 240, "fx": 270.5, "fy": 271.5, "cx": 160, "cy": 121}
    own = write_folder(tmp_path / "own", members([0], [0]) | {"info.json": json.dumps(info).encode()})
    plain = write_zip(tmp_path / "plain.zip", members([0], [0]))
    with RedwoodScan.open(own) as scan:
        assert scan.intrinsics == Intrinsics(320, 240, 270.5, 271.5, 160.0, 121.0)
    with RedwoodScan.open(plain) as scan:
        assert scan.intrinsics == Intrinsics(640, 480, 525.0, 525.0, 319.5, 239.5)


def test_colors_are_rgb() -> None:
    np.testing.assert_allclose(decode_color(JPEG)[0, 0], (50, 100, 200), atol=3)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"depth/0000001-000000000000.png": PNG}, "no rgb/"),
        ({"rgb/0000001-000000000000.jpg": JPEG}, "no depth/"),
        (members([0], [20_001]), "within 20 ms"),
        (members([0], [0]) | {"info.json": b"{"}, "info.json"),
        (members([0], [0]) | {"info.json": b'{"width": 640}'}, "lacks 'height'"),
        (
            members([0], [0]) | {"info.json": b'{"width":9,"height":9,"fx":NaN,"fy":1,"cx":1,"cy":1}'},
            "impossible camera",
        ),
        ({"readme.txt": b""}, "no rgb/"),
    ],
)
@pytest.mark.parametrize("write", [write_folder, write_zip])
def test_a_scan_that_lacks_something_says_what(tmp_path: Path, write, files: dict[str, bytes], message: str) -> None:
    path = write(tmp_path / "scan.zip", files)
    with pytest.raises(ScanError, match=message) as caught:
        RedwoodScan.open(path)
    assert "\n" not in str(caught.value)


def test_a_missing_scan_and_a_corrupt_zip_are_scan_errors(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="no scan at"):
        RedwoodScan.open(tmp_path / "absent")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(ScanError, match="not a zip that can be read"):
        RedwoodScan.open(tmp_path / "broken.zip")


def test_a_damaged_member_is_a_scan_error(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "scan.zip", members([0], [0]))
    data = bytearray(path.read_bytes())
    at = data.index(JPEG)
    data[at + 20 : at + 40] = bytes(20)
    path.write_bytes(data)
    with RedwoodScan.open(path) as scan, pytest.raises(ScanError, match="cannot read rgb/"):
        scan.color_bytes(scan.frames[0])


def test_a_huge_member_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redwood, "MAX_MEMBER_BYTES", 10)
    for path in (write_zip(tmp_path / "a.zip", members([0], [0])), write_folder(tmp_path / "a", members([0], [0]))):
        with RedwoodScan.open(path) as scan, pytest.raises(ScanError, match="at most"):
            scan.depth_bytes(scan.frames[0])


@pytest.mark.parametrize("data", [b"", b"not an image", PNG[:40]])
def test_corrupt_images_are_scan_errors(data: bytes) -> None:
    for decode in (decode_color, decode_depth):
        with pytest.raises(ScanError, match="cannot be read"):
            decode(data)


def test_depth_must_be_16_bit() -> None:
    with pytest.raises(ScanError, match="16-bit"):
        decode_depth(encoded(".png", np.zeros((4, 4), np.uint8)))
