"""Launch files of this checkout, as if it were installed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from launched import ROOT, Launch, Launched, add_package, add_program


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An install prefix with this checkout's launch files, configuration and node."""
    folder = tmp_path / "prefix"
    add_package(folder, "redwood_depth")
    for kind in ("launch", "config"):
        (folder / "share" / "redwood_depth" / kind).symlink_to(ROOT / kind)
    call = "from redwood_depth.commands.perception_node import main; sys.exit(main())"
    add_program(folder, "redwood_depth", "perception_node", f"import sys; {call}")
    return folder


@pytest.fixture
def launch(ros_domain: str, prefix: Path, tmp_path: Path) -> Iterator[Launch]:
    """Start a launch file of this checkout by its name, or another by its path; all are stopped at the end."""
    pytest.importorskip("launch_ros.actions", reason="needs launch and launch_ros, which exist with ROS from apt only")
    running: list[Launched] = []

    def start(file: str | Path, *arguments: str, **environment: str) -> Launched:
        path = ROOT / "launch" / file if isinstance(file, str) else file
        prefixes = os.pathsep.join([str(prefix), os.environ.get("AMENT_PREFIX_PATH", "")])
        own = {"AMENT_PREFIX_PATH": prefixes, "ROS_LOG_DIR": str(tmp_path / "log"), "PYTHONPATH": python_path()}
        running.append(Launched(path, arguments, {**os.environ, **own, **environment}))
        return running[-1]

    yield start
    for one in running:
        one.close()


def python_path() -> str:
    return os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
