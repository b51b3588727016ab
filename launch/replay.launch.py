"""Play a bag, run the node on it, and show both in RViz, until the bag ends."""

import shutil
import sys

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from redwood_depth.bags.reader import Bag
from redwood_depth.bags.replay import replay_topics
from redwood_depth.errors import BagError
from redwood_depth.node.dds import use_shared_memory_profile

START_S = "3.0"  # in which node and RViz subscribe: `ros2 bag play` does not wait for them
OF_THE_BAG = ("image_topic", "camera_info_topic", "image_transport", "rviz_frame")
ARGUMENTS = {
    "rate": ("1.0", "times the recorded pace"),
    "loop": ("false", "play again and again"),
    **dict.fromkeys(OF_THE_BAG, ("", "as in perception.launch.py; empty: what the bag has")),
    **dict.fromkeys(("namespace", "model", "backend", "params_file"), ("", "as in perception.launch.py")),
    "rviz": ("true", "as in perception.launch.py"),
}


def replay(context):
    """The node on the bag's camera, and the player, with whose end all ends."""
    value = {name: LaunchConfiguration(name).perform(context) for name in ("bag", *ARGUMENTS)}
    try:
        with Bag.open(value["bag"]) as bag:
            topics = replay_topics(bag, value["image_topic"], value["camera_info_topic"], value["image_transport"])
    except BagError as error:
        raise RuntimeError(str(error)) from error
    found = {
        "image_topic": topics.image,
        "camera_info_topic": topics.camera_info,
        "image_transport": topics.image_transport,
        "rviz_frame": value["rviz_frame"] or topics.frame_id,
    }
    has_clock = has_ros2_bag()
    passed_on = {name: value[name] for name in ("namespace", "model", "backend", "params_file", "rviz")}
    passed_on |= found | {"use_sim_time": "true" if has_clock else ""}
    perception = PathJoinSubstitution([FindPackageShare("redwood_depth"), "launch", "perception.launch.py"])
    words = f"{topics.image} ({topics.image_transport}), {topics.camera_info or 'no camera_info'}"
    return [
        LogInfo(msg=f"the bag's camera: {words}"),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(perception), launch_arguments=passed_on.items()),
        RegisterEventHandler(OnProcessExit(on_exit=node_ended)),
        *player(value, has_clock),
    ]


def has_ros2_bag():
    try:
        get_package_prefix("ros2bag")
    except PackageNotFoundError:
        return False
    return shutil.which("ros2") is not None


def player(value, has_clock):
    """`ros2 bag play`, or play_bag where that is missing, with the options that were asked for."""
    loop = ["--loop"] if value["loop"].lower() in ("true", "1") else []
    if has_clock:
        command = ["ros2", "bag", "play", value["bag"], "--clock", "--delay", START_S, "--rate", value["rate"], *loop]
        return [ExecuteProcess(cmd=command, output="screen", on_exit=player_ended)]
    module = [sys.executable, "-m", "redwood_depth.commands.play_bag"]
    return [
        LogInfo(msg="ros2 bag is not installed (apt install ros-$ROS_DISTRO-ros2bag): play_bag plays, without /clock"),
        ExecuteProcess(
            cmd=[*module, value["bag"], "--rate", value["rate"], *loop], output="screen", on_exit=player_ended
        ),
    ]


def player_ended(event, context):
    if event.returncode != 0 and not context.is_shutdown:
        # Launch's own handler of asyncio: it logs, and launch returns 1.
        context.asyncio_loop.call_exception_handler({"message": f"the player ended with exit code {event.returncode}"})
    return [EmitEvent(event=Shutdown(reason="the bag has ended"))]


def node_ended(event, context):
    """A replay without its node is not worth going on; perception.launch.py has said how it ended."""
    if "perception_node" in event.process_name and not context.is_shutdown:
        return [EmitEvent(event=Shutdown(reason="the node has ended"))]
    return []


def generate_launch_description():
    use_shared_memory_profile()  # for the player too
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    ]
    bag = DeclareLaunchArgument("bag", description="the bag to play")
    return LaunchDescription([bag, *declared, OpaqueFunction(function=replay)])
