"""Training's commands killed at random moments; python -m bench.training_kills does it fifty times."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.harness.scan_files import scan_members, write_folder, write_zip
from bench.training_kills import JOBS, Job, try_kills
from training.__main__ import main

ROOT = Path(__file__).parents[3]


def test_prepare_is_killed_and_completed(tmp_path: Path) -> None:
    result = try_kills("prepare", 15, seed=4, folder=tmp_path)
    assert result.faults == []
    assert result.kills == 15
    assert result.resumed >= 1


def test_synthesize_is_killed_and_completed(tmp_path: Path) -> None:
    pytest.importorskip("mitsuba", reason="needs the renderer")
    result = try_kills("synthesize", 1, seed=1, folder=tmp_path)
    assert result.faults == []
    assert result.resumed >= 1


def test_a_command_that_leaves_half_a_file_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in that writes in place, slowly, and takes half a file for a finished one."""
    program = (
        "import pathlib, sys, time\n"
        "path = pathlib.Path(sys.argv[-1], 'image.npy')\n"
        "path.parent.mkdir(exist_ok=True)\n"
        "if not path.exists():\n"
        "    with path.open('wb', buffering=0) as file:\n"
        "        for _ in range(50):\n"
        "            file.write(b'x'); time.sleep(0.02)\n"
    )
    monkeypatch.setitem(JOBS, "careless", Job(lambda folder, output: [str(output)]))
    monkeypatch.setattr(
        "bench.training_kills._start",
        lambda job, folder, output: subprocess.Popen(
            [sys.executable, "-c", program, *job.arguments(folder, output)], start_new_session=True
        ),
    )
    result = try_kills("careless", 3, seed=0, folder=tmp_path)
    assert any("image.npy" in fault for fault in result.faults)


@pytest.fixture
def full_disk(tmp_path: Path) -> Path:
    """A file system with 200 KB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=False)


def test_a_real_full_disk_is_one_line_and_more_room_completes_it(
    full_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for index in range(4):
        write_folder(tmp_path / "scans" / "car" / f"{index}", scan_members(10))
    arguments = ["prepare", str(tmp_path / "scans"), "--output", str(full_disk / "data"), "--jobs", "1"]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert "No space left on device; make room and run again" in error
    assert error.count("\n") == 1
    subprocess.run(["mount", "-o", "remount,size=20m", str(full_disk)], check=True)
    assert main(arguments) == 0
    assert "4" in capsys.readouterr().out


def test_unreadable_scans_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken link, a folder in the place of an image, a zip cut in half: named, and the good scan is prepared."""
    scans = tmp_path / "scans" / "car"
    write_folder(scans / "good", scan_members(5))
    write_zip(scans / "cut.zip", scan_members(5))
    whole = (scans / "cut.zip").read_bytes()
    (scans / "cut.zip").write_bytes(whole[: len(whole) // 2])
    folder = write_folder(scans / "links", scan_members(5))
    for image in (folder / "rgb").iterdir():
        image.unlink()
        image.symlink_to("/nowhere/image.jpg")
    folder = write_folder(scans / "folders", scan_members(5))
    for image in (folder / "depth").iterdir():
        image.unlink()
        image.mkdir()
    assert main(["prepare", str(tmp_path / "scans"), "--output", str(tmp_path / "data"), "--jobs", "1"]) == 0
    error = capsys.readouterr().err
    assert "Traceback" not in error
    for name in ("cut", "links", "folders"):
        assert f"failed: car/{name}: " in error
