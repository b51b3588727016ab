"""Launch files, parameters file, RViz layout and DDS profile: right names, and what `launch` makes of them."""

import os
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from redwood_depth.node.dds import PROFILE_VARIABLES, profile_variable, use_shared_memory_profile

ROOT = Path(__file__).resolve().parents[2]


def test_the_parameters_file_holds_the_defaults() -> None:
    pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")
    from redwood_depth.node.parameters import Parameters

    content = yaml.safe_load((ROOT / "config" / "perception.yaml").read_text())
    assert content == {"/**": {"ros__parameters": asdict(Parameters())}}


def test_rviz_shows_image_preview_depth_and_cloud() -> None:
    layout = yaml.safe_load((ROOT / "config" / "perception.rviz").read_text())
    displays = layout["Visualization Manager"]["Displays"]
    topics = {display["Topic"]["Value"] for display in displays if "Topic" in display}
    assert topics == {"/image", "/preview/image", "/depth/image", "/depth/points"}


def test_the_profile_holds_images_and_a_users_own_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*PROFILE_VARIABLES, "RMW_IMPLEMENTATION"):
        monkeypatch.delenv(variable, raising=False)
    profile = use_shared_memory_profile()
    assert profile is not None
    space = {"dds": "http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles"}
    segment = ElementTree.parse(profile).findtext(".//dds:segment_size", namespaces=space)
    assert int(segment or 0) >= 10 * 640 * 480 * 3
    assert os.environ[profile_variable()] == profile
    monkeypatch.delenv(profile_variable())
    monkeypatch.setenv(PROFILE_VARIABLES[1], "mine.xml")
    assert use_shared_memory_profile() == "mine.xml"
    assert PROFILE_VARIABLES[0] not in os.environ
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_cyclonedds_cpp")
    assert use_shared_memory_profile() is None


@pytest.mark.parametrize("name", ["perception.launch.py", "replay.launch.py"])
def test_launch_files_load(name: str) -> None:
    pytest.importorskip("launch_ros.actions", reason="needs launch and launch_ros, which exist with ROS from apt only")
    from launch.actions import DeclareLaunchArgument
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    description = get_launch_description_from_python_launch_file(str(ROOT / "launch" / name))
    declared = {entity.name for entity in description.entities if isinstance(entity, DeclareLaunchArgument)}
    assert {"model", "backend", "image_topic", "image_transport", "namespace", "rviz"} <= declared
    assert ("bag" if name.startswith("replay") else "params_file") in declared
