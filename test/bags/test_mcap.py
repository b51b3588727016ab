"""MCAP files with every choice that a writer has: all messages of each, in order of log time, none called damaged."""

import itertools
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import rgbd_messages
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap_samples import CompressionType, Entry, IndexType, serialized, stamped, write_mcap

from redwood_depth.bags.driver_messages import COLOR_TOPIC, DEPTH_TOPIC
from redwood_depth.bags.message_types import RawMessage, typestore
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.storage import mcap
from redwood_depth.errors import BagError

FRAMES = 12
COMPRESSIONS = list(CompressionType)
ORDERS = ("in order", "stepping back")
INDEXES = [IndexType.ALL, IndexType.CHUNK, IndexType.NONE]
CHOICES = ("repeat_channels", "repeat_schemas", "use_statistics")
FLAGS = [dict(zip(CHOICES, flags, strict=True)) for flags in itertools.product((True, False), repeat=3)]


def entries(order: str = "in order") -> list[Entry]:
    depths = [np.random.default_rng(i).integers(500, 4000, (24, 32), np.uint16) for i in range(FRAMES)]
    found = stamped(rgbd_messages(FRAMES, depths))
    if order == "stepping back":  # as several threads write, and as simulation time is set back
        found = [*found[15:], *found[:4], *found[4:15][::-1]]
    return found


def all_messages(path: Path) -> tuple[list[RawMessage], str | None, dict[str, int]]:
    with Bag.open(path) as bag:
        return (
            list(bag.messages([topic.name for topic in bag.topics])),
            bag.damage,
            {t.name: t.count for t in bag.topics},
        )


def expected(found: list[Entry]) -> set[tuple[str, str, int, bytes]]:
    return {(topic, message.__msgtype__, log_ns, serialized(message)) for topic, message, log_ns in found}


def check(path: Path, found: list[Entry]) -> None:
    messages, damage, counts = all_messages(path)
    assert damage is None
    assert {tuple(message) for message in messages} == expected(found)
    assert len(messages) == len(found)
    times = [message.timestamp_ns for message in messages]
    assert times == sorted(times)
    assert counts == {topic: sum(entry[0] == topic for entry in found) for topic, _, _ in found}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("indexes", INDEXES)
@pytest.mark.parametrize("flags", FLAGS, ids=lambda flags: "-".join(name for name, on in flags.items() if on) or "bare")
def test_chunked_files(
    tmp_path: Path, order: str, compression: CompressionType, indexes: IndexType, flags: dict[str, bool]
) -> None:
    how = {"chunk_size": 9000, "compression": compression, "index_types": indexes, **flags}
    found = entries(order)
    check(write_mcap(tmp_path / "a.mcap", found, **how), found)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("flags", FLAGS, ids=lambda flags: "-".join(name for name, on in flags.items() if on) or "bare")
def test_files_without_chunks(tmp_path: Path, order: str, flags: dict[str, bool]) -> None:
    found = entries(order)
    check(write_mcap(tmp_path / "a.mcap", found, use_chunking=False, **flags), found)


def test_a_file_with_no_profile_and_attachments_and_metadata_between_the_chunks(tmp_path: Path) -> None:
    def between(writer: Any, number: int) -> None:
        if number % 5 == 0:
            writer.add_attachment(number, number, "note.txt", "text/plain", bytes(1000))
            writer.add_metadata("place", {"number": str(number)})

    found = entries()
    check(write_mcap(tmp_path / "a.mcap", found, profile="", before=between, chunk_size=9000), found)


def test_an_empty_file_is_whole_and_empty(tmp_path: Path) -> None:
    for number, how in enumerate(
        ({}, {"use_chunking": False}, {"index_types": IndexType.NONE, "use_statistics": False})
    ):
        with Bag.open(write_mcap(tmp_path / f"{number}.mcap", [], **how)) as bag:
            assert (bag.topics, bag.message_count, bag.damage) == ((), 0, None)


