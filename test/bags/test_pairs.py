"""Color and depth of a bag, paired by header stamp while streaming."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import (
    HEIGHT,
    PERIOD_US,
    WIDTH,
    rgbd_messages,
    write_bag,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood_depth.bags import driver_messages
from redwood_depth.bags import pairs as pairing
from redwood_depth.bags.driver_messages import COLOR_INFO_TOPIC, COLOR_TOPIC, DEPTH_TOPIC
from redwood_depth.bags.message_types import IMAGE, RawMessage, typestore
from redwood_depth.bags.pairs import RgbdReader
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import RgbdTopics, find_rgbd_topics
from redwood_depth.bags.writer import BagWriter
from redwood_depth.rgbd import RgbdFrame

TOPICS = RgbdTopics(COLOR_TOPIC, DEPTH_TOPIC, COLOR_INFO_TOPIC)


def read_pairs(path: Path) -> tuple[list[RgbdFrame], RgbdReader, str | None]:
    with Bag.open(path) as bag:
        reader = RgbdReader(bag, find_rgbd_topics(bag))
        pairs = list(reader)
        return pairs, reader, bag.damage


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
    monkeypatch.setattr(pairing, "MAX_WAITING_BYTES", 10 * HEIGHT * WIDTH * 3)
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
                    message = driver_messages.image(np.zeros((1, 1), np.uint16), "16UC1", stamp_us)
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
    expected = pairing.pair_stamps(colors, depths, 20_000)
    assert pairs == [(colors[i], depths[j]) for i, j in expected]
    assert reader.unpaired_color == len(colors) - len(pairs)
    assert reader.unpaired_depth == len(depths) - len(pairs)
