"""Cameras as they fail: silent, changed, with clocks that jump, with bytes that are not messages; deaf listeners."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from builtin_interfaces.msg import Time
from rclpy.serialization import serialize_message
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Header

from bench.harness.ros import Client, NodeProcess, camera_at_full_speed, camera_info, gray_image, header_at, stamp_of
from redwood_depth.bundle import ModelBundle
from redwood_depth.images.decode import depth_from_message
from redwood_depth.node.messages import image_message

pytestmark = pytest.mark.usefixtures("ros_domain")
STAMPS = [(100, 5), (101, 0), (50, 0), (50, 0), (0, 0), (0, 0), (2**31 - 1, 999_999_999), (-5, 0), (1, 0)]


def test_a_camera_that_stops_and_returns_with_another_size_and_encoding(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("camera", model=tiny_bundle.folder) as process, Client("camera") as client:
        client.wait_for_node()
        client.ask(gray_image(header_at(1), 100), camera_info(header_at(1)))
        client.wait_until(lambda: "no image for" in client.diagnostics()["message"], what="the silence in diagnostics")
        for size, encoding, shape in (
            ((96, 128), "bgr8", (96, 128, 3)),
            ((2, 2), "mono8", (2, 2)),
            ((480, 640), "rgba8", (480, 640, 4)),
            ((48, 64), "yuv422_yuy2", (48, 64, 2)),
            ((33, 44), "bayer_rggb8", (33, 44)),
        ):
            answer = client.ask(image_message(header_at(2), np.full(shape, 128, np.uint8), encoding))
            assert (answer.height, answer.width) == size
            np.testing.assert_allclose(depth_from_message(answer), 4.5, atol=0.4)
        assert client.diagnostics()["frames bad"] == "0"
        assert "Traceback" not in process.output


def test_stamps_that_go_back_repeat_and_are_zero_come_back_as_they_were(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("stamps", model=tiny_bundle.folder) as process, Client("stamps") as client:
        client.wait_for_node()
        client.ask(gray_image(header_at(1), 100), camera_info(header_at(1)))
        for sec, nanosec in STAMPS:
            header = Header(stamp=Time(sec=sec, nanosec=nanosec), frame_id="camera")
            client.ask(gray_image(header, 100))
        assert [stamp_of(depth) for depth in client.received["depth/image"][1:]] == STAMPS
        assert "Traceback" not in process.output


def test_a_clock_that_starts_again_as_that_of_a_looping_bag(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("clock", model=tiny_bundle.folder, use_sim_time=True) as process, Client("clock") as client:
        clock = client.node.create_publisher(Clock, "/clock", 10)
        client.wait_for_node()
        for second in (100, 101, 5000, 3, 4, 0, 5):
            clock.publish(Clock(clock=Time(sec=second)))
            header = Header(stamp=Time(sec=second), frame_id="camera")
            depth = client.ask(gray_image(header, 100), camera_info(header))
            assert stamp_of(depth) == (second, 0)
        before = len(client.received["/diagnostics"])
        client.wait_for_count("/diagnostics", before + 2, timeout_s=5.0)  # diagnostics go on while the clock stands
        values = client.diagnostics()
        assert values["message"] == "running"
        assert 0.0 < float(values["latency p99 (ms)"]) < 5000.0
        assert "Traceback" not in process.output


def test_bytes_that_are_no_message(tiny_bundle: ModelBundle) -> None:
    """DDS drops what it cannot read; what it can read is an image or a bad frame. Either way it is accounted for."""
    good = serialize_message(gray_image(header_at(1), 100))
    place = good.index(b"rgb8\0")
    damaged = [
        good[:50],
        good[:4],
        good[: place - 4] + b"\xff\xff\xff\x7f" + good[place:],  # a string of 2 GB
        good[: place - 4] + b"\xff\xff\xff\xff" + good[place:],
        good[:place] + b"\xff\xfe\xfd\x80" + good[place + 4 :],  # no UTF-8
        good[:place] + bytes(4) + good[place + 4 :],
        b"\x99\x99" + good[2:],  # an unknown encapsulation
    ]
    with NodeProcess("bytes", model=tiny_bundle.folder) as process, Client("bytes") as client:
        client.wait_for_node()
        client.ask(gray_image(header_at(1), 100), camera_info(header_at(1)))
        for data in damaged:
            client.images.publish(data)
            time.sleep(0.05)
            client.ask(gray_image(header_at(2), 100))

        def accounted() -> int:
            values = client.diagnostics()
            return int(values["frames bad"]) + int(values["frames lost"])

        client.wait_until(lambda: accounted() == len(damaged), what="all damaged messages in diagnostics")
        assert client.diagnostics()["frames published"] == str(1 + len(damaged))
        assert "Traceback" not in process.output


def test_a_listener_that_never_reads_holds_nobody_up(tiny_bundle: ModelBundle) -> None:
    """A reliable subscriber of everything that is stopped in mid-run: the node and its other listener go on."""
    program = (
        "import sys, time\n"
        "from bench.harness.ros import *\n"
        "client = Client('deaf', pictures=True)\n"
        "client.wait_for_node()\n"
        "print('here', flush=True)\n"
        "time.sleep(60)\n"
    )
    with NodeProcess("deaf", model=tiny_bundle.folder) as process, Client("deaf") as client:
        client.wait_for_node()
        deaf = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=os.environ)
        try:
            assert deaf.stdout is not None
            assert deaf.stdout.readline() == b"here\n"
            deaf.send_signal(signal.SIGSTOP)
            before = len(client.received["depth/image"])
            with camera_at_full_speed(client):
                client.wait_for_count("depth/image", before + 30, timeout_s=60.0)
            assert "Traceback" not in process.output
        finally:
            deaf.kill()
            deaf.wait()
            if deaf.stdout:
                deaf.stdout.close()
