"""A node process under test and a client beside it that plays the camera and listens, over real DDS."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Header
from vision_msgs.msg import Classification, LabelInfo

from redwood_depth.node.messages import image_message

BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
OUTPUTS = {
    "depth/image": (Image, 50),
    "depth/camera_info": (CameraInfo, 50),
    "classification": (Classification, 50),
    "label_info": (LabelInfo, LATCHED),
}
PICTURES = {"preview/image": (Image, 50), "depth/points": (PointCloud2, 50)}


def header_at(index: int, frame_id: str = "camera_optical") -> Header:
    """The header of frame `index` of a 30 Hz camera; stamps far from any clock."""
    return Header(stamp=Time(sec=1000 + index // 30, nanosec=index % 30 * 33_333_333), frame_id=frame_id)


def camera_info(header: Header, height: int = 48, width: int = 64, f_px: float = 52.5) -> CameraInfo:
    k = [f_px, 0.0, width / 2, 0.0, f_px, height / 2, 0.0, 0.0, 1.0]
    p = [f_px, 0.0, width / 2, 0.0, 0.0, f_px, height / 2, 0.0, 0.0, 0.0, 1.0, 0.0]
    return CameraInfo(header=header, height=height, width=width, distortion_model="plumb_bob", d=[0.0] * 5, k=k, p=p)


def gray_image(header: Header, brightness: int, height: int = 48, width: int = 64) -> Image:
    return image_message(header, np.full((height, width, 3), brightness, np.uint8), "rgb8")


def stamp_of(message: Any) -> tuple[int, int]:
    return message.header.stamp.sec, message.header.stamp.nanosec


class NodeProcess:
    """`perception` as its own process. Leaving the context stops it with SIGINT."""

    def __init__(self, namespace: str = "", *arguments: str, **parameters: object) -> None:
        command = [
            sys.executable,
            "-m",
            "redwood_depth.commands.perception_node",
            "--ros-args",
            "-r",
            f"__ns:=/{namespace}",
        ]
        for name, value in parameters.items():
            command += ["-p", f"{name}:={value}"]
        self._process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ)
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(iter(self._process.stdout.readline, ""))

    @property
    def output(self) -> str:
        return "".join(self._lines)

    @property
    def pid(self) -> int:
        return self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    def wait_for(self, text: str, timeout_s: float = 20.0) -> None:
        deadline_s = time.monotonic() + timeout_s
        while text not in self.output:
            assert self._process.poll() is None, f"the node ended: {self.output}"
            assert time.monotonic() < deadline_s, f"no {text!r} in: {self.output}"
            time.sleep(0.02)

    def wait_for_end(self, timeout_s: float = 20.0) -> int:
        """Wait until the node ends by itself; its exit code."""
        self._process.wait(timeout_s)
        return self.stop()

    def stop(self, how: signal.Signals = signal.SIGINT, timeout_s: float = 10.0) -> int:
        """Send the signal, wait, return the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        self._reader.join(timeout_s)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def __enter__(self) -> "NodeProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Client:
    """Publishes what a camera would, collects what the node answers; spins on a thread of its own."""

    def __init__(self, namespace: str = "", pictures: bool = False, compressed: bool = False) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node("client", namespace=f"/{namespace}", context=self._context)
        self.received: dict[str, list[Any]] = {}
        self._outputs: list[Any] = []
        for topic, (message_type, qos) in {**OUTPUTS, **(PICTURES if pictures else {})}.items():
            self.received[topic] = []
            subscription = self.node.create_subscription(message_type, topic, self.received[topic].append, qos)
            self._outputs.append(subscription)
        self.received["/diagnostics"] = []
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self.received["/diagnostics"].append, 10)
        message_type, topic = (CompressedImage, "image/compressed") if compressed else (Image, "image")
        self.images = self.node.create_publisher(message_type, topic, BEST_EFFORT)
        self.camera_infos = self.node.create_publisher(CameraInfo, "camera_info", BEST_EFFORT)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = 20.0, what: str = "the condition") -> None:
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline_s, f"{what}: not within {timeout_s} s"
            time.sleep(0.01)

    def wait_for_node(self) -> None:
        """Both directions are discovered: the node hears images, the client hears depth, camera_info and classes."""
        self.wait_until(
            lambda: (
                self.images.get_subscription_count() > 0
                and self.camera_infos.get_subscription_count() > 0
                and all(subscription.get_publisher_count() > 0 for subscription in self._outputs)
            ),
            what="discovery of the node",
        )
        time.sleep(0.5)  # the far side may learn of this client a moment later

    def wait_for_count(self, topic: str, count: int, timeout_s: float = 20.0) -> list[Any]:
        self.wait_until(lambda: len(self.received[topic]) >= count, timeout_s, f"{count} messages on {topic}")
        return self.received[topic]

    def ask(self, topic_image: Any, info: CameraInfo | None = None) -> Image:
        """Send one image (its camera_info first) and wait for its depth."""
        count = len(self.received["depth/image"])
        if info is not None:
            self.camera_infos.publish(info)
            time.sleep(0.1)
        self.images.publish(topic_image)
        return self.wait_for_count("depth/image", count + 1)[-1]

    def ask_until_answered(self, image: Any, info: CameraInfo) -> None:
        """Send one image again and again: publishers made anew may find this client a moment late."""
        count, deadline_s = len(self.received["depth/image"]), time.monotonic() + 20.0
        while len(self.received["depth/image"]) == count:
            assert time.monotonic() < deadline_s, "no answer"
            self.camera_infos.publish(info)
            self.images.publish(image)
            time.sleep(0.2)

    def diagnostics(self) -> dict[str, str]:
        """The values of the newest status."""
        status = self.wait_for_count("/diagnostics", 1)[-1].status[0]
        return {"message": status.message, **{pair.key: pair.value for pair in status.values}}

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._thread.join(5)
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)


@contextmanager
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
