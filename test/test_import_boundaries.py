"""Who may import what, from design: the robot half never torch, most of it no rclpy, `import redwood_depth` nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "redwood_depth"
MODULES = sorted(PACKAGE.rglob("*.py"))
OFFLINE = {"torch", "torchvision", "timm", "lightning", "training", "onnx"}
ROS_CLIENT = {"rclpy"}
ROS_MESSAGES = {"sensor_msgs", "std_msgs", "vision_msgs", "diagnostic_msgs", "builtin_interfaces", "rcl_interfaces"}
MAY_USE_ONNX = {"engines/half_precision.py"}  # inside its function: the robot needs onnx for nothing else
MAY_USE_RCLPY = {
    "perception_node.py",
    "parameters.py",
    "outputs.py",
    "bag_player.py",
    "live.py",
    "running_node.py",
    "recorder.py",
    "node_process.py",
    "commands/play_bag.py",
    "commands/dds_check.py",
    "commands/demo.py",
}
MAY_USE_MESSAGES = {*MAY_USE_RCLPY, "messages.py", "point_cloud.py"}
WITHOUT_ROS = (
    "bundle",
    "camera",
    "prediction",
    "images",
    "estimator",
    "engines",
    "worker",
    "statistics",
    "preview",
    "metrics",
    "evaluate",
    "bags",
    "scans",
    "commands.evaluate_bag",
    "commands.scans_to_bag",
    "commands.play_bag",
    "commands.build_engine",
    "commands.benchmark",
    "commands.doctor",
    "commands.perception_node",
)


def imports(path: Path) -> set[str]:
    """Top-level names of everything that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_it_may(path: Path) -> None:
    name, found = str(path.relative_to(PACKAGE)), imports(path)
    assert not found & (OFFLINE - {"onnx"} if name in MAY_USE_ONNX else OFFLINE)
    assert not found & ROS_CLIENT or name in MAY_USE_RCLPY
    assert not found & ROS_MESSAGES or name in MAY_USE_MESSAGES


def test_the_robot_half_imports_without_torch_and_ros() -> None:
    """In a fresh interpreter in which importing torch, timm or anything of ROS fails."""
    blocked = sorted(OFFLINE | ROS_CLIENT | ROS_MESSAGES)
    program = f"import sys\nfor name in {blocked}: sys.modules[name] = None\n"
    program += "".join(f"import redwood_depth.{name}\n" for name in WITHOUT_ROS)
    subprocess.run([sys.executable, "-c", program], check=True)


def test_importing_the_package_imports_nothing_else() -> None:
    program = "import sys, redwood_depth\nassert not {'numpy', 'cv2', 'rclpy'} & set(sys.modules), sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True)
