"""The package as users get it: a wheel from pip, an ament_python package from colcon."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from redwood_depth import __version__

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("setup.py", "setup.cfg", "pyproject.toml", "package.xml", "resource", "redwood_depth", "launch", "config")
COMMANDS = {
    "perception_node",
    "evaluate_bag",
    "calibrate",
    "scans_to_bag",
    "play_bag",
    "build_engine",
    "benchmark",
    "doctor",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is built from, so that building leaves nothing in the checkout."""
    folder = tmp_path_factory.mktemp("workspace") / "src" / "redwood_depth"
    for name in SOURCES:
        origin, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, target)
    return folder


def run(*command: str, cwd: Path) -> str:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_a_wheel_holds_model_launch_files_and_configuration(source: Path, tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), ".", cwd=source)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
        commands = archive.read(entry_points).decode()
    assert {"redwood_depth/models/demo/model.onnx", "redwood_depth/models/demo/model.json"} <= names
    share = f"redwood_depth-{__version__}.data/data/share/"
    for name in (
        "ament_index/resource_index/packages/redwood_depth",
        "redwood_depth/package.xml",
        "redwood_depth/launch/perception.launch.py",
        "redwood_depth/launch/replay.launch.py",
        "redwood_depth/launch/cameras.launch.py",
        "redwood_depth/config/perception.yaml",
        "redwood_depth/config/perception.rviz",
        "redwood_depth/config/fastdds.xml",
    ):
        assert share + name in names
    assert not any(name.startswith(("training", "test")) for name in names)
    assert {line.split(" = ")[0] for line in commands.splitlines() if " = " in line} == COMMANDS


@pytest.mark.ros
def test_colcon_builds_it_and_its_commands_run(source: Path) -> None:
    if shutil.which("colcon", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("needs colcon")
    workspace = source.parents[1]
    colcon = str(Path(sys.executable).with_name("colcon"))
    run(colcon, "build", "--packages-select", "redwood_depth", cwd=workspace)
    installed = workspace / "install" / "redwood_depth"
    assert {path.name for path in (installed / "lib" / "redwood_depth").iterdir()} >= COMMANDS
    assert (installed / "share" / "redwood_depth" / "launch" / "perception.launch.py").is_file()
    program = "from redwood_depth.files import shared_file; print(shared_file('config/fastdds.xml'))"
    script = f'source install/setup.bash && cd / && {sys.executable} -c "{program}" && doctor --no-images'
    path = f"PATH={installed}/lib/redwood_depth:$PATH"
    output = run("bash", "-c", f"export {path}; {script}", cwd=workspace)
    assert output.startswith(str(installed / "share" / "redwood_depth" / "config" / "fastdds.xml"))
    assert "ok    model" in output


def test_versions_and_names_agree() -> None:
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    assert package.findtext("name") == "redwood_depth"
    assert package.findtext("version") == __version__
    assert f'version="{__version__}"' in (ROOT / "setup.py").read_text()
    assert __version__ in (ROOT / "CHANGELOG.rst").read_text()
