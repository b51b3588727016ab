"""The one way to write a file: whole or not at all, where links lead, and into devices and pipes as they are."""

import os
import stat
import threading
from pathlib import Path

import pytest

from redwood_depth.files import whole_path, write_whole


@pytest.mark.parametrize("content", ["näher\n", b"\x00\xff"])
def test_a_file_is_replaced_as_a_whole_and_its_folder_made(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "new" / "a.json"
    for _ in range(2):
        write_whole(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert [file.name for file in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("target", ["results/real.json", "../outside.json"])
def test_a_link_stays_and_what_it_points_to_is_written(tmp_path: Path, target: str) -> None:
    (tmp_path / "in" / "results").mkdir(parents=True)
    link = tmp_path / "in" / "link.json"
    link.symlink_to(target)
    write_whole(link, "new")
    assert link.is_symlink()
    assert (link.parent / target).read_text() == "new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_text()))
    reader.start()
    write_whole(pipe, "through")
    reader.join(30)
    assert found == ["through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
@pytest.mark.parametrize(("content", "size"), [("x" * 10, "10 bytes"), ("x" * 2_500_000, "2.5 MB")])
def test_a_full_disk_names_file_and_size_and_a_device_stays_one(content: str, size: str) -> None:
    with pytest.raises(OSError, match=f"No space left on device; {size} were to be written: '/dev/full'"):
        write_whole(Path("/dev/full"), content)
    assert Path("/dev/full").is_char_device()


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "old")

    def fail() -> None:
        with whole_path(path) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(OSError, match="were to be written"):
        write_whole(path / "below" / "a file", "x")
