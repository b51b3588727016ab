"""Playing bags through real DDS, to a real subscription, in one process; and play_bag as its own."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import PERIOD_US, cut, rgbd_messages, write_bag
from mcap_samples import stamped, write_mcap

from redwood_depth.bags import driver_messages
from redwood_depth.bags.driver_messages import COLOR_INFO_TOPIC, COLOR_TOPIC, DEPTH_TOPIC
from redwood_depth.bags.reader import Bag
from redwood_depth.commands.play_bag import main
from redwood_depth.errors import BagError

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")
pytestmark = pytest.mark.usefixtures("ros_domain")


class Listener:
    """Best-effort subscriptions as the perception node makes them, spun in a thread."""

    def __init__(self) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.qos import QoSProfile, ReliabilityPolicy
        from sensor_msgs.msg import CameraInfo, Image

        self.received: dict[str, list[Any]] = {COLOR_TOPIC: [], DEPTH_TOPIC: [], COLOR_INFO_TOPIC: []}
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("listener", context=self.context)
        best_effort = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
        for topic, messages in self.received.items():
            kind = CameraInfo if topic == COLOR_INFO_TOPIC else Image
            self.node.create_subscription(kind, topic, messages.append, best_effort)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin)
        self._thread.start()

    def wait_for(self, count: int, timeout_s: float = 15.0) -> list[Any]:
        end_s = time.monotonic() + timeout_s
        while len(self.received[COLOR_TOPIC]) < count and time.monotonic() < end_s:
            time.sleep(0.02)
        return self.received[COLOR_TOPIC]

    def close(self) -> None:
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
        self.context.shutdown()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def node() -> Iterator[Any]:
    import rclpy

    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("player", context=context)
    yield node
    node.destroy_node()
    context.shutdown()


def vga_bag(path: Path, frames: int) -> Path:
    """Raw 640x480 images, 0.92 MB each: more than Fast DDS's own shared-memory segment holds."""
    depths = [np.full((480, 640), 1000 + i, np.uint16) for i in range(frames)]
    messages = []
    for topic, message in rgbd_messages(frames, depths):
        if topic == COLOR_TOPIC:
            pixels = np.full((480, 640, 3), message.header.stamp.nanosec % 251, np.uint8)
            stamp = message.header.stamp
            message = driver_messages.image(pixels, "rgb8", stamp.sec * 1_000_000 + stamp.nanosec // 1000)
        messages.append((topic, message))
    return write_bag(path, messages)


def stamp_us(message: Any) -> int:
    return message.header.stamp.sec * 1_000_000 + message.header.stamp.nanosec // 1000


def test_a_subscriber_gets_every_frame_as_it_is_in_the_bag(tmp_path: Path, listener: Listener, node: Any) -> None:
    from redwood_depth.bags.player import BagPlayer

    with Bag.open(vga_bag(tmp_path / "bag", 30)) as bag:
        player = BagPlayer(node, bag)
        assert player.wait_for_subscription(10.0)
        started_s = time.monotonic()
        played = player.play()
        took_s = time.monotonic() - started_s
    assert played.messages == 90
    assert took_s == pytest.approx(29 * PERIOD_US / 1e6, abs=0.5)
    colors = listener.wait_for(30)
    assert len(colors) >= 29, f"{len(colors)} of 30 frames arrived"
    stamps = [stamp_us(message) for message in colors]
    assert stamps == sorted(stamps)
    for message in colors:
        assert message.header.frame_id == "camera_color_optical_frame"
        assert (message.encoding, message.height, message.width) == ("rgb8", 480, 640)
        assert message.data[0] == message.data[-1] == message.header.stamp.nanosec % 251
    assert listener.received[COLOR_INFO_TOPIC][0].k[0] == pytest.approx(26.25)
    assert len(listener.received[DEPTH_TOPIC]) >= 29


def test_the_rate_shortens_the_pauses(tmp_path: Path, node: Any) -> None:
    from redwood_depth.bags.player import BagPlayer

    with Bag.open(write_bag(tmp_path / "bag", rgbd_messages(31))) as bag:
        started_s = time.monotonic()
        BagPlayer(node, bag).play(rate=4.0)
        assert 0.25 <= time.monotonic() - started_s < 0.75


def test_waiting_for_nobody_ends(tmp_path: Path, node: Any) -> None:
    from redwood_depth.bags.player import BagPlayer

    with Bag.open(write_bag(tmp_path / "bag", rgbd_messages(1))) as bag:
        assert not BagPlayer(node, bag).wait_for_subscription(0.1)


def test_messages_behind_their_time_are_counted(tmp_path: Path, node: Any) -> None:
    from redwood_depth.bags.player import BagPlayer

    with Bag.open(write_bag(tmp_path / "bag", rgbd_messages(5))) as bag:
        played = BagPlayer(node, bag).play(rate=2.0, published=lambda played, message: time.sleep(0.06))
    assert played.late >= 5


def test_a_bag_without_images_is_refused(tmp_path: Path, node: Any) -> None:
    from redwood_depth.bags.player import BagPlayer

    messages = [entry for entry in rgbd_messages(2) if "camera_info" in entry[0]]
    with (
        Bag.open(write_bag(tmp_path / "bag", messages)) as bag,
        pytest.raises(BagError, match=r"no image topic; it has: /camera/color/camera_info"),
    ):
        BagPlayer(node, bag)


def test_play_bag_loops_until_ctrl_c_and_ends_cleanly(tmp_path: Path, listener: Listener) -> None:
    bag = write_bag(tmp_path / "bag", rgbd_messages(5))
    command = [sys.executable, "-m", "redwood_depth.commands.play_bag", str(bag), "--loop"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert len(listener.wait_for(12)) >= 12, "two rounds and a bit"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=15)
    assert process.returncode == 0
    assert "15 messages published" in output
    assert errors.splitlines() == ["play_bag: stopped"]


def test_play_bag_plays_what_is_readable_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    depths = [np.random.default_rng(i).integers(500, 4000, (240, 320), np.uint16) for i in range(12)]
    bag = write_bag(tmp_path / "bag", rgbd_messages(12, depths))
    cut(bag, 0.7)
    assert main([str(bag), "--rate", "10", "--wait", "0"]) == 1
    captured = capsys.readouterr()
    assert "messages published" in captured.out
    assert "bag.mcap" in captured.err


def test_play_bag_that_plays_nothing_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that counts images and has none."""

    def before(writer: Any, number: int) -> None:
        writer._Writer__statistics.message_count += 4
        writer._Writer__statistics.channel_message_counts[1] += 4

    images = [entry for entry in stamped(rgbd_messages(1)) if entry[0] == COLOR_TOPIC]
    path = write_mcap(tmp_path / "a.mcap", images, before=before)
    assert main([str(path), "--rate", "10", "--wait", "0"]) == 1
    assert "lacks 4 messages that it counts" in capsys.readouterr().err


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "fast"])
def test_an_impossible_rate_is_a_usage_error(rate: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["bag", "--rate", rate])
    assert caught.value.code == 2
    assert "--rate" in capsys.readouterr().err


def test_a_missing_bag_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err.splitlines() == [f"play_bag: error: no bag at {tmp_path / 'nowhere'}"]
