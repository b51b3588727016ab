"""The node scales its depth by what a rangefinder says, or by the floor, and says what it does."""

import time

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from sensor_msgs.msg import Range

from bench.harness.ros import Client, NodeProcess, camera_info, gray_image, header_at
from redwood_depth.bundle import ModelBundle
from redwood_depth.images.decode import depth_from_message

pytestmark = pytest.mark.usefixtures("ros_domain")


def expected_m(brightness: int) -> float:
    return 0.5 + 8.0 * brightness / 255


def reading(index: int, distance_m: float) -> Range:
    return Range(header=header_at(index), min_range=0.05, max_range=8.0, range=distance_m)


def test_a_rangefinder_makes_the_middle_of_the_image_metric(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("r", model=tiny_bundle.folder, anchor="range") as process, Client("r") as client:
        ranges = client.node.create_publisher(Range, "range", 10)
        client.wait_for_node()
        client.wait_until(lambda: ranges.get_subscription_count() > 0, what="the node's subscription of range")
        ranges.publish(reading(1, 1.25))
        time.sleep(0.3)
        depth = client.ask(gray_image(header_at(1), 100), camera_info(header_at(1)))
        np.testing.assert_allclose(depth_from_message(depth), 1.25, rtol=1e-4)
        client.wait_until(lambda: "anchor factor" in client.diagnostics(), what="the factor in diagnostics")
        factor = 1.25 / expected_m(100)
        client.wait_until(lambda: client.diagnostics()["anchor factor"].startswith(f"{factor:.3f}"), what="the factor")
        assert "Traceback" not in process.output


def test_without_a_reading_depth_is_the_models_own_and_diagnostics_say_why(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("r", model=tiny_bundle.folder, anchor="range"), Client("r") as client:
        client.wait_for_node()
        depth = client.ask(gray_image(header_at(1), 100), camera_info(header_at(1)))
        np.testing.assert_allclose(depth_from_message(depth), expected_m(100), rtol=1e-4)
        client.wait_until(lambda: "anchor not used because" in client.diagnostics(), what="the reason")
        assert client.diagnostics()["anchor not used because"] == "no reading on range"


@pytest.mark.parametrize(
    ("distance_m", "reason"), [(20.0, "outside what the sensor measures"), (float("nan"), "nan m")]
)
def test_a_reading_that_is_none_is_refused(tiny_bundle: ModelBundle, distance_m: float, reason: str) -> None:
    with NodeProcess("r", model=tiny_bundle.folder, anchor="range"), Client("r") as client:
        ranges = client.node.create_publisher(Range, "range", 10)
        client.wait_for_node()
        client.wait_until(lambda: ranges.get_subscription_count() > 0, what="the node's subscription of range")
        ranges.publish(reading(1, distance_m))
        time.sleep(0.3)
        depth = client.ask(gray_image(header_at(1), 100), camera_info(header_at(1)))
        np.testing.assert_allclose(depth_from_message(depth), expected_m(100), rtol=1e-4)
        client.wait_until(
            lambda: reason in client.diagnostics().get("anchor not used because", ""), what="the reason in diagnostics"
        )


def test_no_floor_in_view_leaves_depth_as_it_is(tiny_bundle: ModelBundle) -> None:
    """The tiny bundle sees a wall in every plain image."""
    with (
        NodeProcess("f", model=tiny_bundle.folder, anchor="floor", camera_height_m=0.4) as process,
        Client("f") as client,
    ):
        client.wait_for_node()
        depth = client.ask(gray_image(header_at(1), 100), camera_info(header_at(1)))
        np.testing.assert_allclose(depth_from_message(depth), expected_m(100), rtol=1e-4)
        client.wait_until(lambda: client.diagnostics().get("anchor not used because") == "no floor in view", what="why")
        assert "Traceback" not in process.output


def test_the_floor_without_a_height_is_refused_in_one_line(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("f", model=tiny_bundle.folder, anchor="floor") as process:
        process.wait_for("cannot configure: anchor: floor needs camera_height_m")
