"""perception.launch.py and cameras.launch.py under the real launch service: what they pass on, and how they end."""

import os
import signal
from pathlib import Path

import pytest

pytest.importorskip("launch_ros.actions", reason="needs launch and launch_ros, which exist with ROS from apt only")

from launched import ROOT, Launch, add_package, add_program, is_installed
from rcl_interfaces.srv import GetParameters

from bench.harness.life_cycle_services import call
from bench.harness.ros import Client
from redwood_depth.bundle import ModelBundle

FAKE_RVIZ = """
import rclpy, sys, time
rclpy.init(args=sys.argv)
node = rclpy.create_node("rviz")
for name in ("/image", "/preview/image", "/depth/points"):
    print(f"shows {name} as {node.resolve_topic_name(name)}", file=sys.stderr, flush=True)
while rclpy.ok():
    rclpy.spin_once(node, timeout_sec=0.2)
"""
INCLUSION = """
from launch import LaunchDescription
from launch.actions import GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import PushRosNamespace, SetParameter, SetParametersFromFile
def perception(**arguments):
    return IncludeLaunchDescription(PythonLaunchDescriptionSource({file!r}), launch_arguments=arguments.items())
def generate_launch_description():
    return LaunchDescription([{entities}])
"""


def including(tmp_path: Path, entities: str) -> Path:
    """A user's launch file around perception.launch.py."""
    file = tmp_path / "robot.launch.py"
    file.write_text(INCLUSION.format(file=str(ROOT / "launch" / "perception.launch.py"), entities=entities))
    return file


def parameters(client: Client, *names: str) -> list[object]:
    values = call(client, GetParameters, "get_parameters", GetParameters.Request(names=list(names))).values
    kinds = {1: "bool_value", 2: "integer_value", 3: "double_value", 4: "string_value"}
    return [getattr(value, kinds[value.type]) for value in values]


def subscribed(client: Client, namespace: str, count: int = 2) -> set[str]:
    """The topics of images and camera_info that the node in this namespace hears."""
    found: set[str] = set()

    def look() -> bool:
        if ("perception", namespace) in client.node.get_node_names_and_namespaces():
            pairs = client.node.get_subscriber_names_and_types_by_node("perception", namespace)
            found.clear()
            found.update(name for name, types in pairs if "sensor_msgs" in types[0])
        return len(found) >= count

    client.wait_until(look, 60.0, f"the subscriptions in {namespace}")
    return found


def test_without_rviz_it_starts_and_says_so_and_ctrl_c_leaves_nothing(launch: Launch, tiny_bundle: ModelBundle) -> None:
    if is_installed("rviz2"):
        pytest.skip("rviz2 is installed here")
    running = launch("perception.launch.py", "rviz:=true", f"model:={tiny_bundle.folder}")
    running.wait_for("active: waiting for images on /image")
    assert "rviz2 is not installed: started without RViz" in running.output
    running.interrupt()
    assert running.wait() == 0
    assert "Traceback" not in running.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("params_file:=/nowhere/mine.yaml",), "params_file /nowhere/mine.yaml is not a file"),
        (("autostart:=perhaps",), "'perhaps' is neither true nor false"),
    ],
)
def test_what_cannot_be_is_an_error_before_anything_starts(launch: Launch, arguments: tuple[str], words: str) -> None:
    running = launch("perception.launch.py", *arguments)
    assert running.wait() == 1
    assert words in running.output
    assert "process started" not in running.output


def test_a_node_that_dies_takes_rviz_with_it_and_launch_fails(
    launch: Launch, prefix: Path, tiny_bundle: ModelBundle
) -> None:
    add_package(prefix, "rviz2")
    add_program(prefix, "rviz2", "rviz2", FAKE_RVIZ)
    running = launch("perception.launch.py", "rviz:=true", f"model:={tiny_bundle.folder}")
    running.wait_for("active: waiting for images")
    running.wait_for("shows /image as /image")
    os.kill(running.pid_of("perception_node-1"), signal.SIGKILL)
    assert running.wait() == 1
    assert "died, exit code -9" in running.output


