"""Whether VGA images get from one process to another over DDS: tried, as this shell is set up and with our profile."""

import os
import subprocess
import sys
import time
from typing import Any

from redwood_depth.files import shared_file
from redwood_depth.node.dds import profile_variable

_FRAMES, _PERIOD_S = 30, 1 / 30
_ENOUGH = 0.95 * _FRAMES
_TOPIC = "/redwood_depth_doctor/image"
_TIMEOUT_S = 20.0


def check_large_images() -> tuple[str, str, str]:
    """(state, what, detail) after best-effort images of 640x480 at 30 Hz between two processes."""
    what = "images over DDS"
    as_it_is = _count_received(dict(os.environ))
    detail = f"{as_it_is} of {_FRAMES} VGA images arrive in another process, as this shell is set up"
    if as_it_is >= _ENOUGH:
        return "ok", what, detail
    profile = str(shared_file("config/fastdds.xml"))
    with_profile = _count_received({**os.environ, profile_variable(): profile})
    remedy = f"with {profile} {with_profile} do. The node and the launch files use it by themselves where no other "
    remedy += f"profile is set; give it to the camera driver too: export {profile_variable()}=..., or publish "
    remedy += "reliably and set image_reliability: reliable"
    return "note", what, f"{detail}; {remedy}"


def _count_received(environment: dict[str, str]) -> int:
    commands = [[sys.executable, "-m", __name__, role] for role in ("receive", "send")]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for command in commands]
    try:
        output, _ = processes[0].communicate(timeout=2 * _TIMEOUT_S)
        return int(output or 0)
    except subprocess.TimeoutExpired:
        return 0
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _main(role: str) -> None:
    import rclpy
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image

    rclpy.init()
    node = rclpy.create_node(f"redwood_depth_doctor_{role}")
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    end_s = time.monotonic() + _TIMEOUT_S
    if role == "send":
        _send(node.create_publisher(Image, _TOPIC, qos), end_s)
        return
    stamps: set[int] = set()
    node.create_subscription(Image, _TOPIC, lambda message: stamps.add(message.header.stamp.sec), qos)
    while _FRAMES - 1 not in stamps and time.monotonic() < end_s:
        rclpy.spin_once(node, timeout_sec=0.1)
        if stamps:  # the last image may be among the lost
            end_s = min(end_s, time.monotonic() + 2.0)
    print(len(stamps))


def _send(publisher: Any, end_s: float) -> None:
    import numpy as np
    from builtin_interfaces.msg import Time
    from std_msgs.msg import Header

    from redwood_depth.node.messages import image_message

    while publisher.get_subscription_count() == 0 and time.monotonic() < end_s:
        time.sleep(0.05)
    time.sleep(0.5)  # the far side may learn of this one a moment later
    pixels = np.zeros((480, 640, 3), np.uint8)
    for index in range(_FRAMES):
        publisher.publish(image_message(Header(stamp=Time(sec=index)), pixels, "rgb8"))
        time.sleep(_PERIOD_S)
    time.sleep(1.0)


if __name__ == "__main__":
    _main(sys.argv[1])
