"""Stopped in every state: SIGINT and SIGTERM end the node within 2 s, with exit code 0 and without a traceback."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from bench.harness.life_cycle_services import ACTIVATE, CONFIGURE, change
from bench.harness.ros import Client, NodeProcess, camera_at_full_speed
from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle

pytestmark = pytest.mark.usefixtures("ros_domain")
LIMIT_S = 2.0


def end(process: NodeProcess, how: signal.Signals) -> None:
    """Stop the node and look how it ended. Time in which other programs had the processor is not its fault."""
    started_s, queued_s = time.monotonic(), _queued_s(process.pid)
    os.kill(process.pid, how)
    latest_s = queued_s
    while process.running() and time.monotonic() < started_s + 20.0:
        latest_s = max(latest_s, _queued_s(process.pid))
        time.sleep(0.01)
    took_s = time.monotonic() - started_s - (latest_s - queued_s)
    assert process.stop() == 0, process.output
    limit_s = LIMIT_S * _slowness()
    assert took_s < limit_s, f"{took_s:.2f} s, on this machine at most {limit_s:.2f} s"
    assert "Traceback" not in process.output


def _slowness() -> float:
    """How many times longer than alone a program takes here at the moment, by 0.1 s of work; 1 on a quiet machine."""
    started_s, used_s = time.monotonic(), time.thread_time()
    while time.thread_time() - used_s < 0.1:
        pass
    return max(1.0, (time.monotonic() - started_s) / 0.1)


def _queued_s(pid: int) -> float:
    """Seconds that the threads of a process have waited for a processor so far; 0 where the kernel does not say."""
    waited_ns = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # a thread that has just ended
            waited_ns += int(path.read_text().split()[1])
    return 1e-9 * waited_ns


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
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.15])
def test_ctrl_c_while_it_imports(module: str, after_s: float) -> None:
    """From NumPy's compiled part on, which either imports early; before that it is Python's own start."""
    process = subprocess.Popen(
        [sys.executable, "-m", module], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    )
    while "_multiarray_umath" not in Path(f"/proc/{process.pid}/maps").read_text():
        assert process.poll() is None
        time.sleep(0.002)
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert "Traceback" not in output
    assert process.returncode in (0, 130, -signal.SIGINT)
