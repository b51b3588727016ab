"""scans_to_bag: a scan becomes an RGB-D driver's recording."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from bag_samples import HEIGHT, PERIOD_US, WIDTH, write_scan

from redwood_depth.bags import writer
from redwood_depth.bags.message_types import deserialize
from redwood_depth.bags.pairs import RgbdReader
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import find_rgbd_topics
from redwood_depth.camera import Intrinsics
from redwood_depth.commands.scans_to_bag import main
from redwood_depth.rgbd import RgbdFrame


def read(path: Path) -> list[RgbdFrame]:
    with Bag.open(path) as bag:
        return list(RgbdReader(bag, find_rgbd_topics(bag)))


@pytest.mark.parametrize("options", [[], ["--compressed"]])
def test_a_scan_survives_the_way_into_a_bag(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    scan = write_scan(tmp_path / "scan", 5)
    assert main([str(scan), "--output", str(tmp_path / "bag"), *options]) == 0
    assert "5 frames of 1 scan, 0 color" in capsys.readouterr().out
    pairs = read(tmp_path / "bag")
    assert [pair.color_stamp_ns for pair in pairs] == [i * PERIOD_US * 1000 for i in range(5)]
    assert [pair.depth_stamp_ns - pair.color_stamp_ns for pair in pairs] == [4_000_000] * 5
    for i, pair in enumerate(pairs):
        assert pair.depth_m[5, 5] == pytest.approx(1.0 + 0.1 * i)
        assert np.isnan(pair.depth_m[:, 0]).all()
        np.testing.assert_allclose(pair.color.rgb(), 40 * i, atol=2)
        assert pair.intrinsics == Intrinsics(640, 480, 525.0, 525.0, 319.5, 239.5).scaled(HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("options", "color", "depth"),
    [
        ([], ("/camera/color/image_raw", "rgb8"), ("/camera/aligned_depth_to_color/image_raw", "16UC1")),
        (
            ["--compressed"],
            ("/camera/color/image_raw/compressed", "rgb8; jpeg compressed bgr8"),
            ("/camera/aligned_depth_to_color/image_raw/compressedDepth", "16UC1; compressedDepth png"),
        ),
    ],
)
def test_topics_frame_and_formats_are_a_drivers(
    tmp_path: Path, options: list[str], color: tuple[str, str], depth: tuple[str, str]
) -> None:
    scan = write_scan(tmp_path / "scan", 1)
    assert main([str(scan), "--output", str(tmp_path / "bag"), *options]) == 0
    with Bag.open(tmp_path / "bag") as bag:
        infos = {"/camera/color/camera_info", "/camera/aligned_depth_to_color/camera_info"}
        assert {topic.name for topic in bag.topics} == {color[0], depth[0], *infos}
        messages = {message.topic: deserialize(message) for message in bag.messages([t.name for t in bag.topics])}
    assert {message.header.frame_id for message in messages.values()} == {"camera_color_optical_frame"}
    for topic, form in (color, depth):
        assert form in (getattr(messages[topic], "encoding", ""), getattr(messages[topic], "format", ""))


def test_jpeg_and_png_go_in_as_they_are(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "scan", 1)
    main([str(scan), "--output", str(tmp_path / "bag"), "--compressed"])
    content = (tmp_path / "bag" / "bag.mcap").read_bytes()
    (jpeg,), (png,) = (scan / "rgb").iterdir(), (scan / "depth").iterdir()
    assert jpeg.read_bytes() in content
    assert bytes(12) + png.read_bytes() in content


def test_scans_follow_each_other_in_time(tmp_path: Path) -> None:
    first = write_scan(tmp_path / "first", 3, first_us=5_000_000)
    second = write_scan(tmp_path / "second", 2, first_us=1_000)
    with zipfile.ZipFile(tmp_path / "second.zip", "w") as archive:
        for file in second.rglob("*.*"):
            archive.write(file, file.relative_to(second).as_posix())
    assert main([str(first), str(tmp_path / "second.zip"), "--output", str(tmp_path / "bag")]) == 0
    stamps_us = [pair.color_stamp_ns // 1000 for pair in read(tmp_path / "bag")]
    assert stamps_us[:3] == [5_000_000 + i * PERIOD_US for i in range(3)]
    assert stamps_us[3] - stamps_us[2] == 1_000_000 + 4_000
    assert stamps_us[4] - stamps_us[3] == PERIOD_US


def test_corrupt_and_unpaired_frames_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = write_scan(tmp_path / "scan", 5)
    colors, depths = sorted((scan / "rgb").iterdir()), sorted((scan / "depth").iterdir())
    colors[1].write_bytes(b"no image")
    depths[2].unlink()
    cv2.imwrite(str(colors[3]), np.zeros((30, 30, 3), np.uint8))  # another camera's
    assert main([str(scan), "--output", str(tmp_path / "bag")]) == 0
    captured = capsys.readouterr()
    assert "2 frames of 1 scan, 1 color images without depth skipped, 2 corrupt frames skipped" in captured.out
    assert len(captured.err.splitlines()) == 2
    assert len(read(tmp_path / "bag")) == 2


@pytest.mark.parametrize("options", [[], ["--compressed"]])
def test_a_scan_with_nothing_but_corrupt_frames_makes_no_bag(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    scan = write_scan(tmp_path / "scan", 1)
    next((scan / "depth").iterdir()).write_bytes(b"no image")
    assert main([str(scan), "--output", str(tmp_path / "bag"), *options]) == 1
    assert "no message to write" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["scan"]


def test_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = write_scan(tmp_path / "scan", 1)
    (tmp_path / "bag").mkdir()
    assert main([str(scan), "--output", str(tmp_path / "bag")]) == 1
    assert main([str(tmp_path / "nowhere"), "--output", str(tmp_path / "other")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "exists already" in lines[0]
    assert "no scan at" in lines[1]


def test_ctrl_c_leaves_no_half_bag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = write_scan(tmp_path / "scan", 3)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writer.BagWriter, "write_stamped", interrupted)
    assert main([str(scan), "--output", str(tmp_path / "bag")]) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["scan"]


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "scans_to_bag data/car/00042.zip --output car_bag" in capsys.readouterr().out
