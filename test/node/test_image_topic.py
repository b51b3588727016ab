"""Which topic images come on, and what the node says where none come or two cameras share one."""

import time
from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from bench.harness.ros import BEST_EFFORT, Client, NodeProcess, gray_image, header_at
from redwood_depth.bundle import ModelBundle
from redwood_depth.node.image_topic import ImageTopic, image_topic
from redwood_depth.node.publishers import why_no_image

pytestmark = pytest.mark.usefixtures("ros_domain")
RELIABLE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)


@pytest.fixture
def context(ros_domain: str) -> Iterator[rclpy.Context]:
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    rclpy.shutdown(context=context)


@pytest.mark.parametrize(
    ("transport", "remappings", "name", "is_compressed"),
    [
        ("raw", [], "/front/image", False),
        ("compressed", [], "/front/image/compressed", True),
        ("raw", ["image:=/cam/image_raw"], "/cam/image_raw", False),
        ("compressed", ["image:=/cam/image_raw"], "/cam/image_raw/compressed", True),
        ("compressed", ["image:=color"], "/front/color/compressed", True),
        ("compressed", ["image/compressed:=/cam/jpeg"], "/cam/jpeg", True),
        ("compressed", ["image:=/cam/image_raw", "image/compressed:=/cam/jpeg"], "/cam/jpeg", True),
        ("raw", ["image:=/cam/image_raw/compressed"], "/cam/image_raw/compressed", True),
        ("compressed", ["image:=/cam/image_raw/compressed"], "/cam/image_raw/compressed", True),
        ("raw", ["image/compressed:=/cam/jpeg"], "/front/image", False),
    ],
)
def test_remapping_the_image_holds_for_its_transport(
    context: rclpy.Context, transport: str, remappings: list[str], name: str, is_compressed: bool
) -> None:
    arguments = ["--ros-args", *(word for rule in remappings for word in ("-r", rule))]
    node = rclpy.create_node("n", namespace="/front", context=context, cli_args=arguments)
    assert image_topic(node, transport) == ImageTopic(name, is_compressed)
    node.destroy_node()


class Graph:
    """A listener, and the image topics of another node."""

    def __init__(self, context: rclpy.Context) -> None:
        self.listener = rclpy.create_node("listener", context=context)
        self.driver = rclpy.create_node("driver", namespace="/cam", context=context)

    def why(self, topic: ImageTopic, words: str, qos: QoSProfile = BEST_EFFORT) -> str:
        """Why no image comes, once the graph has told enough for `words` to be in it."""
        for _ in range(100):
            reason = why_no_image(self.listener, topic, qos)
            if words in reason:
                break
            rclpy.spin_once(self.listener, timeout_sec=0.1)
        assert words in reason
        return reason


@pytest.fixture
def graph(context: rclpy.Context) -> Iterator[Graph]:
    graph = Graph(context)
    yield graph
    for node in (graph.listener, graph.driver):
        node.destroy_node()


RAW, COMPRESSED = ImageTopic("/cam/rgb", False), ImageTopic("/cam/rgb/compressed", True)


def publish(node: Node, name: str, kind: type = Image, qos: QoSProfile = RELIABLE) -> None:
    node.create_publisher(kind, name, qos)


def test_a_topic_that_only_the_other_transport_has_names_the_parameter(graph: Graph) -> None:
    publish(graph.driver, "/cam/rgb/compressed", CompressedImage)
    publish(graph.driver, "/cam/rgc")
    reason = graph.why(RAW, "set image_transport to compressed")
    assert "/cam/rgb/compressed (by /cam/driver as sensor_msgs/CompressedImage, reliable, volatile)" in reason
    publish(graph.driver, "/left/image_mono", qos=BEST_EFFORT)
    other_way = ImageTopic("/left/image_mono/compressed", True)
    assert "best effort" in graph.why(other_way, "set image_transport to raw")


def test_similar_names_come_first_and_own_outputs_never(graph: Graph) -> None:
    assert "no image topic is within reach (ROS_DOMAIN_ID" in why_no_image(graph.listener, RAW, BEST_EFFORT)
    publish(graph.listener, "/depth/image")
    for name in ("/zz/thermal", "/cam/rgb_raw", "/q", "/w", "/cam/rgb/theora_like"):
        publish(graph.driver, name)
    reason = graph.why(RAW, "and 1 more: remap `image`")
    assert reason.startswith("nobody publishes /cam/rgb (sensor_msgs/Image); there is /cam/rgb_raw (by /cam/driver")
    assert "/depth/image" not in reason


def test_another_type_and_a_qos_that_cannot_meet_are_named(graph: Graph) -> None:
    publish(graph.driver, "/cam/rgb", String)
    assert "published by /cam/driver as std_msgs/String" in graph.why(RAW, "and this node takes sensor_msgs/Image")
    publish(graph.driver, "/cam/gray", qos=BEST_EFFORT)
    gray = ImageTopic("/cam/gray", False)
    graph.why(gray, "cannot hear: set image_reliability to best_effort", RELIABLE)
    graph.why(gray, "it sends none, or they are lost on the way", BEST_EFFORT)


def test_after_five_seconds_the_node_names_the_compressed_topic_once(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("silent", model=tiny_bundle.folder) as process, Client("silent", compressed=True) as client:
        process.wait_for("set image_transport to compressed", timeout_s=60.0)
        assert "no image for" in process.output
        assert "/silent/image/compressed (by /silent/client" in process.output
        client.wait_until(lambda: "why no image" in client.diagnostics(), what="the reason in diagnostics")
        count = len(client.received["/diagnostics"])
        client.wait_for_count("/diagnostics", count + 6, timeout_s=60.0)
        assert process.output.count("set image_transport to compressed") == 1


def test_a_remapped_base_brings_compressed_images(tiny_bundle: ModelBundle) -> None:
    remapping = ("-r", "image:=/truck/image")
    parameters = {"model": tiny_bundle.folder, "image_transport": "compressed"}
    with NodeProcess("a", *remapping, **parameters) as process, Client("truck", compressed=True) as camera:
        process.wait_for("waiting for images on /truck/image/compressed")
        camera.wait_until(lambda: camera.images.get_subscription_count() == 1, what="the node on the remapped topic")


def test_two_publishers_on_the_topic_are_said_once_and_one_is_not(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("two", model=tiny_bundle.folder) as process, Client("two") as client:
        client.wait_for_node()
        client.ask(gray_image(header_at(1), 100))
        count = len(client.received["/diagnostics"])
        client.wait_for_count("/diagnostics", count + 4, timeout_s=60.0)
        assert "publishers on" not in process.output
        assert "no image for" not in process.output
        with Client("two") as other:
            while "publishers on" not in process.output:
                for camera in (client, other):
                    camera.images.publish(gray_image(header_at(2), 100))
                assert process.running()
                time.sleep(0.1)
        assert process.output.count("publishers on /two/image: /two/client, /two/client") == 1
