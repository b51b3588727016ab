"""Bags as each distribution of ROS 2 writes them: what we read of them is the same in all."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import CAMERA, rgbd_messages
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from redwood_depth.bags.message_types import CAMERA_TYPES, typestore
from redwood_depth.bags.pairs import RgbdReader
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import find_rgbd_topics

FRAMES = 3
STORES = [store for store in Stores if store.name.startswith("ROS2_")]
OURS = (*CAMERA_TYPES, "std_msgs/msg/Header", "tf2_msgs/msg/TFMessage", "geometry_msgs/msg/TransformStamped")


def others(store: Any) -> list[tuple[str, Any]]:
    """Messages whose types changed: PointField has new constants in Lyrical, TransitionEvent another first field."""
    types, time = store.types, store.types["builtin_interfaces/msg/Time"](1, 0)
    header = types["std_msgs/msg/Header"](time, "camera")
    field = types["sensor_msgs/msg/PointField"]("x", 0, 7, 1)
    nothing = np.zeros(4, np.uint8)
    cloud = types["sensor_msgs/msg/PointCloud2"](header, 1, 1, [field], False, 4, 4, nothing, True)
    state = types["lifecycle_msgs/msg/State"](1, "inactive")
    event = types["lifecycle_msgs/msg/TransitionEvent"]
    begins = 1 if "timestamp" in event.__dataclass_fields__ else time
    transition = types["lifecycle_msgs/msg/Transition"](1, "configure")
    return [("/points", cloud), ("/transition_event", event(begins, transition, state, state))]


@pytest.mark.parametrize("storage", list(StoragePlugin))
@pytest.mark.parametrize("distribution", STORES, ids=lambda store: store.name)
def test_a_bag_of_any_distribution(tmp_path: Path, distribution: Stores, storage: StoragePlugin) -> None:
    store = get_typestore(distribution)
    with Writer(tmp_path / "bag", version=9, storage_plugin=storage) as writer:
        connections: dict[str, Any] = {}
        for number, (topic, message) in enumerate([*others(store), *rgbd_messages(FRAMES)]):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            source = store if number < 2 else typestore()
            writer.write(connections[topic], number, bytes(source.serialize_cdr(message, kind)))
    with Bag.open(tmp_path / "bag") as bag:
        pairs = list(RgbdReader(bag, find_rgbd_topics(bag)))
        assert (len(pairs), pairs[0].intrinsics, bag.damage, bag.warnings) == (FRAMES, CAMERA, None, [])
        assert {"/points", "/transition_event"} <= {topic.name for topic in bag.topics}


@pytest.mark.parametrize("distribution", STORES, ids=lambda store: store.name)
@pytest.mark.parametrize("name", OURS)
def test_the_types_that_we_read_have_the_same_fields(distribution: Stores, name: str) -> None:
    assert get_typestore(distribution).fielddefs[name][1] == typestore().fielddefs[name][1]
