"""Files that change, vanish or cannot be written while the node runs."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from bench.harness.life_cycle_services import ACTIVATE, CLEANUP, CONFIGURE, DEACTIVATE, change
from bench.harness.ros import Client, NodeProcess, camera_info, gray_image, header_at
from bench.harness.tiny_bundle import write_tiny_bundle
from redwood_depth.bundle import DESCRIPTION_FILE, ModelBundle

pytestmark = pytest.mark.usefixtures("ros_domain")


def _swap(bundle: ModelBundle) -> None:
    """Another model under the old description, as a copy that was interrupted between its two files."""
    other = write_tiny_bundle(bundle.folder.parent / "other", height=48, width=64)
    shutil.copy(other.model_path, bundle.model_path)


DAMAGES: dict[str, tuple[Callable[[ModelBundle], None], str]] = {
    "swapped": (_swap, "is not the model that model.json describes"),
    "truncated": (lambda bundle: os.truncate(bundle.model_path, 100), "is not the model that model.json describes"),
    "deleted": (lambda bundle: bundle.model_path.unlink(), "No such file"),
    "description cut": (lambda bundle: os.truncate(bundle.folder / DESCRIPTION_FILE, 40), "is not JSON"),
    "all deleted": (lambda bundle: shutil.rmtree(bundle.folder), "no model bundle at"),
}


def test_a_model_that_changes_under_the_node_is_found_out_at_the_next_configure(tiny_bundle: ModelBundle) -> None:
    """What runs goes on running; configure refuses what is damaged, and takes it again when it is mended."""
    kept = tiny_bundle.folder.with_name("kept")
    shutil.copytree(tiny_bundle.folder, kept)
    with NodeProcess("files", model=tiny_bundle.folder) as process, Client("files") as client:
        client.wait_for_node()
        for damage, words in DAMAGES.values():
            client.ask_until_answered(gray_image(header_at(1), 100), camera_info(header_at(1)))
            damage(tiny_bundle)
            client.ask_until_answered(gray_image(header_at(2), 100), camera_info(header_at(2)))
            assert change(client, DEACTIVATE)
            assert change(client, CLEANUP)
            said = len(process.output)
            assert not change(client, CONFIGURE)
            client.wait_until(lambda since=said, words=words: words in process.output[since:], what=words)
            shutil.copytree(kept, tiny_bundle.folder, dirs_exist_ok=True)
            assert change(client, CONFIGURE)
            assert change(client, ACTIVATE)
        client.ask_until_answered(gray_image(header_at(3), 100), camera_info(header_at(3)))
        assert "Traceback" not in process.output


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system on which not one byte is free."""
    folder = tmp_path / "full"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        fill = os.open(folder / "fill", os.O_WRONLY | os.O_CREAT)
        assert os.write(fill, bytes(1 << 20)) < 1 << 20  # as much as fits
        os.close(fill)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=False)


def test_a_full_disk_for_home_cache_and_log(
    tiny_bundle: ModelBundle, full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HOME", "XDG_CACHE_HOME", "ROS_LOG_DIR"):
        monkeypatch.setenv(variable, str(full_disk))
    with NodeProcess("full", model=tiny_bundle.folder) as process, Client("full") as client:
        client.wait_for_node()
        client.ask_until_answered(gray_image(header_at(1), 100), camera_info(header_at(1)))
        assert process.stop() == 0
        assert "Traceback" not in process.output


def test_a_home_that_cannot_be_written(tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """ROS itself refuses to start without a place for its log: one line, with the remedy, which helps."""
    monkeypatch.setenv("HOME", "/dev/null/home")
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/cache")
    process = NodeProcess("home", model=tiny_bundle.folder)
    assert process.wait_for_end() == 1
    assert "set ROS_LOG_DIR to a folder that can be written" in process.output
    assert "Traceback" not in process.output
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    with NodeProcess("home", model=tiny_bundle.folder) as process, Client("home") as client:
        client.wait_for_node()
        client.ask_until_answered(gray_image(header_at(1), 100), camera_info(header_at(1)))
        assert process.stop() == 0
        assert "Traceback" not in process.output
