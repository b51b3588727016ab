"""Life cycle again and again, parameters under load, nodes and cameras that are killed."""

import os
import signal
import time

import psutil
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from bench.harness.life_cycle_services import set_parameter
from bench.harness.ros import Client, NodeProcess, camera_at_full_speed, camera_info, gray_image, header_at
from bench.life_cycle import repeat_life_cycle
from redwood_depth.bundle import ModelBundle

pytestmark = pytest.mark.usefixtures("ros_domain")


def test_twenty_life_cycles_leave_nothing_behind(tiny_bundle: ModelBundle) -> None:
    result = repeat_life_cycle(tiny_bundle.folder, 20)
    assert result.failed == 0
    assert result.threads_grown == 0
    assert result.files_grown <= 0
    assert result.memory_grown_mb < 3.0


def test_parameters_changed_under_load(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("load", model=tiny_bundle.folder) as process, Client("load") as client:
        client.wait_for_node()
        client.camera_infos.publish(camera_info(header_at(1)))
        with camera_at_full_speed(client):
            client.wait_for_count("depth/image", 3)
            for index in range(20):
                assert set_parameter(client, "class_threshold", float(index % 2)).successful is True
                assert not set_parameter(client, "output_size", "model").successful
                assert not set_parameter(client, "class_threshold", 7.0).successful
            count = len(client.received["depth/image"])
            client.wait_for_count("depth/image", count + 10)
        assert {round(labels.threshold) for labels in client.received["label_info"]} >= {0, 1}
        client.wait_until(lambda: client.diagnostics().get("frames bad") == "0", what="no bad frame")
        assert "Traceback" not in process.output


def test_a_camera_that_is_killed_and_comes_back(tiny_bundle: ModelBundle) -> None:
    """DDS hears nothing of a participant that dies of SIGKILL: the node must not wait for it, nor count it as fault."""
    camera_program = (
        "import sys, time\n"
        "from bench.harness.ros import *\n"
        "with Client('killed') as client:\n"
        "    client.wait_for_node()\n"
        "    for index in range(10**6):\n"
        "        client.images.publish(gray_image(header_at(index), 100))\n"
        "        time.sleep(0.02)\n"
    )
    with NodeProcess("killed", model=tiny_bundle.folder) as process, Client("killed") as listener:
        for _ in range(3):
            before = len(listener.received["depth/image"])
            camera = psutil.Popen([os.sys.executable, "-c", camera_program])
            listener.wait_for_count("depth/image", before + 5)
            camera.send_signal(signal.SIGKILL)
            camera.wait(10)
        time.sleep(0.3)
        listener.ask_until_answered(gray_image(header_at(1), 50), camera_info(header_at(1)))
        assert listener.diagnostics()["frames bad"] == "0"
        assert "Traceback" not in process.output


def test_a_node_that_is_killed_beside_a_running_camera_and_started_again(tiny_bundle: ModelBundle) -> None:
    with Client("again") as camera:
        for _ in range(3):
            before = len(camera.received["depth/image"])
            process = NodeProcess("again", model=tiny_bundle.folder)
            try:
                with camera_at_full_speed(camera):
                    camera.wait_for_count("depth/image", before + 5)
            finally:
                assert process.stop(signal.SIGKILL) == -signal.SIGKILL
            time.sleep(0.1)
