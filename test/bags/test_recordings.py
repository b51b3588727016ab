"""Which files a recording is made of: split, missing, renamed, overlapping in time, compressed as a whole."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from bag_samples import write_bag, write_sqlite_bag
from mcap_samples import stamped, write_mcap
from recording_samples import FRAMES, WRITERS, Write, messages, read
from ruamel.yaml import YAML

from redwood_depth.bags.driver_messages import COLOR_INFO_TOPIC, COLOR_TOPIC, DEPTH_TOPIC
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.storage import temporary
from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.evaluate_bag import main
from redwood_depth.errors import BagError


def split(folder: Path, write: Write, parts: Sequence[Sequence[tuple[str, Any]]]) -> list[Path]:
    """A recording of several files, with the metadata that rosbag2 would write."""
    folder.mkdir(parents=True)
    metadata: dict[str, Any] = {}
    files = []
    for number, part in enumerate(parts):
        bag = write(folder / f"part_{number}", part)
        (file,) = [file for file in bag.iterdir() if file.suffix != ".yaml"]
        files.append(folder / f"run_{number}{file.suffix}")
        file.rename(files[-1])
        metadata = YAML(typ="safe").load((bag / "metadata.yaml").read_text())
        shutil.rmtree(bag)
    information = metadata["rosbag2_bagfile_information"]
    information["relative_file_paths"] = [file.name for file in files]
    information["message_count"] = sum(len(part) for part in parts)
    YAML(typ="safe").dump(metadata, folder / "metadata.yaml")
    return files


@WRITERS
@pytest.mark.parametrize(
    "deal",
    [
        lambda all_: [all_[:18], all_[18:]],
        lambda all_: [all_[18:], all_[:18]],  # numbers are not times
        lambda all_: [all_[0::3], all_[1::3], all_[2::3]],  # a topic a file
        lambda all_: [[m for i, m in enumerate(all_) if i // 3 % 2 == part] for part in (0, 1)],  # frames dealt out
    ],
    ids=["in turn", "reversed", "a topic a file", "dealt out"],
)
def test_the_files_of_a_recording_are_merged_by_time(tmp_path: Path, write: Write, deal: Any) -> None:
    split(tmp_path / "run", write, deal(messages()))
    pairs, damage, warnings = read(tmp_path / "run")
    assert (len(pairs), damage, warnings) == (FRAMES, None, [])
    assert all(pair.intrinsics is not None for pair in pairs)
    with Bag.open(tmp_path / "run") as bag:
        times = [message.timestamp_ns for message in bag.messages([COLOR_TOPIC, DEPTH_TOPIC, COLOR_INFO_TOPIC])]
    assert times == sorted(times)
    assert len(times) == 3 * FRAMES


def test_files_of_different_kinds_are_one_recording(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    color = [entry for entry in messages() if entry[0] != DEPTH_TOPIC]
    depth = [entry for entry in messages() if entry[0] == DEPTH_TOPIC]
    write_mcap(tmp_path / "run" / "color.mcap", stamped(color))
    shutil.move(write_sqlite_bag(tmp_path / "d", depth) / "d.db3", tmp_path / "run" / "depth.db3")
    pairs, damage, warnings = read(tmp_path / "run")
    assert (len(pairs), damage) == (FRAMES, None)
    assert "no metadata.yaml: read what lies there (color.mcap, depth.db3)" in warnings[0]


def test_of_files_one_after_another_only_one_is_begun(tmp_path: Path) -> None:
    files = split(tmp_path / "run", write_bag, [messages()[:18], messages()[18:]])
    with Bag.open(tmp_path / "run") as bag:
        found = bag.messages([COLOR_TOPIC])
        next(found)
        second = next(file for file in bag._files if file._name == files[1].name)  # type: ignore[attr-defined]
        assert not second._open  # type: ignore[attr-defined]
        assert len(list(found)) == FRAMES - 1


@WRITERS
@pytest.mark.parametrize("lost", [0, 1])
def test_a_file_that_is_named_and_not_there_is_damage(tmp_path: Path, write: Write, lost: int) -> None:
    files = split(tmp_path / "run", write, [messages()[:18], messages()[18:]])
    files[lost].unlink()
    pairs, damage, _ = read(tmp_path / "run")
    assert len(pairs) == FRAMES // 2
    assert damage == f"metadata.yaml names files that are not there: {files[lost].name}"


def test_evaluate_bag_scores_the_rest_and_fails(
    tmp_path: Path, tiny_bundle: ModelBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    files = split(tmp_path / "run", write_bag, [messages()[:18], messages()[18:]])
    files[1].unlink()
    assert main([str(tmp_path / "run"), "--model", str(tiny_bundle.folder)]) == 1
    captured = capsys.readouterr()
    assert "not there: run_1.mcap" in captured.out + captured.err
    assert f"{FRAMES // 2} frames" in captured.out


def test_a_renamed_file_is_not_found_and_both_names_are_said(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", messages())
    (bag / "bag.mcap").rename(bag / "monday.mcap")
    with pytest.raises(BagError, match=r"not there: bag.mcap; metadata.yaml does not name monday.mcap"):
        Bag.open(bag)


def test_a_file_that_is_not_named_is_left_out_and_said(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", messages())
    shutil.copy(bag / "bag.mcap", bag / "copy.mcap")
    pairs, damage, warnings = read(bag)
    assert (len(pairs), damage, warnings) == (FRAMES, None, ["metadata.yaml does not name copy.mcap: skipped"])


def test_fewer_messages_than_metadata_counts_are_said(tmp_path: Path) -> None:
    whole, half = write_bag(tmp_path / "whole", messages()), write_bag(tmp_path / "half", messages()[:18])
    shutil.copy(half / "half.mcap", whole / "whole.mcap")
    pairs, damage, warnings = read(whole)
    assert (len(pairs), damage) == (FRAMES // 2, None)
    assert warnings == ["metadata.yaml counts 36 messages, its files hold 18"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "metadata.yaml cannot be read (while parsing"),
        ("", "metadata.yaml cannot be read"),
        ("rosbag2_bagfile_information: {version: 5}", "metadata.yaml cannot be read ('relative_file_paths')"),
        ("rosbag2_bagfile_information: {relative_file_paths: []}", "metadata.yaml names no file"),
    ],
)
def test_why_a_bag_is_read_without_its_metadata_is_said(
    tmp_path: Path, tiny_bundle: ModelBundle, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    bag = write_bag(tmp_path / "bag", messages())
    (bag / "metadata.yaml").write_text(text)
    pairs, damage, warnings = read(bag)
    assert (len(pairs), damage) == (FRAMES, None)
    assert words in warnings[0]
    assert main([str(bag), "--model", str(tiny_bundle.folder)]) == 0
    captured = capsys.readouterr()
    assert words in captured.out + captured.err


@pytest.mark.parametrize(
    ("names", "gap"),
    [
        (("run_0.mcap", "run_2.mcap"), "run 1"),
        (("0_run_2026_11_27-10_00_00.mcap", "3_run_2026_11_27-10_05_00.mcap"), "run 1, 2"),
        (("run_0.mcap", "run_1.mcap"), None),
        (("run_7.mcap", "other.mcap"), None),
    ],
)
def test_gaps_between_the_numbers_of_files_are_said(tmp_path: Path, names: tuple[str, str], gap: str | None) -> None:
    for name, part in zip(names, (messages()[:18], messages()[18:]), strict=True):
        write_mcap(tmp_path / name, stamped(part))
    pairs, _, warnings = read(tmp_path)
    assert len(pairs) == FRAMES
    (warning,) = warnings
    assert warning.endswith(f"missing between them: {gap}") if gap else "missing" not in warning


def test_one_damaged_file_costs_the_others_nothing(tmp_path: Path) -> None:
    files = split(tmp_path / "run", write_bag, [messages()[:12], messages()[12:24], messages()[24:]])
    files[1].write_bytes(b"")
    pairs, damage, _ = read(tmp_path / "run")
    assert (len(pairs), damage) == (8, "run_1.mcap is empty")


# ------------------------------------------------------------------------------------------------ SQLite's logs
def write_beside(file: Path, mode: str, commit: bool) -> None:
    """Put the second half of the messages into SQLite's log, by a process that is then killed."""
    program = f"""
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("PRAGMA journal_mode = {mode}")
database.execute("PRAGMA wal_autocheckpoint = 0")
database.execute("PRAGMA cache_size = 1")
rows = database.execute("SELECT topic_id, timestamp, data FROM messages ORDER BY id").fetchall()
database.execute("DELETE FROM messages WHERE id > 18") if {commit} else None
database.commit()
database.executemany("INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)", rows[18:])
database.commit() if {commit} else None
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program, str(file)], check=True)


def test_what_is_in_the_log_alone_is_read_and_the_recording_left_as_it_is(tmp_path: Path) -> None:
    bag = write_sqlite_bag(tmp_path / "bag", messages())
    write_beside(bag / "bag.db3", "WAL", commit=True)
    before = {file.name: file.read_bytes() for file in bag.iterdir() if file.suffix != ".db3-shm"}
    assert len(before["bag.db3-wal"]) > 10_000
    for path in (bag, bag / "bag.db3"):
        pairs, damage, warnings = read(path)
        assert (len(pairs), damage) == (FRAMES, None)
        assert warnings == ["bag.db3-wal was read as well: the recording was killed, or is still going on"]
    assert {file.name: file.read_bytes() for file in bag.iterdir() if file.suffix != ".db3-shm"} == before


def test_a_transaction_that_was_broken_off_is_rolled_back(tmp_path: Path) -> None:
    """Its pages are in the file already; the journal has what was there before."""
    bag = write_sqlite_bag(tmp_path / "bag", messages())
    write_beside(bag / "bag.db3", "DELETE", commit=False)
    assert (bag / "bag.db3-journal").stat().st_size
    pairs, damage, warnings = read(bag)
    assert (len(pairs), damage) == (FRAMES, None)
    assert "bag.db3-journal was read as well" in warnings[0]


def test_a_log_that_cannot_be_read_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bag = write_sqlite_bag(tmp_path / "bag", messages())
    write_beside(bag / "bag.db3", "WAL", commit=True)
    monkeypatch.setattr(temporary, "_SPARE_BYTES", 1 << 62)
    pairs, damage, _ = read(bag)
    assert len(pairs) == FRAMES
    assert damage is not None
    assert damage.startswith("bag.db3-wal holds ")
    assert "were not read: no room for bag.db3" in damage
    assert "TMPDIR" in damage


def test_an_empty_log_is_no_news(tmp_path: Path) -> None:
    bag = write_sqlite_bag(tmp_path / "bag", messages())
    (bag / "bag.db3-wal").write_bytes(b"")
    assert read(bag)[1:] == (None, [])


# ------------------------------------------------------------------------------------------------ compressed


def test_damage_and_the_rest_are_told_together(tmp_path: Path) -> None:
    files = split(tmp_path / "run", write_bag, [messages()[:12], messages()[12:24], messages()[24:]])
    files[0].unlink()
    with files[2].open("r+b") as file:
        file.truncate(files[2].stat().st_size * 9 // 10)
    _, damage, _ = read(tmp_path / "run")
    assert damage is not None
    assert "not there: run_0.mcap; run_2.mcap" in damage
