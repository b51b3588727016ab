"""Stopped in every state: SIGINT and SIGTERM end the node within 2 s, with exit code 0 and without a traceback."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from life_cycle import ACTIVATE, CONFIGURE, change
from ros_harness import Client, NodeProcess, gray_image, header_at

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle

pytestmark = pytest.mark.usefixtures("ros_domain")
LIMIT_S = 2.0


@contextlib.contextmanager
def camera_at_full_speed(client: Client) -> Iterator[None]:
    """VGA frames as fast as they can be sent, from a thread of their own."""
    stop = threading.Event()
    frame = gray_image(header_at(1), 100, height=480, width=640)

    def send() -> None:
        while not stop.is_set():
            client.images.publish(frame)
            time.sleep(0.01)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        stop.set()
        sender.join()


def end(process: NodeProcess, how: signal.Signals) -> None:
    """Stop the node and look how it ended."""
    started_s = time.monotonic()
    code = process.stop(how)
    took_s = time.monotonic() - started_s
    assert code == 0, process.output
    assert took_s < LIMIT_S, f"{took_s:.2f} s"
    assert "Traceback" not in process.output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_every_state(tiny_bundle: ModelBundle, how: signal.Signals) -> None:
    with (
        NodeProcess("unconfigured", model=tiny_bundle.folder, autostart=False) as unconfigured,
        NodeProcess("inactive", model=tiny_bundle.folder, autostart=False) as inactive,
        NodeProcess("busy") as busy,  # the bundled model, which takes longer for a frame
        Client("inactive") as manager,
        Client("busy") as camera,
    ):
        assert change(manager, CONFIGURE)
        end(unconfigured, how)
        end(inactive, how)
        camera.wait_for_node()
        with camera_at_full_speed(camera):
            camera.wait_for_count("depth/image", 3)
            end(busy, how)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_the_middle_of_a_transition(tiny_bundle: ModelBundle, how: signal.Signals) -> None:
    with NodeProcess("life", model=DEMO_BUNDLE) as configuring:
        configuring.wait_for("opening ")
        end(configuring, how)
    with NodeProcess("life", model=tiny_bundle.folder, autostart=False) as activating, Client("life") as manager:
        assert change(manager, CONFIGURE)
        assert change(manager, ACTIVATE)
        end(activating, how)


@pytest.mark.parametrize("module", ["redwood_depth.commands.perception_node", "redwood_depth.commands.demo"])
@pytest.mark.parametrize("after_s", [0.15, 0.3, 0.5])
def test_ctrl_c_while_it_imports(module: str, after_s: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", module], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    )
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert "Traceback" not in output
    assert process.returncode in (0, 130, -signal.SIGINT)
