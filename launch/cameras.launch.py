"""Start the node `perception` for several cameras, each in its namespace; no argument of one reaches the next."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

SHARED = ("image_transport", "model", "backend", "params_file", "use_sim_time", "autostart")
CAMERAS = """\
the cameras, with spaces between them: NAMESPACE=IMAGE_TOPIC, or NAMESPACE=IMAGE_TOPIC=CAMERA_INFO_TOPIC, or NAMESPACE
alone for NAMESPACE/image_raw; relative topics are the namespace's"""


def each_camera(context):
    """One inclusion a camera, in a scope of its own."""
    perception = PathJoinSubstitution([FindPackageShare("redwood_depth"), "launch", "perception.launch.py"])
    cameras = LaunchConfiguration("cameras").perform(context).split()
    if not cameras:
        raise RuntimeError(
            "cameras:= names no camera; for example cameras:='front=/front/image_raw rear=/rear/image_raw'"
        )
    inclusions = []
    for camera in cameras:
        namespace, image, camera_info = [*camera.split("="), "", ""][:3]
        own = {"namespace": namespace, "image_topic": image or "image_raw", "camera_info_topic": camera_info}
        shared = {name: LaunchConfiguration(name) for name in SHARED}
        source = PythonLaunchDescriptionSource(perception)
        arguments = {**own, **shared, "rviz": "false"}
        inclusions.append(GroupAction([IncludeLaunchDescription(source, launch_arguments=arguments.items())]))
    return inclusions


def generate_launch_description():
    shared = [
        DeclareLaunchArgument(name, default_value="", description="of every camera, as in perception.launch.py")
        for name in SHARED
    ]
    cameras = DeclareLaunchArgument("cameras", description=CAMERAS.replace("\n", " "))
    return LaunchDescription([cameras, *shared, OpaqueFunction(function=each_camera)])
