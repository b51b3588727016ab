"""doctor: what is installed, what the model needs, and what is missing for what."""

import importlib.util
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from redwood_depth import __version__
from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.commands.checks.cv_bridge import check_cv_bridge
from redwood_depth.commands.checks.gpu import check_engines, check_gpu
from redwood_depth.commands.checks.large_images import check_large_images
from redwood_depth.commands.checks.node_start import check_node_start
from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.engines import choose_backend, open_engine
from redwood_depth.engines.tensorrt.verification import verify_engine
from redwood_depth.errors import BundleError, EngineError
from redwood_depth.images.converter import converter_name

_DESCRIPTION = """\
Check this machine: versions, inference backends, devices, the model, whether the node starts as this shell is set up,
and whether camera images get from one process to another. Each line says ok, or what is missing, for what, and the
remedy."""

_EPILOG = """\
examples:
  doctor                      # with the bundled model
  doctor my_bundle            # with another
  doctor --no-images          # without the test over DDS, which takes some seconds

exit code: 0 when the node can run, 1 when something it needs is missing."""


class Finding(NamedTuple):
    """One line: `state` is "ok", "note" (something optional is missing) or "FAIL" (the node cannot run)."""

    state: str
    what: str
    detail: str


# module: (what it is for, needed by the node, remedy)
_MODULES = {
    "rclpy": ("the node, play_bag", True, "source /opt/ros/DISTRO/setup.bash, or make demo for a machine without ROS"),
    "sensor_msgs": ("the node", True, "rosdep install --from-paths . (package sensor_msgs)"),
    "vision_msgs": ("the node's classes", True, "apt install ros-DISTRO-vision-msgs"),
    "diagnostic_msgs": ("the node's diagnostics", True, "apt install ros-DISTRO-diagnostic-msgs"),
    "numpy": ("everything", True, "apt install python3-numpy"),
    "cv2": ("everything", True, "apt install python3-opencv"),
    "PIL": ("compressed images", True, "apt install python3-pil"),
    "onnxruntime": ("the onnxruntime backend", False, "pip install onnxruntime"),
    "rosbags": ("bags: evaluate_bag, play_bag, scans_to_bag", False, "pip install rosbags"),
    "sensor_msgs_py": ("depth/points (has a stand-in)", False, "apt install ros-DISTRO-sensor-msgs-py"),
    "launch_ros": ("the launch files", False, "apt install ros-DISTRO-launch-ros"),
}

# package of ROS without a module of Python: (what it is for, remedy)
_ROS_PACKAGES = {
    "rviz2": ("rviz:=true of the launch files, which start without it", "apt install ros-DISTRO-rviz2"),
    "ros2bag": ("the clock of replay.launch.py, which plays with play_bag", "apt install ros-DISTRO-ros2bag"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    parser = command_parser("doctor", _DESCRIPTION, _EPILOG)
    parser.add_argument("bundle", nargs="?", type=Path, default=DEMO_BUNDLE, help="default: the bundled model")
    parser.add_argument("--no-images", action="store_true", help="leave out the test of images between processes")
    return run_command(parser, lambda given: _doctor(given.bundle, no_images=given.no_images), argv)


def _doctor(bundle: Path, *, no_images: bool) -> int:
    failed = False
    for finding in _findings(bundle, no_images=no_images):
        failed |= finding.state == "FAIL"
        print(f"{finding.state:5} {finding.what:22} {finding.detail}", flush=True)
    print("doctor: something the node needs is missing (FAIL above)" if failed else "doctor: the node can run here")
    return int(failed)


def _findings(bundle: Path, *, no_images: bool) -> Iterator[Finding]:
    yield Finding("ok", "redwood_depth", f"{__version__}, Python {platform.python_version()}, {_platform()}")
    ros = os.environ.get("ROS_DISTRO", "not set")
    yield Finding("ok", "ROS_DISTRO", f"{ros}; middleware {os.environ.get('RMW_IMPLEMENTATION', 'the default')}")
    for module in _MODULES:
        yield _module(module)
    for package in _ROS_PACKAGES:
        yield _ros_package(package)
    if cv_bridge := check_cv_bridge():
        yield Finding(*cv_bridge)
    yield Finding("ok", "Bayer and YUV", f"converted by {converter_name()}")
    yield from (Finding(*line) for line in check_gpu())
    yield from _model(bundle)
    if all(_is_there(module) for module, (_, needed, _) in _MODULES.items() if needed):
        yield from _running(no_images=no_images)


def _running(*, no_images: bool) -> Iterator[Finding]:
    node = Finding(*check_node_start())
    yield node
    if node.state == "ok" and not no_images:
        yield Finding(*check_large_images())


def _module(module: str) -> Finding:
    purpose, needed, remedy = _MODULES[module]
    if _is_there(module):
        return Finding("ok", module, _version(module))
    return Finding("FAIL" if needed else "note", module, f"missing, needed for {purpose}: {remedy}")


def _ros_package(package: str) -> Finding:
    folder = _ros_packages().get(package)
    if folder:
        return Finding("ok", package, f"in {folder}")
    purpose, remedy = _ROS_PACKAGES[package]
    return Finding("note", package, f"missing, needed for {purpose}: {remedy}")


def _ros_packages() -> dict[str, str]:
    """Name and prefix of each; none where no ROS is sourced."""
    if not _is_there("ament_index_python") or not os.environ.get("AMENT_PREFIX_PATH"):
        return {}
    from ament_index_python.packages import get_packages_with_prefixes

    return dict(get_packages_with_prefixes())


def _model(folder: Path) -> Iterator[Finding]:
    try:
        bundle = ModelBundle.load(folder)
    except BundleError as error:
        yield Finding("FAIL", "model", str(error))
        return
    size = f"{bundle.width}x{bundle.height}"
    yield Finding("ok", "model", f"{bundle.name} {bundle.version}, {bundle.encoder}, {size}, {bundle.precision}")
    yield Finding("ok", "classes", f"{', '.join(bundle.classes)}; threshold {bundle.class_threshold:g}")
    choice = choose_backend("auto")
    try:
        with closing(open_engine(bundle, "onnxruntime")) as engine:
            verification = verify_engine(engine, bundle, bundle.precision)
        state = "ok" if verification.passed else "FAIL"
        compared = f"compared with {verification.reference}: {verification.findings}"
        yield Finding(state, "backend onnxruntime", f"{engine.description}; {compared}")
    except EngineError as error:
        yield Finding("FAIL" if choice.backend == "onnxruntime" else "note", "backend onnxruntime", str(error))
    yield from (Finding(*line) for line in check_engines(bundle))
    yield Finding("ok", "backend auto", f"takes {choice.backend} ({choice.reason})")


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _version(module: str) -> str:
    """Version of an installed module, as far as its package tells."""
    for name in (module, *metadata.packages_distributions().get(module, ())):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "installed"


def _platform() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


if __name__ == "__main__":
    sys.exit(main())
