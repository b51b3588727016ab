"""Lost frames are counted by their numbers; where rclpy or the middleware has none, that is said."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

import rclpy
from rclpy.node import Node
from sensor_msgs.msg import Image

from redwood_depth.node.image_input import ImageInput, NumberedCallback
from redwood_depth.node.statistics import FrameStatistics


@pytest.fixture
def node(ros_domain: str) -> Iterator[Node]:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("listener", context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_rclpy_takes_it_for_a_callback_with_message_info_and_an_old_one_may_call_it_without() -> None:
    got: list[tuple[Any, int | None]] = []
    callback = NumberedCallback(lambda message, number: got.append((message, number)))
    signature = inspect.signature(callback)  # as rclpy 7.1 to 10 ask: first with one argument, then with two
    with pytest.raises(TypeError):
        signature.bind(object())
    signature.bind(object(), object())
    callback("humble")
    callback("iron", {"publication_sequence_number": 7})
    callback("no number", {"publication_sequence_number": None})
    callback("another middleware", {"source_timestamp": 1})
    assert got == [("humble", None), ("iron", 7), ("no number", None), ("another middleware", None)]


def test_numbers_count_what_is_lost(node: Node) -> None:
    statistics, images = FrameStatistics(), []
    node.create_publisher(Image, "image", 1)
    listener = ImageInput(node, "raw", "best_effort", statistics, images.append)
    (subscription,) = (one for one in node.subscriptions if one.topic_name == "/image")
    for _ in range(100):  # the graph has to know of the one publisher
        if node.count_publishers("/image") == 1:
            break
        rclpy.spin_once(node, timeout_sec=0.1)
    for number in (3, 4, 9):
        subscription.callback(Image(), {"publication_sequence_number": number})
    assert (statistics.values()["frames lost"], len(images)) == (4, 3)
    listener.destroy()


def test_without_numbers_the_diagnostics_say_that_lost_frames_are_not_counted(node: Node) -> None:
    statistics, images = FrameStatistics(), []
    listener = ImageInput(node, "raw", "best_effort", statistics, images.append)
    (subscription,) = (one for one in node.subscriptions if one.topic_name == "/image")
    assert statistics.values()["frames lost"] == 0
    subscription.callback(Image())  # Humble's rclpy calls it so
    assert statistics.values()["frames lost"] == "not counted"
    assert len(images) == 1
    listener.destroy()
