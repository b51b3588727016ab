"""Start the node `perception` for one camera; include this file once per camera, each with its own namespace."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from redwood_depth.node.dds import use_shared_memory_profile

SHARE = FindPackageShare("redwood_depth")
RVIZ_TOPICS = ("image", "preview/image", "depth/image", "depth/camera_info", "depth/points")


def arguments():
    """The launch arguments; `ros2 launch redwood_depth perception.launch.py --show-args` prints them."""
    parameters_file = PathJoinSubstitution([SHARE, "config", "perception.yaml"])
    return [
        DeclareLaunchArgument("namespace", default_value="", description="namespace of the node, one per camera"),
        DeclareLaunchArgument("image_topic", default_value="image", description="the camera's raw image topic"),
        DeclareLaunchArgument(
            "camera_info_topic", default_value="", description="empty: camera_info beside the image topic"
        ),
        DeclareLaunchArgument(
            "image_transport", default_value="", description="raw or compressed (IMAGE_TOPIC/compressed)"
        ),
        DeclareLaunchArgument("model", default_value="", description="folder of the model bundle; empty: demo model"),
        DeclareLaunchArgument("backend", default_value="", description="auto, onnxruntime or tensorrt"),
        DeclareLaunchArgument("params_file", default_value=parameters_file, description="parameters of the node"),
        DeclareLaunchArgument("use_sim_time", default_value="false", description="true with a bag or a simulator"),
        DeclareLaunchArgument("rviz", default_value="false", description="start RViz with this camera's outputs"),
        DeclareLaunchArgument(
            "rviz_frame", default_value="camera_color_optical_frame", description="RViz' fixed frame: the camera's"
        ),
    ]


def camera_nodes(context):
    """The node and RViz, with what was left empty taken from the parameters file or from the image topic."""
    value = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in arguments()}
    image = value["image_topic"]
    camera_info = value["camera_info_topic"] or "/".join([*image.split("/")[:-1], "camera_info"])
    given = {name: value[name] for name in ("model", "backend", "image_transport") if value[name]}
    given["use_sim_time"] = value["use_sim_time"].lower() in ("true", "1")
    perception = Node(
        package="redwood_depth",
        executable="perception_node",
        name="perception",
        namespace=value["namespace"],
        parameters=[value["params_file"], given],
        remappings=[("image", image), ("image/compressed", f"{image}/compressed"), ("camera_info", camera_info)],
        output="screen",
    )
    prefix = f"/{value['namespace'].strip('/')}".rstrip("/")
    moved = [(f"/{topic}", f"{prefix}/{topic}") for topic in RVIZ_TOPICS]
    moved[0] = ("/image", image if image.startswith("/") else f"{prefix}/{image}")
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        namespace=value["namespace"],
        arguments=["-d", PathJoinSubstitution([SHARE, "config", "perception.rviz"]), "-f", value["rviz_frame"]],
        remappings=moved,
        parameters=[{"use_sim_time": given["use_sim_time"]}],
        condition=IfCondition(value["rviz"]),
    )
    return [perception, rviz]


def generate_launch_description():
    use_shared_memory_profile()  # for every process that is started from here, RViz and drivers included
    return LaunchDescription([*arguments(), OpaqueFunction(function=camera_nodes)])
