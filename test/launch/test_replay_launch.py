"""replay.launch.py under the real launch service: it shows what the bag has, and ends with it."""

from pathlib import Path

import pytest

pytest.importorskip("launch_ros.actions", reason="needs launch and launch_ros, which exist with ROS from apt only")

from launched import ROOT, Launch, add_package, is_installed

from redwood_depth.bundle import ModelBundle

SAMPLE = ROOT / "redwood_depth" / "samples" / "yard"
FAKE_ROS2 = """#!/bin/sh
echo "played with: $*"
exit ${PLAYER_EXIT:-0}
"""


@pytest.fixture
def without_ros2_bag() -> None:
    if is_installed("ros2bag"):
        pytest.skip("ros2bag is installed here")


@pytest.mark.usefixtures("without_ros2_bag")
def test_the_sample_bag_with_default_arguments_is_answered_and_all_ends_with_it(
    launch: Launch, tiny_bundle: ModelBundle
) -> None:
    running = launch("replay.launch.py", f"bag:={SAMPLE}", f"model:={tiny_bundle.folder}", "rviz:=false")
    assert running.wait(110.0) == 0
    assert "the bag's camera: /camera/color/image_raw (compressed), /camera/color/camera_info" in running.output
    assert "ros2 bag is not installed" in running.output
    assert "waiting for images on /camera/color/image_raw/compressed" in running.output
    assert "messages published" in running.output
    assert "no image for" not in running.output


def test_a_bag_that_is_not_there_is_one_line_and_starts_nothing(launch: Launch, tmp_path: Path) -> None:
    running = launch("replay.launch.py", f"bag:={tmp_path / 'nowhere'}")
    assert running.wait() == 1
    assert "nowhere" in running.output
    assert "process started" not in running.output


@pytest.mark.parametrize(("exit_code", "words"), [("0", ""), ("3", "the player ended with exit code 3")])
def test_ros2_bag_plays_where_it_is_installed_and_its_failure_is_launchs(
    launch: Launch, prefix: Path, tmp_path: Path, tiny_bundle: ModelBundle, exit_code: str, words: str
) -> None:
    add_package(prefix, "ros2bag")
    program = tmp_path / "bin" / "ros2"
    program.parent.mkdir()
    program.write_text(FAKE_ROS2)
    program.chmod(0o755)
    arguments = ("loop:=true", "rate:=0.5", "rviz:=false", f"model:={tiny_bundle.folder}")
    path = f"{program.parent}:/usr/bin:/bin"
    running = launch("replay.launch.py", f"bag:={SAMPLE}", *arguments, PATH=path, PLAYER_EXIT=exit_code)
    assert running.wait() == (1 if words else 0)
    assert f"played with: bag play {SAMPLE} --clock --delay 3.0 --rate 0.5 --loop" in running.output
    assert words in running.output
