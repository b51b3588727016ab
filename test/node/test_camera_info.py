"""Which camera_info the node takes for an image, over DDS."""

import time

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image

from bench.harness.ros import Client, NodeProcess, camera_info, gray_image, header_at
from redwood_depth.bundle import ModelBundle
from redwood_depth.images.decode import depth_from_message

pytestmark = pytest.mark.usefixtures("ros_domain")

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
UNCORRECTED_M = 0.5 + 8.0 * 50 / 255


def median_m(depth: Image) -> float:
    return float(np.nanmedian(depth_from_message(depth)))


def test_a_camera_info_that_was_sent_once_before_the_node_began_is_received(tiny_bundle: ModelBundle) -> None:
    with Client("a") as client:
        publisher = client.node.create_publisher(CameraInfo, "camera_info", LATCHED)
        publisher.publish(camera_info(header_at(0), f_px=105.0))
        with NodeProcess("a", model=tiny_bundle.folder):
            client.wait_for_node()
            for index in range(1, 4):
                assert median_m(client.ask(gray_image(header_at(index), 50))) == pytest.approx(2 * UNCORRECTED_M)


def test_an_image_has_the_calibration_of_its_own_time(tiny_bundle: ModelBundle) -> None:
    """Sent volatile and best effort, as drivers do."""
    with NodeProcess("a", model=tiny_bundle.folder), Client("a") as client:
        client.wait_for_node()
        client.ask(gray_image(header_at(10), 50), camera_info(header_at(10)))
        client.camera_infos.publish(camera_info(header_at(20), f_px=105.0))
        time.sleep(1.0)
        assert median_m(client.ask(gray_image(header_at(15), 50))) == pytest.approx(UNCORRECTED_M)
        assert median_m(client.ask(gray_image(header_at(25), 50))) == pytest.approx(2 * UNCORRECTED_M)


def test_what_cannot_be_the_cameras_is_not_used_and_said_once(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("a", model=tiny_bundle.folder) as process, Client("a") as client:
        client.wait_for_node()
        foreign = camera_info(header_at(10, "rear_fisheye_optical"), f_px=20.0)
        binned = camera_info(header_at(20), height=96, width=128, f_px=52.5)
        binned.k[2], binned.k[5], binned.p[2], binned.p[6] = 32.0, 24.0, 32.0, 24.0
        for index, info in ((11, foreign), (12, foreign), (21, binned)):
            client.camera_infos.publish(info)
            time.sleep(0.5)
            assert median_m(client.ask(gray_image(header_at(index), 50))) == pytest.approx(UNCORRECTED_M)
        assert process.output.count("of frame rear_fisheye_optical, the images are of camera_optical") == 1
        assert process.output.count("implausible camera_info") == 1
        client.wait_until(
            lambda: "implausible" in client.diagnostics().get("focal length", ""), what="the reason in the diagnostics"
        )


@pytest.mark.parametrize(("topic", "factor"), [("image_rect_color", 2.0), ("image_color", 1.0)])
def test_rectified_images_are_measured_by_p(tiny_bundle: ModelBundle, topic: str, factor: float) -> None:
    with NodeProcess("a", "-r", f"image:={topic}", model=tiny_bundle.folder), Client("a") as client:
        client.images = client.node.create_publisher(Image, topic, 5)
        client.wait_for_node()
        info = camera_info(header_at(1))
        info.p[0] = info.p[5] = 105.0
        depth = client.ask(gray_image(header_at(1), 50), info)
        assert median_m(depth) == pytest.approx(factor * UNCORRECTED_M)