def test_chunks_that_overlap_are_not_all_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two log times far apart in each chunk: all chunks begin at once."""
    found = entries()
    found = [(topic, message, log_ns + (number % 2) * 10**9) for number, (topic, message, log_ns) in enumerate(found)]
    path = write_mcap(tmp_path / "a.mcap", found, chunk_size=3000)
    monkeypatch.setattr(mcap, "_MAX_OPEN_BYTES", 8000)
    check(path, found)
    largest = 0
    with Bag.open(path) as bag:
        (file,) = bag._files
        for _ in bag.messages([COLOR_TOPIC, DEPTH_TOPIC]):
            largest = max(largest, sum(map(len, file._open.values())))  # type: ignore[attr-defined]
    assert 3000 < largest <= 8000


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("use_chunking", [True, False])
@pytest.mark.parametrize("share", [0.15, 0.5, 0.9, 0.99])
def test_of_a_file_that_is_cut_off_everything_before_is_read(
    tmp_path: Path, compression: CompressionType, use_chunking: bool, share: float
) -> None:
    found = entries()
    path = write_mcap(tmp_path / "a.mcap", found, chunk_size=4000, compression=compression, use_chunking=use_chunking)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    messages, damage, _ = all_messages(path)
    assert damage is not None
    assert "a.mcap" in damage
    assert {tuple(message) for message in messages} <= expected(found)
    assert len(messages) >= len(found) * share - 6


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("use_chunking", [True, False])
def test_a_lost_sector_costs_what_is_in_it(tmp_path: Path, fill: bytes, use_chunking: bool) -> None:
    found = entries()
    path = write_mcap(
        tmp_path / "a.mcap", found, chunk_size=4000, compression=CompressionType.NONE, use_chunking=use_chunking
    )
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 512] = fill * 512
    path.write_bytes(content)
    messages, damage, _ = all_messages(path)
    assert damage is not None
    times = {message.timestamp_ns for message in messages}
    assert min(times) == found[0][2]
    if use_chunking:
        assert max(times) == found[-1][2]
        assert len(messages) > len(found) - 8
        assert {tuple(message) for message in messages} <= expected(found)


@pytest.mark.parametrize("use_chunking", [True, False])
def test_messages_that_a_file_counts_and_does_not_have_are_missed(tmp_path: Path, use_chunking: bool) -> None:
    def before(writer: Any, number: int) -> None:
        if number == 5:
            writer._Writer__statistics.message_count += 4
            writer._Writer__statistics.channel_message_counts[2] += 4

    path = write_mcap(tmp_path / "a.mcap", entries(), before=before, use_chunking=use_chunking)
    messages, damage, _ = all_messages(path)
    assert (len(messages), damage) == (3 * FRAMES, "a.mcap lacks 4 messages that it counts")


def test_messages_of_a_topic_that_nothing_describes_are_missed(tmp_path: Path) -> None:
    def before(writer: Any, number: int) -> None:
        if number == 5:
            writer.add_message(99, 1_100_000_000, b"what is this", 1_100_000_000)

    for use_chunking in (True, False):
        path = write_mcap(tmp_path / "a.mcap", entries(), before=before, use_chunking=use_chunking)
        messages, damage, _ = all_messages(path)
        assert (len(messages), damage) == (3 * FRAMES, "a.mcap has 1 messages of topics that it does not describe")


def test_chunks_that_are_all_unreadable_are_damage_and_no_empty_bag(tmp_path: Path) -> None:
    bare: dict[str, Any] = {
        "repeat_channels": False,
        "index_types": IndexType.CHUNK,
        "compression": CompressionType.NONE,
    }
    path = write_mcap(tmp_path / "a.mcap", entries(), **bare)
    path.write_bytes(path.read_bytes().replace(b"camera", b"CAMERA"))
    with pytest.raises(BagError, match=r"a.mcap has \d unreadable chunks"):
        Bag.open(path)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), flags=st.sampled_from(FLAGS), indexes=st.sampled_from(INDEXES), use_chunking=st.booleans())
def test_no_damage_raises_anything_but_a_bag_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, flags: Any, indexes: IndexType, use_chunking: bool
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.mcap"
    write_mcap(path, entries()[:9], use_chunking=use_chunking, index_types=indexes, chunk_size=4000, **flags)
    content = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20)):
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    with suppress(BagError):
        all_messages(path)


def test_ros_1_messages_inside_are_read(tmp_path: Path) -> None:
    found = entries()
    check(write_mcap(tmp_path / "a.mcap", found, profile="ros1", encodings=("ros1msg", "ros1")), found)


@pytest.mark.parametrize("encoding", ["protobuf", "json", "flatbuffer"])
def test_messages_that_are_not_of_ros_are_named(tmp_path: Path, encoding: str) -> None:
    path = write_mcap(tmp_path / "a.mcap", entries(), profile="", encodings=(encoding, encoding))
    with pytest.raises(BagError, match=f"no ROS messages .*{encoding} sensor_msgs/msg/Image.*record with ros2 bag"):
        Bag.open(path)


def test_a_compression_that_is_not_read_is_named_with_its_remedy(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / "a.mcap", entries(), compression=CompressionType.LZ4)
    path.write_bytes(path.read_bytes().replace(b"\x03\0\0\0lz4", b"\x03\0\0\0xyz"))
    words = r"chunks of a.mcap are compressed with xyz.*mcap compress"
    with Bag.open(path) as bag, pytest.raises(BagError, match=words):
        list(bag.messages([COLOR_TOPIC]))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.9)])  # without an index it is found out when the file is opened
    with pytest.raises(BagError, match=words):
        Bag.open(path)


def test_types_that_differ_between_distributions_do_not_matter(tmp_path: Path) -> None:
    """Lyrical's PointField has new constants and its TransitionEvent another first field: both are left alone."""
    other = typestore().types["std_msgs/msg/String"]("nobody reads this one")
    definitions = {
        "lifecycle_msgs/msg/TransitionEvent": "builtin_interfaces/Time stamp\nTransition transition\nfuture[<=9] x\n",
        "sensor_msgs/msg/PointField": "uint8 INT8=1\nuint8 BOOL=12\nbyte[[nonsense]]\n",
    }

    def before(writer: Any, number: int) -> None:
        for name, text in definitions.items() if number == 3 else ():
            schema = writer.register_schema(name, "ros2msg", text.encode())
            writer.add_message(writer.register_channel(f"/{name}", "cdr", schema), 5, serialized(other), 5)

    found = entries()
    messages, damage, counts = all_messages(write_mcap(tmp_path / "a.mcap", found, before=before))
    assert damage is None
    assert counts["/sensor_msgs/msg/PointField"] == 1
    assert expected(found) <= {tuple(message) for message in messages}
