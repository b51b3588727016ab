"""What other packages demand of our topics, from their sources; docs/robot.md has the same list in words.

Depth and camera_info of a driver that fills in the least; each demand is asked of what the running node publishes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from rclpy.qos import DurabilityPolicy, QoSCompatibility, QoSProfile, ReliabilityPolicy, qos_check_compatible
from sensor_msgs.msg import CameraInfo, Image, PointField

from bench.harness.ros import Client, NodeProcess, gray_image, header_at
from redwood_depth.bundle import ModelBundle

pytestmark = pytest.mark.usefixtures("ros_domain")
DOCS = Path(__file__).resolve().parents[2] / "docs" / "robot.md"
SYSTEM_DEFAULT, SENSOR_DATA = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT  # what they come to
MODELS = ("plumb_bob", "rational_polynomial", "equidistant")  # that image_geometry 3.4 can rectify with


@dataclass(frozen=True)
class DepthReader:
    """Takes depth/image and a camera_info of it, stamps equal where `exact_stamps`; `from_p`: projects with P alone."""

    name: str
    version: str
    encodings: tuple[str, ...]
    reliability: ReliabilityPolicy
    exact_stamps: bool = False
    rectifies: bool = False
    from_p: bool = False
    color_size: bool = False


@dataclass(frozen=True)
class CloudReader:
    """Takes depth/points."""

    name: str
    version: str
    fields: tuple[str, ...]
    reliability: ReliabilityPolicy
    no_padding: bool = False


DEPTH_READERS = (
    DepthReader("depthimage_to_laserscan", "2.5.1", ("16UC1", "32FC1"), SYSTEM_DEFAULT, rectifies=True, from_p=True),
    DepthReader("PointCloudXyz", "5.0.1", ("16UC1", "mono16", "32FC1"), SYSTEM_DEFAULT, exact_stamps=True, from_p=True),
    DepthReader("PointCloudXyzrgb", "5.0.1", ("16UC1", "32FC1"), SYSTEM_DEFAULT, from_p=True, color_size=True),
    DepthReader("DepthCloud", "14.3.1", ("16UC1", "mono16", "32FC1"), SENSOR_DATA, from_p=True, color_size=True),
    DepthReader("rtabmap", "0.22.1", ("16UC1", "mono16", "32FC1"), SYSTEM_DEFAULT, rectifies=True),
)
CLOUD_READERS = (
    CloudReader("octomap_server", "2.1.0", ("x", "y", "z", "rgb"), SENSOR_DATA),
    CloudReader("Nav2's voxel layer", "1.5.0", ("x", "y", "z"), SENSOR_DATA, no_padding=True),
)


@dataclass(frozen=True)
class Published:
    """One frame's outputs, the image they belong to, and the QoS of each topic."""

    image: Image
    depth: Image
    info: CameraInfo
    cloud: Any
    qos: dict[str, QoSProfile]


@pytest.fixture(params=["32FC1", "16UC1"])
def published(request: pytest.FixtureRequest, tiny_bundle: ModelBundle) -> Iterator[Published]:
    """Of a driver that gives K and nothing else."""
    parameters = {"model": tiny_bundle.folder, "depth_encoding": request.param}
    with NodeProcess("seen", **parameters), Client("seen", pictures=True) as client:
        client.wait_for_node()
        image = gray_image(header_at(7), 100)
        client.ask(image, CameraInfo(header=image.header, height=48, width=64, k=[50.0, 0, 32, 0, 50, 24, 0, 0, 1]))
        cloud = client.wait_for_count("depth/points", 1)[-1]
        depth, info = (client.wait_for_count(topic, 1)[-1] for topic in ("depth/image", "depth/camera_info"))
        endpoints = {
            topic: client.node.get_publishers_info_by_topic(f"/seen/{topic}")
            for topic in ("depth/image", "depth/camera_info", "depth/points")
        }
        yield Published(image, depth, info, cloud, {name: one.qos_profile for name, (one,) in endpoints.items()})


def hears(reliability: ReliabilityPolicy, publisher: QoSProfile) -> bool:
    wanted = QoSProfile(depth=5, reliability=reliability, durability=DurabilityPolicy.VOLATILE)
    return qos_check_compatible(publisher, wanted)[0] != QoSCompatibility.ERROR


def test_who_reads_depth_images_can_use_ours(published: Published) -> None:
    depth, info = published.depth, published.info
    assert depth.header == published.image.header  # tf, message filters and approximate synchronizers
    assert depth.header.frame_id
    for reader in DEPTH_READERS:
        assert depth.encoding in reader.encodings, reader
        for topic in ("depth/image", "depth/camera_info"):  # beside each other: image_transport's rule
            assert hears(reader.reliability, published.qos[topic]), reader
        assert (info.height, info.width, info.binning_x, info.roi.width) == (depth.height, depth.width, 0, 0)
        assert not reader.exact_stamps or info.header == depth.header, reader
        assert not reader.rectifies or (info.distortion_model in MODELS and len(info.d) and any(info.r)), reader
        assert not reader.from_p or (info.p[0] > 0 and info.p[5] > 0), reader
        assert not reader.color_size or (depth.height, depth.width) == (published.image.height, published.image.width)


def test_who_reads_clouds_can_use_ours(published: Published) -> None:
    cloud = published.cloud
    assert cloud.header == published.image.header
    assert len(cloud.data) == cloud.row_step * cloud.height
    fields = {field.name: field for field in cloud.fields}
    for reader in CLOUD_READERS:
        assert hears(reader.reliability, published.qos["depth/points"]), reader
        assert all(fields[name].datatype == PointField.FLOAT32 for name in reader.fields), reader
        assert not reader.no_padding or cloud.row_step == cloud.width * cloud.point_step, reader


@pytest.mark.parametrize("reader", [*DEPTH_READERS, *CLOUD_READERS], ids=lambda reader: reader.name)
def test_the_docs_list_each_with_its_version(reader: DepthReader | CloudReader) -> None:
    assert any(reader.name in line and reader.version in line for line in DOCS.read_text("utf-8").splitlines())
