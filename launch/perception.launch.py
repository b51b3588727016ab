"""Start the node `perception` for one camera. Several: cameras.launch.py, or this file in a group for each camera."""

import os

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, EmitEvent, LogInfo, OpaqueFunction
from launch.events import matches_action
from launch.events.process import ShutdownProcess
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from redwood_depth.node.dds import use_shared_memory_profile

SHARE = FindPackageShare("redwood_depth")
RVIZ_TOPICS = ("preview/image", "depth/image", "depth/camera_info", "depth/points")
ARGUMENTS = {
    "namespace": ("", "namespace of the node, one per camera"),
    "image_topic": ("image", "the camera's image topic; a name that ends in /compressed means that transport"),
    "camera_info_topic": ("", "empty: camera_info beside the image topic"),
    "image_transport": ("", "raw or compressed (IMAGE_TOPIC/compressed)"),
    "model": ("", "folder of the model bundle; empty: demo model"),
    "backend": ("", "auto, onnxruntime or tensorrt"),
    "params_file": (
        "",
        "parameters of the node, as in config/perception.yaml; empty: its defaults, or what was set before",
    ),
    "use_sim_time": ("", "true with a bag or a simulator; empty: as set before, else false"),
    "autostart": ("", "false where a life-cycle manager configures and activates the node"),
    "rviz": ("false", "start RViz with this camera's outputs"),
    "rviz_frame": ("camera_color_optical_frame", "RViz' fixed frame: the camera's"),
}
TEXTS, SWITCHES = ("model", "backend", "image_transport"), ("use_sim_time", "autostart")


def given_parameters(value):
    """Parameters of the node that this launch was given, and no default: those would override what was set before."""
    if value["params_file"] and not os.path.isfile(value["params_file"]):
        raise RuntimeError(f"params_file {value['params_file']} is not a file")
    texts = {name: ParameterValue(value[name], value_type=str) for name in TEXTS if value[name]}
    switches = {name: is_true(value[name]) for name in SWITCHES if value[name]}
    return [entry for entry in (value["params_file"], texts | switches) if entry]


def is_true(text):
    if text.lower() not in ("true", "1", "false", "0"):
        raise RuntimeError(f"{text!r} is neither true nor false")
    return text.lower() in ("true", "1")


def rviz_node(value, image):
    """RViz on this camera's topics, or why not. Relative names follow whatever namespace was pushed."""
    if not is_true(value["rviz"]):
        return []
    try:
        get_package_prefix("rviz2")
    except PackageNotFoundError:
        return [LogInfo(msg="rviz2 is not installed: started without RViz (apt install ros-$ROS_DISTRO-rviz2)")]
    return [
        Node(
            package="rviz2",
            executable="rviz2",
            namespace=value["namespace"],
            arguments=["-d", PathJoinSubstitution([SHARE, "config", "perception.rviz"]), "-f", value["rviz_frame"]],
            remappings=[("/image", image), *((f"/{topic}", topic) for topic in RVIZ_TOPICS)],
            parameters=[{"use_sim_time": is_true(value["use_sim_time"])}] if value["use_sim_time"] else [],
        )
    ]


def camera_nodes(context):
    """The node and RViz. A node that dies takes RViz with it, and `ros2 launch` ends non-zero whatever else runs."""
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    image = value["image_topic"].removesuffix("/compressed")
    if image != value["image_topic"]:
        value["image_transport"] = "compressed"
    camera_info = value["camera_info_topic"] or "/".join([*image.split("/")[:-1], "camera_info"])
    parameters, rviz = (
        given_parameters(value),
        rviz_node(value, image),
    )  # what raises goes first: no node is left behind

    def ended(event, context):
        if event.returncode == 0 or context.is_shutdown:
            return []
        # Launch's own handler of asyncio: it logs, and launch returns 1. Raising would end what others started.
        message = f"perception_node (process {event.pid}) died, exit code {event.returncode}"
        context.asyncio_loop.call_exception_handler({"message": message})
        return [EmitEvent(event=ShutdownProcess(process_matcher=matches_action(node))) for node in rviz_processes]

    rviz_processes = [action for action in rviz if isinstance(action, Node)]
    perception = Node(
        package="redwood_depth",
        executable="perception_node",
        name="perception",
        namespace=value["namespace"],
        parameters=parameters,
        remappings=[("image", image), ("camera_info", camera_info)],
        output="screen",
        on_exit=ended,
    )
    return [perception, *rviz]


def generate_launch_description():
    use_shared_memory_profile()  # for every process that is started from here, RViz and drivers included
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=camera_nodes)])
