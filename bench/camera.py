"""The camera's side of a measurement: sends frames to nodes and notes when each one's depth arrived.

Messages are sent and received serialized, so that this process takes as little as it can of the nodes' processor time.
All times are of the monotonic clock, which every process of the machine shares.
"""

import contextlib
import struct
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image

from bench.frames import camera_info, serialized_frames
from redwood_depth.errors import EngineError

_HEAD = bytes((0, 1, 0, 0))  # CDR, little endian
_ANSWER_S, _START_S = 5.0, 60.0
# Reliable, because the usual node subscribes so; ours, which asks for less, hears it too.
_IMAGE_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)


class Camera:
    """One camera in a namespace of its own; frames are known by their number."""

    def __init__(self, node: Node, namespace: str) -> None:
        self.namespace = namespace
        self.sent_s: dict[int, float] = {}
        self.arrived_s: dict[int, float] = {}
        self.diagnostics: dict[str, str] = {}
        self.last_depth = b""
        self._next = 0
        self._arrival = threading.Condition()
        self._node = node
        self._images = node.create_publisher(Image, f"/{namespace}/image", _IMAGE_QOS)
        self._infos = node.create_publisher(CameraInfo, f"/{namespace}/camera_info", _IMAGE_QOS)
        self._info = camera_info()
        self._depth = node.create_subscription(Image, f"/{namespace}/depth/image", self._arrived, 10, raw=True)
        node.create_subscription(DiagnosticArray, "/diagnostics", self._diagnosed, 10)

    def _arrived(self, message: bytes) -> None:
        now_s = time.monotonic()
        sec, nanosec = struct.unpack_from("<iI", message, 4)
        with self._arrival:
            self.arrived_s[sec * 1000 + nanosec // 1_000_000] = now_s
            self._arrival.notify()
        self.last_depth = message

    def _diagnosed(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.startswith(f"{self.namespace}/"):
                self.diagnostics = {pair.key: pair.value for pair in status.values}

    def is_matched(self) -> bool:
        return bool(self._images.get_subscription_count() > 0 and self._depth.get_publisher_count() > 0)

    def send(self) -> int:
        """Send the next frame with a new stamp; returns its number."""
        number, frames = self._next, serialized_frames()
        self._next += 1
        stamp = struct.pack("<iI", number // 1000, number % 1000 * 1_000_000)
        message = b"".join((_HEAD, stamp, frames[number % len(frames)][12:]))
        if number % 30 == 0:
            self._infos.publish(self._info)
        self.sent_s[number] = time.monotonic()
        self._images.publish(message)
        return number

    def ask(self, timeout_s: float = _ANSWER_S) -> float | None:
        """Send a frame and wait for its depth: seconds from here to here; None: no answer in time."""
        number = self.send()
        if not self.wait_for(lambda: number in self.arrived_s, timeout_s):
            return None
        return self.arrived_s[number] - self.sent_s[number]

    def wait_for(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Sleep until arrivals make `condition` true: polling would take the node's processor time. False: in vain."""
        with self._arrival:
            return self._arrival.wait_for(condition, timeout_s)

    def depth_m(self) -> Any:
        """The newest depth image's values as a flat array of meters."""
        return memoryview(deserialize_message(self.last_depth, Image).data).cast("f")

    def counts(self) -> dict[str, int]:
        """Frames received, published, dropped, bad, as the node's next diagnostics say."""
        self.diagnostics = {}
        wait_until(lambda: bool(self.diagnostics), 5.0, "diagnostics of the node")
        return {
            key.removeprefix("frames "): int(value)
            for key, value in self.diagnostics.items()
            if key.startswith("frames ")
        }

    def forget_depth(self) -> Any:
        """The subscription to depth, for the caller to destroy: nobody listens any more."""
        return self._depth

    def settle(self, quiet_s: float = 1.0) -> None:
        """Wait until answers have ceased to arrive."""
        count, since_s = len(self.arrived_s), time.monotonic()
        while time.monotonic() - since_s < quiet_s:
            time.sleep(0.05)
            if len(self.arrived_s) != count:
                count, since_s = len(self.arrived_s), time.monotonic()

    def latencies_ms(self, first: int = 0) -> list[tuple[float, float]]:
        """(second at which it was sent, latency in ms) of the answered frames from number `first` on, in order."""
        return [
            (self.sent_s[number], 1e3 * (at_s - self.sent_s[number]))
            for number, at_s in sorted(self.arrived_s.items())
            if number >= first
        ]

    @property
    def next_number(self) -> int:
        return self._next


class Rig:
    """A context manager: the ROS node behind the cameras, its callbacks on a thread of their own."""

    def __enter__(self) -> "Rig":
        # Without rclpy's handlers Ctrl-C arrives as KeyboardInterrupt, wherever this waits.
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self.node = rclpy.create_node("cameras", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name="arrivals", daemon=True)
        self._thread.start()
        return self

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._executor.shutdown()
        self._thread.join(5)
        self.node.destroy_node()
        self._context.try_shutdown()


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Raises EngineError where `condition` does not come true in time."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise EngineError(f"{what}: nothing within {timeout_s:.0f} s")
        time.sleep(0.02)


def send_at(cameras: Sequence[Camera], rate_hz: float, seconds: float, tick: Callable[[], None]) -> float:
    """Let every camera send at `rate_hz`, evenly offset; returns the seconds it took. `tick` is called at each one."""
    started_s = time.monotonic()
    frames = max(1, round(rate_hz * seconds)) * len(cameras)
    for index in range(frames):
        due_s = started_s + index / (rate_hz * len(cameras))
        time.sleep(max(0.0, due_s - time.monotonic()))
        cameras[index % len(cameras)].send()
        tick()
    return time.monotonic() - started_s


def warm_up(camera: Camera, alive: Callable[[], None], frames: int = 10) -> None:
    """Wait until the node hears the camera and answers. Raises EngineError where it does not."""

    def matched() -> bool:
        alive()
        return camera.is_matched()

    wait_until(matched, _START_S, f"no node in /{camera.namespace}")
    answered, deadline_s = 0, time.monotonic() + _START_S
    while answered < frames:
        alive()
        answered += camera.ask(1.0) is not None
        if time.monotonic() > deadline_s:
            raise EngineError(f"the node in /{camera.namespace} answers no images")
