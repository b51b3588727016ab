"""Files and folders that are whole or not there, with many writers and with failing ones."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from redwood_depth.files import write_whole
from training.data.whole_files import remove_leftover, whole_folder


def test_a_failure_leaves_what_was_there_before(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with whole_folder(tmp_path / "a") as partial:
            (partial / "x").write_text(text)
        assert (tmp_path / "a" / "x").read_text() == text
    with pytest.raises(FileNotFoundError), whole_folder(tmp_path / "a") as partial:
        (partial / "nowhere" / "x").write_text("third")
    assert (tmp_path / "a" / "x").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_many_writers_of_one_folder_wait_for_each_other(tmp_path: Path) -> None:
    def write(number: int) -> None:
        with whole_folder(tmp_path / "a") as partial:
            for name in "xyz":
                (partial / name).write_text(str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(200)))
    assert len({path.read_text() for path in (tmp_path / "a").iterdir()}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_leftover_is_removed_unless_somebody_still_writes(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "a") as partial:
        (partial / "x").write_text("x")
        remove_leftover(tmp_path / "a")
    assert (tmp_path / "a" / "x").exists()
    (tmp_path / ".a.partial").mkdir()
    remove_leftover(tmp_path / "a")
    remove_leftover(tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_text_is_replaced_as_a_whole(tmp_path: Path) -> None:
    for text in ("one", "two"):
        write_whole(tmp_path / "a.json", text)
        assert (tmp_path / "a.json").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
