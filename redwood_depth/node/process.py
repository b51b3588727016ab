"""The process around the node: arguments of ROS, stop signals, orderly end."""

import signal
from collections.abc import Sequence
from typing import Any

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.utilities import remove_ros_args

from redwood_depth.errors import RedwoodDepthError
from redwood_depth.node.dds import use_shared_memory_profile
from redwood_depth.node.perception import PerceptionNode


def without_ros_arguments(arguments: Sequence[str]) -> list[str]:
    """`arguments` (the program's name first) without those of ROS. Raises RedwoodDepthError where ROS refuses them."""
    try:
        return list(remove_ros_args(list(arguments)))
    except RuntimeError as error:  # what rclpy's errors derive from, wherever it keeps them
        raise _one_line(error) from error


def run(arguments: Sequence[str]) -> None:
    """Run the node until SIGINT or SIGTERM.

    Raises:
        RedwoodDepthError: arguments or parameters that ROS or the node refuses.
    """
    use_shared_memory_profile()
    # rclpy's own handlers, which come on top of these, end the spinning. Python's would raise KeyboardInterrupt too,
    # again in the middle of the clean-up when the signal comes twice, as Ctrl-C under `ros2 launch` does.
    on_stop_signals(lambda *_: None)
    try:
        rclpy.init(args=list(arguments))
        _spin()
    except (ParameterException, RuntimeError) as error:
        raise _one_line(error) from error
    finally:
        rclpy.try_shutdown()
        on_stop_signals(signal.SIG_IGN)  # or one that comes while the interpreter ends would kill it


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
    except RuntimeError:  # a signal came while the node was starting
        if rclpy.ok():
            raise
    finally:
        if node is not None:
            node.release()
            node.destroy_node()


def on_stop_signals(handler: Any) -> None:
    """Set Python's handler of SIGINT and SIGTERM."""
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, handler)


def _one_line(error: Exception) -> RedwoodDepthError:
    line = " ".join(str(error).split())
    remedy = "; set ROS_LOG_DIR to a folder that can be written" if "log directory" in line else ""
    return RedwoodDepthError(line + remedy)
