"""Play a bag with its clock, run the node on it, and show both in RViz."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from redwood_depth.node.dds import use_shared_memory_profile

PASSED_ON = {
    "namespace": "",
    "image_topic": "/camera/color/image_raw",
    "camera_info_topic": "",
    "image_transport": "",
    "model": "",
    "backend": "",
    "rviz": "true",
    "rviz_frame": "camera_color_optical_frame",
}


def play(context):
    """`ros2 bag play`, with the options that were asked for."""
    value = {name: LaunchConfiguration(name).perform(context) for name in ("bag", "rate", "loop")}
    command = ["ros2", "bag", "play", value["bag"], "--clock", "--rate", value["rate"]]
    if value["loop"].lower() in ("true", "1"):
        command.append("--loop")
    return [ExecuteProcess(cmd=command, output="screen")]


def generate_launch_description():
    use_shared_memory_profile()  # for `ros2 bag play` too
    perception = PathJoinSubstitution([FindPackageShare("redwood_depth"), "launch", "perception.launch.py"])
    passed_on = {name: LaunchConfiguration(name) for name in PASSED_ON}
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="the bag to play"),
            DeclareLaunchArgument("rate", default_value="1.0", description="times the recorded pace"),
            DeclareLaunchArgument("loop", default_value="false", description="play again and again"),
            *(
                DeclareLaunchArgument(name, default_value=default, description="as in perception.launch.py")
                for name, default in PASSED_ON.items()
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(perception),
                launch_arguments={**passed_on, "use_sim_time": "true"}.items(),
            ),
            OpaqueFunction(function=play),
        ]
    )
