"""Life cycle and parameters of the node through its ROS services."""

import shutil
import time

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from lifecycle_msgs.msg import State, Transition
from rcl_interfaces.srv import DescribeParameters

from bench.harness.life_cycle_services import call, change, set_parameter, state
from bench.harness.ros import Client, NodeProcess, camera_info, gray_image, header_at
from redwood_depth.bundle import ModelBundle

pytestmark = pytest.mark.usefixtures("ros_domain")


def test_transitions_by_hand_again_and_again(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("life", model=tiny_bundle.folder, autostart=False) as process, Client("life") as client:
        for _ in range(5):
            assert state(client) == State.PRIMARY_STATE_UNCONFIGURED
            assert change(client, Transition.TRANSITION_CONFIGURE)
            assert change(client, Transition.TRANSITION_ACTIVATE)
            client.wait_for_node()
            client.ask_until_answered(gray_image(header_at(1), 100), camera_info(header_at(1)))
            assert change(client, Transition.TRANSITION_DEACTIVATE)
            client.wait_until(lambda: client.images.get_subscription_count() == 0, what="end of the subscription")
            assert change(client, Transition.TRANSITION_CLEANUP)
        assert change(client, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
        assert state(client) == State.PRIMARY_STATE_FINALIZED
        assert "Traceback" not in process.output
        assert process.stop() == 0


def test_a_broken_model_fails_to_configure_and_a_mended_one_configures(tiny_bundle: ModelBundle) -> None:
    model = tiny_bundle.model_path
    kept = shutil.copy(model, model.with_suffix(".kept"))
    model.write_bytes(b"altered")
    with NodeProcess("life", model=tiny_bundle.folder) as process, Client("life") as client:
        process.wait_for("cannot configure")
        assert "is not the model that model.json describes" in process.output
        assert state(client) == State.PRIMARY_STATE_UNCONFIGURED
        client.wait_until(
            lambda: "cannot configure" in client.diagnostics()["message"], what="the cause in diagnostics"
        )
        shutil.move(kept, model)
        assert change(client, Transition.TRANSITION_CONFIGURE)
        assert change(client, Transition.TRANSITION_ACTIVATE)
        client.wait_for_node()
        client.ask(gray_image(header_at(1), 100))
        assert "Traceback" not in process.output


def test_parameters_explain_themselves_and_refuse_what_cannot_be(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("life", model=tiny_bundle.folder) as process, Client("life") as client:
        process.wait_for("active")
        names = ["model", "backend", "threads", "class_threshold", "depth_encoding", "output_size"]
        described = call(client, DescribeParameters, "describe_parameters", DescribeParameters.Request(names=names))
        assert all(descriptor.description for descriptor in described.descriptors)
        for name, value, words in (
            ("class_threshold", 3.0, "range"),
            ("class_threshold", -0.5, "0..1, or -1"),
            ("class_threshold", "high", "type"),
            ("backend", "onnxruntime", "read when the node is configured"),
            ("depth_encoding", "8UC1", "32FC1, 16UC1"),
        ):
            result = set_parameter(client, name, value)
            assert not result.successful, (name, value)
            assert words in result.reason
        client.wait_for_node()
        white = gray_image(header_at(1), 255)  # each class has 1/3
        client.ask(white)
        assert len(client.wait_for_count("classification", 1)[-1].results) == 3
        assert set_parameter(client, "class_threshold", 0.4).successful
        client.ask(white)
        assert len(client.wait_for_count("classification", 2)[-1].results) == 0
        client.wait_until(lambda: client.received["label_info"][-1].threshold == pytest.approx(0.4), what="the label")


def test_frames_that_nobody_watches_are_not_computed(tiny_bundle: ModelBundle) -> None:
    with NodeProcess("life", model=tiny_bundle.folder), Client("life") as client:
        client.wait_for_node()
        for subscription in list(client.node.subscriptions):
            if subscription.topic_name.startswith("/life/"):
                client.node.destroy_subscription(subscription)
        time.sleep(1.0)
        for index in range(5):
            client.images.publish(gray_image(header_at(index), 100))
            time.sleep(0.03)
        client.wait_until(lambda: client.diagnostics().get("frames unwatched") == "5", what="5 unwatched frames")
        assert client.diagnostics()["frames published"] == "0"
