"""ROS 1's .bag files, read and played as if ROS 2 had recorded them."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import CAMERA, PERIOD_US, color_pixels, rgbd_messages, write_bag
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.rosbag1 import Writer
from rosbags.typesys import Stores, get_typestore

from redwood_depth.bags import driver_messages
from redwood_depth.bags.message_types import COMPRESSED_IMAGE, RawMessage, as_cdr, deserialize, header_stamp_ns
from redwood_depth.bags.pairs import RgbdReader
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import find_rgbd_topics
from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.evaluate_bag import main
from redwood_depth.errors import BagError

FRAMES = 8
NOETIC = get_typestore(Stores.ROS1_NOETIC)


def as_ros1(message: Any, sequence: int = 0) -> Any:
    """The same message with the fields that ROS 1 has, as ROS 1 names them."""
    kind = NOETIC.types[message.__msgtype__]
    values = {name: getattr(message, name, None) for name in kind.__dataclass_fields__ if name != "__msgtype__"}
    values |= {name: getattr(message, name.lower()) for name in values if name in ("D", "K", "R", "P")}
    if "header" in values:
        stamp = NOETIC.types["builtin_interfaces/msg/Time"](message.header.stamp.sec, message.header.stamp.nanosec)
        values["header"] = NOETIC.types["std_msgs/msg/Header"](sequence, stamp, message.header.frame_id)
    return kind(**values)


def ros1_bytes(message: Any, sequence: int = 0) -> bytes:
    return bytes(NOETIC.serialize_ros1(as_ros1(message, sequence), message.__msgtype__))


def write_ros1(
    path: Path, messages: list[tuple[str, Any]], compression: Writer.CompressionFormat | None = None, tail: bytes = b""
) -> Path:
    """With two publishers of each topic, as ROS 1 counts them; `tail` is what a writer adds after the last field."""
    writer = Writer(path)
    if compression:
        writer.set_compression(compression)
    with writer:
        connections: dict[tuple[str, int], Any] = {}
        for number, (topic, message) in enumerate(messages):
            key = topic, number % 2
            if key not in connections:
                connections[key] = writer.add_connection(
                    topic, message.__msgtype__, typestore=NOETIC, callerid=f"/node_{number % 2}"
                )
            stamp = message.header.stamp
            at_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
            writer.write(connections[key], at_ns, ros1_bytes(message, number) + tail)
    return path


@pytest.mark.parametrize("compression", [None, *Writer.CompressionFormat])
@pytest.mark.parametrize("tail", [b"", b"\0\0\x80\x3f"])
def test_pairs_of_a_ros_1_bag(tmp_path: Path, compression: Any, tail: bytes) -> None:
    path = write_ros1(tmp_path / "a.bag", rgbd_messages(FRAMES), compression, tail)
    with Bag.open(path) as bag:
        assert [topic.count for topic in bag.topics] == [FRAMES] * 3
        reader = RgbdReader(bag, find_rgbd_topics(bag))
        pairs = list(reader)
        assert (len(pairs), reader.corrupt, bag.damage, bag.warnings) == (FRAMES, 0, None, [])
    assert [pair.color_stamp_ns for pair in pairs] == [(1_000_000 + i * PERIOD_US) * 1000 for i in range(FRAMES)]
    assert pairs[0].intrinsics == CAMERA
    assert pairs[0].color.rgb().tolist() == color_pixels(100).tolist()
    assert pairs[0].depth_m[5, 5] == np.float32(2.0)


def test_it_scores_as_the_same_bag_of_ros_2(tmp_path: Path, tiny_bundle: ModelBundle) -> None:
    results = []
    for path in (
        write_ros1(tmp_path / "a.bag", rgbd_messages(FRAMES)),
        write_bag(tmp_path / "b", rgbd_messages(FRAMES)),
    ):
        target = tmp_path / f"{path.name}.json"
        assert main([str(path), "--model", str(tiny_bundle.folder), "--json", str(target)]) == 0
        results.append(json.loads(target.read_text()))
    assert results[0]["abs_rel"] == results[1]["abs_rel"]
    assert results[0]["frames"] == FRAMES


@given(text=st.text(max_size=40), stamp=st.integers(0, 2**31 - 1), data=st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_a_converted_message_has_the_same_fields(text: str, stamp: int, data: bytes) -> None:
    message = driver_messages.compressed_color(data, stamp)
    message.header.frame_id = message.format = text.replace("\0", "")
    cdr = as_cdr(ros1_bytes(message, 7), COMPRESSED_IMAGE, "ros1")
    read = deserialize(RawMessage("/t", COMPRESSED_IMAGE, 0, cdr))
    assert (read.header, read.format, bytes(read.data)) == (message.header, message.format, data)
    assert header_stamp_ns(RawMessage("/t", COMPRESSED_IMAGE, 0, cdr)) == stamp * 1000


def test_a_folder_of_split_bags_is_one_recording(tmp_path: Path) -> None:
    messages = rgbd_messages(FRAMES)
    write_ros1(tmp_path / "run_0.bag", messages[:12])
    write_ros1(tmp_path / "run_1.bag", messages[12:])
    with Bag.open(tmp_path) as bag:
        assert len(list(RgbdReader(bag, find_rgbd_topics(bag)))) == FRAMES


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_recording_that_was_killed_is_named_with_its_remedy(tmp_path: Path, share: float) -> None:
    path = write_ros1(tmp_path / "a.bag", rgbd_messages(FRAMES))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(BagError, match=r"a.bag cannot be read: .*`rosbag reindex` of ROS 1") as caught:
        Bag.open(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_chunk_costs_only_itself(tmp_path: Path) -> None:
    depths = [np.random.default_rng(i).integers(500, 4000, (240, 320), np.uint16) for i in range(40)]
    path = write_ros1(tmp_path / "a.bag", rgbd_messages(40, depths), Writer.CompressionFormat.BZ2)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 100] = bytes(100)
    path.write_bytes(content)
    with Bag.open(path) as bag:
        pairs = list(RgbdReader(bag, find_rgbd_topics(bag)))
        assert bag.damage is not None
        assert "a.bag is damaged" in bag.damage
    assert 20 <= len(pairs) < 40
    assert pairs[-1].depth_m[7, 7] == np.float32(depths[39][7, 7]) * np.float32(0.001)


def test_an_unfinished_file_among_others_is_missed(tmp_path: Path) -> None:
    """Without power ROS 1 leaves run_1.bag.active, with an index that is 0."""
    messages = rgbd_messages(FRAMES)
    write_ros1(tmp_path / "run_0.bag", messages[:12])
    content = write_ros1(tmp_path / "x", messages[12:]).read_bytes()
    (tmp_path / "x").rename(tmp_path / "run_1.bag.active")
    at = content.index(b"index_pos=") + len(b"index_pos=")
    (tmp_path / "run_1.bag.active").write_bytes(content[:at] + bytes(8) + content[at + 8 :])
    with Bag.open(tmp_path) as bag:
        assert len(list(RgbdReader(bag, find_rgbd_topics(bag)))) == FRAMES // 2
        assert bag.damage is not None
        assert "run_1.bag.active cannot be read: Bag is not indexed" in bag.damage


def test_an_old_version_is_not_called_damaged(tmp_path: Path) -> None:
    path = write_ros1(tmp_path / "a.bag", rgbd_messages(2))
    path.write_bytes(path.read_bytes().replace(b"#ROSBAG V2.0", b"#ROSBAG V1.2"))
    with pytest.raises(BagError, match=r"Bag version 102 is not supported.*can rewrite it") as caught:
        Bag.open(path)
    assert "damaged" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_raises_anything_but_a_bag_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = write_ros1(tmp_path_factory.mktemp("fuzz") / "a.bag", rgbd_messages(3))
    content = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20)):
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with suppress(BagError), Bag.open(path) as bag:
        list(RgbdReader(bag, find_rgbd_topics(bag)))


def test_topics_of_types_that_nobody_knows_are_left_alone(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.bag") as writer:
        odd = writer.add_connection("/odd", "my_msgs/msg/Own", msgdef="float32 depth_unit", md5sum="0" * 32)
        writer.write(odd, 5, b"\0\0\0\0")
        connection = writer.add_connection("/tf", "tf/msg/tfMessage", msgdef="TransformStamped[] x", md5sum="1" * 32)
        writer.write(connection, 6, b"\0\0\0\0")
    with Bag.open(tmp_path / "a.bag") as bag:
        assert [str(topic) for topic in bag.topics] == ["/odd (my_msgs/msg/Own, 1)", "/tf (tf2_msgs/msg/TFMessage, 1)"]
        odd, tf = bag.messages(["/odd", "/tf"])
        assert len(deserialize(tf).transforms) == 0
        with pytest.raises(BagError, match="my_msgs/msg/Own, which is not known"):
            deserialize(odd)


def test_play_bag_publishes_it(tmp_path: Path, ros_domain: None) -> None:
    pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")
    from redwood_depth.commands import play_bag

    path = write_ros1(tmp_path / "a.bag", rgbd_messages(3))
    assert play_bag.main([str(path), "--rate", "20", "--wait", "0"]) == 0