def test_a_parameter_that_the_node_refuses_makes_launch_fail(launch: Launch, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("/**:\n  ros__parameters:\n    depth_encoding: 8UC1\n")
    running = launch("perception.launch.py", f"params_file:={file}")
    assert running.wait() == 1
    assert "must be one of 32FC1, 16UC1" in running.output


def test_what_was_set_before_stays_unless_it_is_given(launch: Launch, tmp_path: Path, tiny_bundle: ModelBundle) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("/**:\n  ros__parameters:\n    depth_encoding: 16UC1\n    threads: 1\n")
    entities = (
        f"SetParameter('use_sim_time', True), SetParametersFromFile({str(mine)!r}), "
        "SetParameter('class_threshold', 0.25), SetParameter('output_size', 'model'), "
        f"perception(model={str(tiny_bundle.folder)!r}, autostart='false')"
    )
    running = launch(including(tmp_path, entities))
    with Client() as client:
        names = ("use_sim_time", "depth_encoding", "threads", "class_threshold", "output_size", "autostart", "model")
        values = parameters(client, *names)
    assert values == [True, "16UC1", 1, 0.25, "model", False, str(tiny_bundle.folder)]
    assert "active: waiting" not in running.output


def test_a_pushed_namespace_holds_for_rviz_too(
    launch: Launch, prefix: Path, tmp_path: Path, tiny_bundle: ModelBundle
) -> None:
    add_package(prefix, "rviz2")
    add_program(prefix, "rviz2", "rviz2", FAKE_RVIZ)
    call_it = (
        f"perception(namespace='front', image_topic='color/image_raw', rviz='true', model={str(tiny_bundle.folder)!r})"
    )
    running = launch(including(tmp_path, f"PushRosNamespace('robot'), {call_it}"))
    running.wait_for("shows /image as /robot/front/color/image_raw")
    running.wait_for("shows /preview/image as /robot/front/preview/image")
    running.wait_for("shows /depth/points as /robot/front/depth/points")
    with Client() as client:
        expected = {"/robot/front/color/image_raw", "/robot/front/color/camera_info"}
        assert subscribed(client, "/robot/front") == expected


@pytest.mark.parametrize("image_topic", ["/cam/rgb/compressed", "/cam/rgb"])
def test_a_compressed_name_means_that_transport(launch: Launch, tiny_bundle: ModelBundle, image_topic: str) -> None:
    transport = () if image_topic.endswith("compressed") else ("image_transport:=compressed",)
    launch("perception.launch.py", f"image_topic:={image_topic}", f"model:={tiny_bundle.folder}", *transport)
    with Client() as client:
        assert subscribed(client, "/") == {"/cam/rgb/compressed", "/cam/camera_info"}


def test_cameras_do_not_get_each_others_arguments(launch: Launch, tiny_bundle: ModelBundle) -> None:
    cameras = "front=/front/rgb=/calibrated/front rear=/rear/image_raw side"
    launch("cameras.launch.py", f"cameras:={cameras}", f"model:={tiny_bundle.folder}")
    with Client() as client:
        assert subscribed(client, "/front") == {"/front/rgb", "/calibrated/front"}
        assert subscribed(client, "/rear") == {"/rear/image_raw", "/rear/camera_info"}
        assert subscribed(client, "/side") == {"/side/image_raw", "/side/camera_info"}


def test_groups_keep_the_arguments_of_inclusions_apart(
    launch: Launch, tmp_path: Path, tiny_bundle: ModelBundle
) -> None:
    """As README shows it."""
    model = f"model={str(tiny_bundle.folder)!r}"
    front = f"perception(namespace='front', image_topic='/front/rgb', camera_info_topic='/calibrated/front', {model})"
    rear = f"perception(namespace='rear', image_topic='/rear/rgb', {model})"
    launch(including(tmp_path, f"GroupAction([{front}]), GroupAction([{rear}])"))
    with Client() as client:
        assert subscribed(client, "/front") == {"/front/rgb", "/calibrated/front"}
        assert subscribed(client, "/rear") == {"/rear/rgb", "/rear/camera_info"}
