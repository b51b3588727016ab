"""Reading bags: both storages, damaged ones, choice of topics, pairing by stamp."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import (
    CAMERA,
    HEIGHT,
    PERIOD_US,
    WIDTH,
    color_pixels,
    cut,
    depth_pixels,
    rgbd_messages,
    write_bag,
    write_compressed_bag,
    write_sqlite_bag,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import CompressionMode, StoragePlugin

from redwood_depth import bag_pairs, scan_messages
from redwood_depth.bag_pairs import RgbdPair, RgbdReader
from redwood_depth.bag_topics import RgbdTopics, find_rgbd_topics
from redwood_depth.bag_types import IMAGE, RawMessage, deserialize, header_stamp_ns, typestore
from redwood_depth.bag_writer import BagWriter
from redwood_depth.bags import Bag
from redwood_depth.errors import BagError
from redwood_depth.scan_messages import COLOR_INFO_TOPIC, COLOR_TOPIC, DEPTH_TOPIC

WRITERS = pytest.mark.parametrize("write", [write_bag, write_sqlite_bag])
TOPICS = RgbdTopics(COLOR_TOPIC, DEPTH_TOPIC, COLOR_INFO_TOPIC)


def read_pairs(path: Path) -> tuple[list[RgbdPair], RgbdReader, str | None]:
    with Bag.open(path) as bag:
        reader = RgbdReader(bag, find_rgbd_topics(bag))
        pairs = list(reader)
        return pairs, reader, bag.damage


@WRITERS
def test_pairs_of_a_bag(tmp_path: Path, write: Any) -> None:
    pairs, reader, damage = read_pairs(write(tmp_path / "bag", rgbd_messages(5)))
    assert (len(pairs), reader.paired, reader.unpaired_color, reader.unpaired_depth, reader.corrupt) == (5, 5, 0, 0, 0)
    assert damage is None
    assert [pair.depth_stamp_ns - pair.color_stamp_ns for pair in pairs] == [4_000_000] * 5
    assert [pair.color_stamp_ns for pair in pairs] == [(1_000_000 + i * PERIOD_US) * 1000 for i in range(5)]
    assert pairs[0].intrinsics == CAMERA
    assert pairs[0].color.rgb().tolist() == color_pixels(100).tolist()
    expected = depth_pixels(2000) / np.float32(1000)
    np.testing.assert_allclose(pairs[0].depth_m, np.where(expected > 0, expected, np.nan))


@WRITERS
def test_a_storage_file_is_a_bag_by_itself(tmp_path: Path, write: Any) -> None:
    folder = write(tmp_path / "bag", rgbd_messages(4))
    (file,) = [file for file in folder.iterdir() if file.suffix != ".yaml"]
    assert len(read_pairs(file)[0]) == 4
    (folder / "metadata.yaml").unlink()
    pairs, _, damage = read_pairs(folder)
    assert len(pairs) == 4
    assert damage is None


@WRITERS
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_bag_gives_what_is_readable_and_says_so(tmp_path: Path, write: Any, share: float) -> None:
    depths = [np.random.default_rng(i).integers(500, 4000, (240, 320), np.uint16) for i in range(40)]
    path = write(tmp_path / "bag", rgbd_messages(40, depths))
    cut(path, share)
    pairs, _, damage = read_pairs(path)
    assert 40 * share - 9 <= len(pairs) <= 40 * share + 1
    assert damage is not None
    assert "\n" not in damage
    for i, pair in enumerate(pairs):
        assert pair.depth_m[3, 3] == np.float32(depths[i][3, 3]) * np.float32(0.001)


@WRITERS
@pytest.mark.parametrize("share", [0.0, 0.001])
def test_a_bag_with_nothing_readable_is_an_error(tmp_path: Path, write: Any, share: float) -> None:
    path = write(tmp_path / "bag", rgbd_messages(3))
    cut(path, share)
    with pytest.raises(BagError, match="cannot read the bag") as caught:
        Bag.open(path)
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_to_the_bytes_of_a_bag_raises_anything_but_a_bag_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    write = data.draw(st.sampled_from([write_bag, write_sqlite_bag]))
    folder = write(tmp_path_factory.mktemp("fuzz") / "bag", rgbd_messages(3))
    file = data.draw(st.sampled_from(sorted(folder.iterdir())))
    content = bytearray(file.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20)):
        content[at] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    with suppress(BagError):
        read_pairs(folder)


@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize("mode", [CompressionMode.MESSAGE, CompressionMode.FILE, CompressionMode.STORAGE])
def test_compressed_bags_are_read(tmp_path: Path, storage: StoragePlugin, mode: CompressionMode) -> None:
    if (storage, mode) == (StoragePlugin.SQLITE3, CompressionMode.STORAGE):
        pytest.skip("there is no such thing")
    depths = [np.random.default_rng(i).integers(500, 4000, (240, 320), np.uint16) for i in range(20)]
    path = write_compressed_bag(tmp_path / "bag", rgbd_messages(20, depths), storage, mode)
    pairs, _, damage = read_pairs(path)
    assert (len(pairs), damage) == (20, None)
    if mode != CompressionMode.FILE:  # zstd over a whole file cannot be entered in the middle
        cut(path, 0.8)
        pairs, reader, damage = read_pairs(path)
        assert len(pairs) >= 8
        assert reader.corrupt == 0
        assert damage is not None


def test_a_damaged_chunk_costs_only_itself(tmp_path: Path) -> None:
    depths = [np.random.default_rng(i).integers(500, 4000, (480, 640), np.uint16) for i in range(12)]
    path = write_bag(tmp_path / "bag", rgbd_messages(12, depths))
    file = cut(path, 0.99)  # no index
    content = bytearray(file.read_bytes())
    at = content.index(depths[4].tobytes()[:64])
    content[at - 200_000 : at - 199_000] = bytes([255]) * 1000
    file.write_bytes(content)
    pairs, reader, damage = read_pairs(path)
    assert damage is not None
    assert len(pairs) + reader.corrupt >= 8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no bag at"),
        (lambda path: path.mkdir(), "no metadata.yaml, and there is no plain .mcap or .db3"),
        (lambda path: path.write_text("text"), "cannot read the bag"),
    ],
)
def test_what_is_no_bag_is_a_bag_error(tmp_path: Path, make: Any, message: str) -> None:
    make(tmp_path / "thing")
    with pytest.raises(BagError, match=message):
        Bag.open(tmp_path / "thing")


@pytest.mark.parametrize(("missing", "what"), [(COLOR_TOPIC, "colour image"), (DEPTH_TOPIC, "depth image")])
def test_a_missing_topic_is_an_error_that_lists_those_that_are_there(tmp_path: Path, missing: str, what: str) -> None:
    messages = [entry for entry in rgbd_messages(3) if entry[0] != missing]
    with Bag.open(write_bag(tmp_path / "bag", messages)) as bag:
        with pytest.raises(BagError, match=f"has no {what} topic") as caught:
            find_rgbd_topics(bag)
        assert f"{COLOR_INFO_TOPIC} (sensor_msgs/msg/CameraInfo, 3)" in str(caught.value)


@pytest.mark.parametrize(
    ("option", "what"), [("color", "colour image"), ("depth", "depth image"), ("camera_info", "camera_info")]
)
def test_a_topic_that_is_asked_for_must_be_there(tmp_path: Path, option: str, what: str) -> None:
    with (
        Bag.open(write_bag(tmp_path / "bag", rgbd_messages(3))) as bag,
        pytest.raises(BagError, match=f"has no {what} topic /nowhere; it has: /camera/aligned"),
    ):
        find_rgbd_topics(bag, **{option: "/nowhere"})


def test_without_camera_info_there_are_no_intrinsics(tmp_path: Path) -> None:
    pairs, _, _ = read_pairs(write_bag(tmp_path / "bag", rgbd_messages(3, camera=None)))
    assert [pair.intrinsics for pair in pairs] == [None] * 3


def image_on(topic: str, encoding: str) -> tuple[str, Any]:
    pixels = color_pixels(1) if encoding in ("rgb8", "bgr8") else depth_pixels(1000)
    if encoding == "32FC1":
        pixels = pixels.astype(np.float32)
    if encoding == "mono8":
        pixels = pixels.astype(np.uint8)
    if "compressed" in encoding or "jpeg" in encoding:
        make = scan_messages.compressed_depth if "Depth" in encoding else scan_messages.compressed_color
        return topic, make(b"not decoded here", 0)
    return topic, scan_messages.image(pixels, encoding, 0)


@pytest.mark.parametrize(
    ("topics", "color", "depth"),
    [
        (
            {
                "/camera/rgb/image_raw": "rgb8",
                "/camera/depth/image_raw": "16UC1",
                "/camera/depth_registered/image_raw": "16UC1",
            },
            "/camera/rgb/image_raw",
            "/camera/depth_registered/image_raw",
        ),
        (
            {
                "/camera/camera/color/image_raw": "rgb8",
                "/camera/camera/depth/image_rect_raw": "16UC1",
                "/camera/camera/aligned_depth_to_color/image_raw": "16UC1",
                "/camera/camera/infra1/image_rect_raw": "mono8",
            },
            "/camera/camera/color/image_raw",
            "/camera/camera/aligned_depth_to_color/image_raw",
        ),
        (
            {"/image_raw": "bgr8", "/depth/image": "32FC1", "/preview/image": "bgr8"},
            "/image_raw",
            "/depth/image",
        ),
        (
            {
                "/k4a/rgb/image_raw/compressed": "jpeg",
                "/k4a/depth_to_rgb/image_raw/compressedDepth": "compressedDepth",
                "/k4a/ir/image_raw": "mono16",
            },
            "/k4a/rgb/image_raw/compressed",
            "/k4a/depth_to_rgb/image_raw/compressedDepth",
        ),
        ({"/rgb/image": "rgb8", "/depth/colorized": "rgb8", "/depth": "16UC1"}, "/rgb/image", "/depth"),
    ],
)
def test_topics_are_found_by_type_name_and_encoding(
    tmp_path: Path, topics: dict[str, str], color: str, depth: str
) -> None:
    path = write_bag(tmp_path / "bag", [image_on(*topic) for topic in topics.items()])
    with Bag.open(path) as bag:
        assert find_rgbd_topics(bag) == RgbdTopics(color, depth, None)


def test_the_camera_info_beside_the_colour_image_is_taken(tmp_path: Path) -> None:
    names = ("/a/color/camera_info", "/b/color/camera_info", "/b/depth/camera_info")
    messages = [(name, scan_messages.camera_info(CAMERA, 0)) for name in names]
    messages += [image_on("/b/color/image_raw", "rgb8"), image_on("/b/depth/image_raw", "16UC1")]
    with Bag.open(write_bag(tmp_path / "bag", messages)) as bag:
        assert find_rgbd_topics(bag).camera_info == "/b/color/camera_info"


def test_corrupt_messages_are_counted_and_skipped(tmp_path: Path) -> None:
    messages = rgbd_messages(6)
    short = [i for i, (topic, _) in enumerate(messages) if topic == COLOR_TOPIC][1]
    messages[short][1].data = messages[short][1].data[:10]
    odd = [i for i, (topic, _) in enumerate(messages) if topic == DEPTH_TOPIC][3]
    messages[odd][1].encoding = "64FC9"
    with BagWriter(tmp_path / "bag") as writer:
        for topic, message in messages:
            writer.write_stamped(topic, message)
        writer.write_serialized(COLOR_TOPIC, IMAGE, 1_010_000_000, b"\0\1\0\0nothing")
    pairs, reader, damage = read_pairs(tmp_path / "bag")
    assert (len(pairs), reader.paired, reader.corrupt, damage) == (4, 4, 3, None)


def test_clocks_that_never_meet_pair_nothing_and_fill_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bag_pairs, "MAX_WAITING_BYTES", 10 * HEIGHT * WIDTH * 3)
    path = write_bag(tmp_path / "bag", rgbd_messages(50, depth_late_us=3_600_000_000))
    with Bag.open(path) as bag:
        reader = RgbdReader(bag, TOPICS)
        assert list(reader) == []
    assert (reader.unpaired_color, reader.unpaired_depth) == (50, 50)


def fake_bag(stamps: list[tuple[str, int]]) -> Any:
    """Messages with the right header and no image in them, in this order."""

    class Fake:
        def messages(self, topics: Any) -> Any:
            for topic, stamp_us in stamps:
                if topic in topics:
                    message = scan_messages.image(np.zeros((1, 1), np.uint16), "16UC1", stamp_us)
                    yield RawMessage(topic, IMAGE, stamp_us * 1000, bytes(typestore().serialize_cdr(message, IMAGE)))

    return Fake()


@given(data=st.data(), offset=st.integers(-15_000, 15_000), log_lag=st.integers(0, 500_000))
@settings(deadline=None, max_examples=50)
def test_streaming_pairs_as_pairing_with_everything_in_memory(data: st.DataObject, offset: int, log_lag: int) -> None:
    """Lost frames, an offset between the streams, and depth that is logged late change nothing."""
    kept_color = sorted(data.draw(st.sets(st.integers(0, 60), min_size=1)))
    kept_depth = sorted(data.draw(st.sets(st.integers(0, 60), min_size=1)))
    jitter = data.draw(st.lists(st.integers(-1500, 1500), min_size=61, max_size=61))
    colors = [1_000_000 + i * PERIOD_US for i in kept_color]
    depths = [1_000_000 + i * PERIOD_US + offset + jitter[i] for i in kept_depth]
    logged = [(stamp, "/color", stamp) for stamp in colors] + [(stamp + log_lag, "/depth", stamp) for stamp in depths]
    reader = RgbdReader(
        fake_bag([(topic, stamp) for _, topic, stamp in sorted(logged)]), RgbdTopics("/color", "/depth", None)
    )
    pairs = [(pair.color_stamp_ns // 1000, pair.depth_stamp_ns // 1000) for pair in reader]
    expected = bag_pairs.pair_stamps(colors, depths, 20_000)
    assert pairs == [(colors[i], depths[j]) for i, j in expected]
    assert reader.unpaired_color == len(colors) - len(pairs)
    assert reader.unpaired_depth == len(depths) - len(pairs)


def test_header_stamps_are_read_in_both_byte_orders() -> None:
    message = scan_messages.image(np.zeros((1, 1), np.uint16), "16UC1", 12_345_678)
    for little in (True, False):
        data = bytes(typestore().serialize_cdr(message, IMAGE, little_endian=little))
        assert header_stamp_ns(RawMessage("/t", IMAGE, 0, data)) == 12_345_678_000
        assert deserialize(RawMessage("/t", IMAGE, 0, data)).encoding == "16UC1"
    for data in (b"", b"\0\1\0\0\1\2", b"\7\7" + bytes(40)):
        with pytest.raises(BagError, match="corrupt"):
            header_stamp_ns(RawMessage("/t", IMAGE, 0, data))
