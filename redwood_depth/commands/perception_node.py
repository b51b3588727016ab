"""perception_node: run the node until SIGINT or SIGTERM."""

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Any

import rclpy
from rclpy._rclpy_pybind11 import RCLError
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.utilities import remove_ros_args

from redwood_depth.commands.command_line import command_parser, run_command
from redwood_depth.dds import use_shared_memory_profile
from redwood_depth.errors import RedwoodDepthError
from redwood_depth.parameters import parameters_help
from redwood_depth.perception_node import PerceptionNode

_EPILOG = f"""topics (relative to the namespace):
  in   image or image/compressed, camera_info
  out  depth/image, depth/camera_info, classification, label_info,
       preview/image and depth/points (made only while somebody subscribes), /diagnostics

parameters (-p NAME:=VALUE, or --params-file config/perception.yaml):
{parameters_help()}

example:
  perception_node --ros-args -r image:=/camera/color/image_raw -r camera_info:=/camera/color/camera_info
"""


def _run(arguments: Sequence[str]) -> int:
    use_shared_memory_profile()
    # rclpy's own handlers, which come on top of these, end the spinning. Python's would raise KeyboardInterrupt too,
    # again in the middle of the clean-up when the signal comes twice, as Ctrl-C under `ros2 launch` does.
    _on_stop_signals(lambda *_: None)
    try:
        rclpy.init(args=list(arguments))
        _spin()
    except (ParameterException, RCLError) as error:
        raise RedwoodDepthError(" ".join(str(error).split())) from error
    finally:
        rclpy.try_shutdown()
        _on_stop_signals(signal.SIG_IGN)  # or one that comes while the interpreter ends would kill it
    return 0


def _spin() -> None:
    """Run the node until the context is shut down."""
    node = None
    try:
        executor = SingleThreadedExecutor()  # before anything that takes long: it cannot be made after a signal
        node = PerceptionNode()
        executor.add_node(node)
        if node.parameters.autostart:
            node.start()
        executor.spin()
    except ExternalShutdownException:
        pass
    except RCLError:  # a signal came while the node was starting
        if rclpy.ok():
            raise
    finally:
        if node is not None:
            node.release()
            node.destroy_node()


def _on_stop_signals(handler: Any) -> None:
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, handler)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv if argv is None else argv)
    parser = command_parser("perception_node", "Camera images in, metric depth and object class out.", _EPILOG)
    parser.usage = "perception_node [--debug] [--ros-args ...]"

    def command(_: argparse.Namespace) -> int:
        return _run(arguments)

    try:
        own_arguments = remove_ros_args(arguments)[1:]
    except RCLError as error:
        parser.error(" ".join(str(error).split()))
    return run_command(parser, command, own_arguments)


if __name__ == "__main__":
    sys.exit(main())
