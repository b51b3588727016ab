"""Writing bags: whole or not at all, and the messages that rosbags does not know by itself."""

from pathlib import Path

import pytest
from bag_samples import rgbd_messages, write_bag

from redwood_depth.bags.message_types import IMAGE, deserialize, typestore
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.writer import BagWriter
from redwood_depth.errors import BagError


def test_a_bag_is_a_folder_with_metadata_and_an_mcap_of_its_name(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "deep" / "bag", rgbd_messages(2))
    assert sorted(file.name for file in path.iterdir()) == ["bag.mcap", "metadata.yaml"]
    assert [entry.name for entry in path.parent.iterdir()] == ["bag"]
    assert "- bag.mcap" in (path / "metadata.yaml").read_text()
    with Bag.open(path) as bag:
        assert bag.message_count == 6
        times = [message.timestamp_ns for message in bag.messages([topic.name for topic in bag.topics])]
    assert times == sorted(times)
    assert times[0] == 1_000_000_000, "the header's stamp is the time of logging"


def test_an_existing_bag_is_never_overwritten(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", rgbd_messages(1))
    before = (path / "bag.mcap").read_bytes()
    with pytest.raises(BagError, match="exists already"):
        BagWriter(path)
    assert (path / "bag.mcap").read_bytes() == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, BagError])
def test_a_write_that_is_broken_off_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    topic, message = rgbd_messages(1)[0]
    with pytest.raises(error), BagWriter(tmp_path / "bag") as writer:  # noqa: PT012
        writer.write_stamped(topic, message)
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_bag_without_messages_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="no message to write"), BagWriter(tmp_path / "bag"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BagError, match="cannot write"):
        BagWriter(tmp_path / "file" / "bag")


def test_messages_from_dds_are_recorded_with_their_definitions(tmp_path: Path) -> None:
    types = typestore().types
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](3, 4), "camera")
    hypothesis = types["vision_msgs/msg/ObjectHypothesis"]("car", 0.75)
    classification = types["vision_msgs/msg/Classification"](header, [hypothesis])
    label = types["vision_msgs/msg/VisionClass"](1, "car")
    label_info = types["vision_msgs/msg/LabelInfo"](header, [label], 0.5)
    with BagWriter(tmp_path / "bag") as writer:
        for topic, message in (("/classification", classification), ("/label_info", label_info)):
            data = bytes(typestore().serialize_cdr(message, message.__msgtype__))
            writer.write_serialized(topic, message.__msgtype__, 5, data)
    with Bag.open(tmp_path / "bag") as bag:
        read = {message.topic: deserialize(message) for message in bag.messages(["/classification", "/label_info"])}
    assert (read["/classification"].results[0].class_id, read["/classification"].results[0].score) == ("car", 0.75)
    assert (read["/label_info"].class_map[0].class_name, read["/label_info"].threshold) == ("car", 0.5)


def test_an_unknown_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="unknown message type my_msgs/msg/Own"), BagWriter(tmp_path / "bag") as writer:
        writer.write_serialized("/own", "my_msgs/msg/Own", 0, b"")


def test_definitions_of_recorded_types_travel_in_the_bag(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", rgbd_messages(1))
    assert IMAGE.encode() in (path / "bag.mcap").read_bytes()
    assert b"uint8[] data" in (path / "bag.mcap").read_bytes()
