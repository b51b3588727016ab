"""Who may import what, from design: the robot half never torch, most of it no rclpy, `import redwood_depth` nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "redwood_depth"
OFFLINE = {"torch", "torchvision", "timm", "lightning", "training", "onnx"}
ROS_CLIENT = {"rclpy"}
ROS_MESSAGES = {
    *("sensor_msgs", "std_msgs", "vision_msgs", "diagnostic_msgs"),
    *("builtin_interfaces", "rcl_interfaces", "lifecycle_msgs"),
}
MAY_USE_ONNX = {"engines/tensorrt/fp16.py"}  # inside its function: the robot needs onnx for nothing else
NEEDS_LIBRARIES = {"engines.tensorrt.cuda_python_memory", "engines.tensorrt.pycuda_memory"}  # imported where found
MAY_USE_ROS = (  # folders and files below redwood_depth/ with rclpy and messages; all others run without ROS
    "node/",
    "evaluation/live/",
    "bags/player.py",
    "commands/play_bag.py",
    "commands/demo.py",
    "commands/checks/large_images.py",
    "commands/checks/node_start.py",
)
# What each folder may import of the project besides itself: data flows down this list, nothing imports upwards.
CONTRACT = {"bundle", "camera", "errors", "files", "prediction", "registration", "rgbd"}
FOLDERS = {
    "images": CONTRACT,
    "scans": CONTRACT | {"images"},
    "bags": CONTRACT | {"images"},
    "calibration": CONTRACT,
    "engines": CONTRACT,
    "estimator": CONTRACT | {"images", "engines", "calibration"},
    "evaluation": CONTRACT | {"parallel", "calibration", "images", "scans", "bags", "engines", "estimator", "node"},
    "node": CONTRACT | {"calibration", "images", "engines", "estimator"},
    "commands": CONTRACT
    | {"parallel", "calibration", "images", "scans", "bags", "engines", "estimator", "evaluation", "node"},
    "prediction": set(),
    "registration": {"camera"},
    "rgbd": {"camera", "images"},
    "errors": set(),
    "parallel": {"errors"},
    "files": {"errors"},
    "camera": {"errors"},
    "bundle": {"calibration", "camera", "errors", "files"},
}
# The folders beside it: which of the project's packages each may import.
PACKAGES = {
    "redwood_depth": {"redwood_depth"},
    "training": {"redwood_depth", "training"},
    "bench": {"redwood_depth", "training", "bench"},
    "launch": {"redwood_depth"},
}
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Dotted names of everything that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def may_use_ros(name: str) -> bool:
    return name.startswith(MAY_USE_ROS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_it_may(path: Path) -> None:
    package, *inside = path.relative_to(ROOT).parts
    found = imported(path)
    tops = {name.split(".")[0] for name in found}
    ours = {name for name in ("redwood_depth", "training", "bench", "test") if name in tops}
    assert ours <= PACKAGES[package]
    if package != "redwood_depth":
        return
    name = "/".join(inside)
    assert not tops & (OFFLINE - {"onnx"} if name in MAY_USE_ONNX else OFFLINE)
    assert not tops & (ROS_CLIENT | ROS_MESSAGES) or may_use_ros(name)
    if name != "__init__.py":
        room = inside[0].removesuffix(".py")
        rooms = {one.split(".")[1] for one in found if one.startswith("redwood_depth.")} - {"__version__"}
        assert rooms - {room} <= FOLDERS[room]


def test_the_robot_half_imports_without_torch_and_ros() -> None:
    """In a fresh interpreter in which importing torch, timm or anything of ROS fails."""
    paths = (path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
    names = [".".join(path.with_suffix("").parts) for path in sorted(paths) if not may_use_ros(str(path))]
    names = [name for name in names if name != "__init__" and name not in NEEDS_LIBRARIES]
    blocked = sorted(OFFLINE | ROS_CLIENT | ROS_MESSAGES)
    program = f"import sys\nfor name in {blocked}: sys.modules[name] = None\n"
    program += "".join(f"import redwood_depth.{name.removesuffix('.__init__')}\n" for name in names)
    subprocess.run([sys.executable, "-c", program], check=True)


def test_importing_the_package_imports_nothing_else() -> None:
    program = "import sys, redwood_depth\nassert not {'numpy', 'cv2', 'rclpy'} & set(sys.modules), sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_estimator_is_imported_when_it_is_asked_for() -> None:
    program = "import sys; from redwood_depth import Estimator; assert {'numpy', 'cv2'} <= set(sys.modules), Estimator"
    program += "\nimport redwood_depth\ntry: redwood_depth.Estimater\nexcept AttributeError: pass\nelse: sys.exit(1)"
    subprocess.run([sys.executable, "-c", program], check=True)
