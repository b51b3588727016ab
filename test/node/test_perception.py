"""The node as its own process over real DDS, with a model whose answers are known."""

import array
import os
import signal
import time

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from sensor_msgs.msg import CompressedImage

from bench.harness.ros import Client, NodeProcess, camera_info, gray_image, header_at, stamp_of
from redwood_depth.bundle import ModelBundle
from redwood_depth.images.decode import depth_from_message
from redwood_depth.node.messages import image_message

pytestmark = pytest.mark.usefixtures("ros_domain")


def expected_depth_m(brightness: int, scale: float = 1.0) -> float:
    return (0.5 + 8.0 * brightness / 255) * scale


def test_every_output_carries_the_header_of_its_image(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("a", model=tiny_bundle.folder), Client("a", pictures=True) as client:
        client.wait_for_node()
        header = header_at(7, "left_optical")
        depth = client.ask(gray_image(header, 100), camera_info(header))
        topics = ["depth/image", "depth/camera_info", "classification", "preview/image", "depth/points"]
        headers = [client.wait_for_count(topic, 1)[-1].header for topic in topics]
        assert headers == [header] * len(topics)
        assert stamp_of(depth) == (header.stamp.sec, header.stamp.nanosec)
        assert (depth.encoding, depth.height, depth.width) == ("32FC1", 48, 64)
        np.testing.assert_allclose(depth_from_message(depth), expected_depth_m(100), rtol=1e-5)
        classification = client.received["classification"][-1]
        assert [result.class_id for result in classification.results] == []  # 100/255/3 is under the threshold of 0.2
        labels = client.wait_for_count("label_info", 1)[-1]
        assert [entry.class_name for entry in labels.class_map] == ["car", "trash container", "bicycle"]
        assert labels.threshold == pytest.approx(0.2)


def test_depth_follows_the_focal_length_and_camera_info_the_size(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("a", model=tiny_bundle.folder, output_size="model"), Client("a") as client:
        client.wait_for_node()
        depth = client.ask(gray_image(header_at(0), 50), camera_info(header_at(0), f_px=105.0))
        np.testing.assert_allclose(depth_from_message(depth), expected_depth_m(50, scale=2.0), rtol=1e-5)
        info = client.wait_for_count("depth/camera_info", 1)[-1]
        assert (info.height, info.width) == (depth.height, depth.width) == (24, 32)
        assert info.k[0] == pytest.approx(52.5)
        assert info.p[5] == pytest.approx(52.5)


def test_without_calibration_depth_is_the_training_cameras_and_that_is_said_once(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("a", model=tiny_bundle.folder) as process, Client("a") as client:
        client.wait_for_node()
        for index in range(3):
            depth = client.ask(gray_image(header_at(index), 50))
        np.testing.assert_allclose(depth_from_message(depth), expected_depth_m(50), rtol=1e-5)
        assert process.output.count("not corrected for the focal length") == 1
        assert client.wait_for_count("depth/camera_info", 3)[-1].k[0] == 0.0


def test_diagnostics_name_the_camera(tiny_bundle: ModelBundle) -> None:
    """Its topic until the first image, its frame from then on."""

    def hardware(client: Client) -> str:
        return client.wait_for_count("/diagnostics", 1)[-1].status[0].hardware_id

    with NodeProcess("a", "-r", "image:=/front/image_raw", model=tiny_bundle.folder), Client("a") as client:
        client.wait_until(lambda: hardware(client) == "/front/image_raw", what="the topic")
    with NodeProcess("b", model=tiny_bundle.folder), Client("b") as client:
        client.wait_for_node()
        client.ask(gray_image(header_at(0, "front_optical"), 50))
        client.wait_until(lambda: hardware(client) == "front_optical", what="the frame")


def test_the_first_image_waits_a_moment_for_its_camera_info(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("a", model=tiny_bundle.folder) as process, Client("a") as client:
        client.wait_for_node()
        client.images.publish(gray_image(header_at(0), 50))
        time.sleep(0.05)
        client.camera_infos.publish(camera_info(header_at(0), f_px=105.0))
        depth = client.wait_for_count("depth/image", 1)[0]
        np.testing.assert_allclose(depth_from_message(depth), expected_depth_m(50, scale=2.0), rtol=1e-5)
        assert "not corrected" not in process.output


def test_classes_best_first_at_or_above_the_threshold(tiny_bundle: ModelBundle) -> None:
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[..., 2], pixels[..., 0] = 255, 180  # class 2: 1/3, class 0: 0.235, class 1: 0
    with NodeProcess("a", model=tiny_bundle.folder), Client("a") as client:
        client.wait_for_node()
        client.ask(image_message(header_at(0), pixels, "rgb8"))
        results = client.wait_for_count("classification", 1)[-1].results
    assert [result.class_id for result in results] == ["bicycle", "car"]
    assert [result.score for result in results] == pytest.approx([1 / 3, 180 / 765], abs=1e-5)


def test_compressed_input_and_depth_in_millimeters(tiny_bundle: ModelBundle) -> None:
    parameters = {"model": tiny_bundle.folder, "image_transport": "compressed", "depth_encoding": "16UC1"}
    with NodeProcess("a", **parameters), Client("a", compressed=True) as client:
        client.wait_for_node()
        jpeg = cv2.imencode(".png", np.full((48, 64, 3), 100, np.uint8))[1]
        message = CompressedImage(header=header_at(3), format="rgb8; png compressed bgr8")
        message.data = array.array("B", jpeg.tobytes())
        depth = client.ask(message)
        assert depth.encoding == "16UC1"
        np.testing.assert_allclose(depth_from_message(depth), expected_depth_m(100), atol=0.001)


def test_bad_frames_are_counted_and_good_ones_between_them_answered(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("a", model=tiny_bundle.folder) as process, Client("a") as client:
        client.wait_for_node()
        for index in range(4):
            bad = gray_image(header_at(index), 1)
            bad.encoding = ("nonsense", "rgb8", "rgb8", "rgba8")[index]
            bad.height = (48, 0, 49, 48)[index]
            client.images.publish(bad)
            time.sleep(0.05)
            client.ask(gray_image(header_at(100 + index), 100))
        client.wait_until(lambda: client.diagnostics().get("frames bad") == "4", what="4 bad frames in diagnostics")
        assert client.diagnostics()["frames published"] == "4"
        assert "unknown color encoding 'nonsense'" in process.output
        assert "Traceback" not in process.output


def test_bad_parameters_are_refused(tiny_bundle: ModelBundle, tmp_path) -> None:
    with NodeProcess("a", model=tmp_path / "nowhere") as process:
        process.wait_for("no model bundle at")
        process.wait_for("not started")
        assert "Traceback" not in process.output
        assert process.stop() == 0
    for name, value, words in (
        ("depth_encoding", "8UC1", "must be one of 32FC1, 16UC1"),
        ("class_threshold", "7.0", "class_threshold"),
        ("backend", "tensorrrt", "must be one of auto, onnxruntime, tensorrt"),
        ("image_transport", "theora", "must be one of raw, compressed"),
    ):
        process = NodeProcess("a", model=tiny_bundle.folder, **{name: value})
        assert process.wait_for_end() == 1
        assert words in process.output
        assert "Traceback" not in process.output


@pytest.mark.parametrize("moment", ["opening tiny", "active: waiting for images"])
@pytest.mark.parametrize("gap_s", [0.0, 0.002, 0.02, 0.1])
def test_a_signal_that_comes_twice_ends_it_as_cleanly(tiny_bundle: ModelBundle, moment: str, gap_s: float) -> None:
    """As Ctrl-C does under `ros2 launch`: once from the terminal, once handed on."""
    with NodeProcess("a", model=tiny_bundle.folder) as process:
        process.wait_for(moment)
        os.kill(process.pid, signal.SIGINT)
        time.sleep(gap_s)
        assert process.stop() == 0
        assert "Traceback" not in process.output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_node_cleanly(tiny_bundle: ModelBundle, how: signal.Signals) -> None:
    with NodeProcess("a", model=tiny_bundle.folder) as process:
        process.wait_for("active: waiting for images")
        started_s = time.monotonic()
        assert process.stop(how) == 0
        assert time.monotonic() - started_s < 5.0
        assert "Traceback" not in process.output
