"""doctor tells what is there and what is missing."""

from pathlib import Path

import pytest

from redwood_depth.bundle import ModelBundle
from redwood_depth.commands import doctor
from redwood_depth.commands.checks import large_images
from redwood_depth.commands.checks.cv_bridge import check_cv_bridge
from redwood_depth.node.dds import profile_variable


def test_it_names_versions_model_and_backend(tiny_bundle: ModelBundle, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")
    assert doctor.main([str(tiny_bundle.folder), "--no-images"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for words in (
        "ok    rclpy",
        "ok    onnxruntime",
        "ok    model",
        "ok    backend onnxruntime",
        "ok    node",
    ):
        assert any(line.startswith(words) for line in lines), words
    assert any("; compared with ONNX Runtime in float: depth differs by 0.00%" in line for line in lines)
    assert any("car, trash container, bicycle; threshold 0.2" in line for line in lines)
    assert lines[-1] == "doctor: the node can run here"


def test_packages_of_ros_are_looked_for_where_ros_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ament_index_python", reason="needs ROS 2")
    index = tmp_path / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    (index / "rviz2").touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    monkeypatch.setattr(doctor, "check_node_start", lambda: ("ok", "node", "not tried here"))
    doctor.main(["--no-images"])
    output = capsys.readouterr().out
    assert f"ok    rviz2                  in {tmp_path}" in output
    assert "note  ros2bag                missing, needed for the clock of replay.launch.py" in output


@pytest.mark.parametrize(
    ("boost", "words"),
    [
        ("getCvType = None", None),
        ("raise ImportError('A module that was compiled using NumPy 1.x cannot be run in NumPy 2.4.6')", "numpy<2"),
        ("raise AttributeError('_ARRAY_API not found')", "was compiled with NumPy 1 and fails with the NumPy"),
        ("import os; os.abort()", "does not load beside NumPy"),
    ],
)
def test_cv_bridge_is_judged_by_what_happens_with_the_numpy_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boost: str, words: str | None
) -> None:
    (tmp_path / "cv_bridge" / "boost").mkdir(parents=True)
    (tmp_path / "cv_bridge" / "__init__.py").touch()
    (tmp_path / "cv_bridge" / "boost" / "cv_bridge_boost.py").write_text(boost)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = check_cv_bridge()
    assert (found is None) == (words is None)
    assert words is None or (found is not None and found[0] == "note" and words in found[2])


def test_a_missing_model_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main([str(tmp_path), "--no-images"]) == 1
    assert "FAIL  model" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("RMW_IMPLEMENTATION", "rmw_cyclonedds_cpp", "rmw-cyclonedds-cpp, or unset RMW_IMPLEMENTATION"),
        ("RMW_IMPLEMENTATION", "rmw_nowhere_cpp", "or unset RMW_IMPLEMENTATION"),
        ("ROS_DOMAIN_ID", "kitchen", "ROS_DOMAIN_ID is not an integral number"),
        ("ROS_LOG_DIR", "/proc/nowhere", "log"),
    ],
)
def test_a_shell_in_which_the_node_does_not_start_is_a_failure(
    ros_domain: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    words: str,
) -> None:
    monkeypatch.setenv(variable, value)
    assert doctor.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith("FAIL  node "))
    assert words in line
    assert "does not start as this shell is set up" in line
    assert not any("images over DDS" in line for line in lines)
    assert lines[-1] == "doctor: something the node needs is missing (FAIL above)"


def test_images_between_processes_are_tried_and_the_remedy_named(
    ros_domain: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    state, _, detail = large_images.check_large_images()
    assert state == "ok", detail
    deaf = tmp_path / "udp_small.xml"  # no shared memory, and a socket buffer that holds no image
    deaf.write_text(
        '<profiles xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles"><transport_descriptors>'
        "<transport_descriptor><transport_id>udp</transport_id><type>UDPv4</type>"
        "<receiveBufferSize>65536</receiveBufferSize></transport_descriptor></transport_descriptors>"
        '<participant profile_name="p" is_default_profile="true"><rtps><userTransports><transport_id>udp</transport_id>'
        "</userTransports><useBuiltinTransports>false</useBuiltinTransports></rtps></participant></profiles>"
    )
    monkeypatch.setenv(profile_variable(), str(deaf))
    state, _, detail = large_images.check_large_images()
    assert state == "note"
    assert f"export {profile_variable()}" in detail
