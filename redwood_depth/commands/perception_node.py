"""perception_node: run the node until SIGINT or SIGTERM."""

import argparse
import signal
import sys
from collections.abc import Sequence

from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.errors import RedwoodDepthError

_EPILOG = """topics (relative to the namespace):
  in   image or image/compressed, camera_info
  out  depth/image, depth/camera_info, classification, label_info,
       preview/image and depth/points (made only while somebody subscribes), /diagnostics

parameters (-p NAME:=VALUE, or --params-file config/perception.yaml):
{parameters}

example:
  perception_node --ros-args -r image:=/camera/color/image_raw -r camera_info:=/camera/color/camera_info
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code: 0 after a stop signal."""
    for stop_signal in (signal.SIGINT, signal.SIGTERM):  # until the node has its own: a second of imports
        signal.signal(stop_signal, lambda *_: sys.exit(0))
    try:
        from redwood_depth.node import process
        from redwood_depth.node.parameters import parameters_help
    except ModuleNotFoundError as error:
        print(f"perception_node: error: needs ROS 2 ({error}): source /opt/ros/DISTRO/setup.bash", file=sys.stderr)
        return 1
    epilog = _EPILOG.format(parameters=parameters_help())
    parser = command_parser("perception_node", "Camera images in, metric depth and object class out.", epilog)
    parser.usage = "perception_node [--debug] [--ros-args ...]"
    arguments = list(sys.argv if argv is None else argv)
    try:
        own_arguments = process.without_ros_arguments(arguments)[1:]
    except RedwoodDepthError as error:
        parser.error(str(error))

    def command(_: argparse.Namespace) -> int:
        process.run(arguments)
        return 0

    return run_command(parser, command, own_arguments)


if __name__ == "__main__":
    sys.exit(main())
