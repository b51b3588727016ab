"""The node as a process and a camera beside it, as the tests have them (bench/harness/ros.py), for the long trials."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from bench.harness.ros import Client, NodeProcess
from redwood_depth.node.dds import use_shared_memory_profile

RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)


def use_own_domain() -> None:
    """A DDS domain of this process's own, on this machine only; what the shell has set stays."""
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    use_shared_memory_profile()


class Rig:
    """One node process that takes images reliably, and a client that is its only camera.

    Reliable transport loses nothing on the way; what a newer image replaced in the node is counted by the node.
    """

    def __init__(self, process: NodeProcess, client: Client, images: Any) -> None:
        self.process, self.client, self.images = process, client, images
        self.usage = psutil.Process(process.pid)

    def alive(self) -> bool:
        return bool(self.usage.is_running()) and self.usage.status() != psutil.STATUS_ZOMBIE

    def memory_mb(self) -> float:
        """What the node has resident, in MB."""
        return float(self.usage.memory_info().rss / 1e6)

    def counts(self) -> dict[str, int]:
        """The node's frame counters as of its newest diagnostics, up to a second old."""
        values = self.client.diagnostics()
        return {key.removeprefix("frames "): int(values[key]) for key in values if key.startswith("frames ")}


@contextmanager
def running_node(namespace: str, transport: str = "raw", **parameters: object) -> Iterator[Rig]:
    """A node and its camera, both discovered; the node is stopped at the end."""
    parameters |= {"image_transport": transport, "image_reliability": "reliable"}
    with NodeProcess(namespace, **parameters) as process, Client(namespace) as client:
        client.node.destroy_publisher(client.images)  # best effort, which a reliable subscription never hears
        message_type, topic = (CompressedImage, "image/compressed") if transport == "compressed" else (Image, "image")
        images = client.node.create_publisher(message_type, topic, RELIABLE)
        client.images = images
        client.wait_for_node()
        yield Rig(process, client, images)
