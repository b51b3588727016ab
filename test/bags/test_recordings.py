"""Which files a recording is made of: split, missing, renamed, overlapping in time, compressed as a whole."""

import gzip
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lz4.frame
import numpy as np
import pytest
import zstandard
from bag_samples import rgbd_messages, write_bag, write_compressed_bag, write_sqlite_bag
from mcap_samples import stamped, write_mcap
from rosbags.rosbag2 import CompressionMode, StoragePlugin
from ruamel.yaml import YAML

from redwood_depth.bags.driver_messages import COLOR_INFO_TOPIC, COLOR_TOPIC, DEPTH_TOPIC
from redwood_depth.bags.pairs import RgbdReader
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.storage import temporary
from redwood_depth.bags.topics import find_rgbd_topics
from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.evaluate_bag import main
from redwood_depth.errors import BagError
from redwood_depth.rgbd import RgbdFrame

FRAMES = 12
Write = Callable[[Path, Sequence[tuple[str, Any]]], Path]
WRITERS = pytest.mark.parametrize("write", [write_bag, write_sqlite_bag])


def messages() -> list[tuple[str, Any]]:
    depths = [np.random.default_rng(i).integers(500, 4000, (24, 32), np.uint16) for i in range(FRAMES)]
    return rgbd_messages(FRAMES, depths)


def read(path: Path) -> tuple[list[RgbdFrame], str | None, list[str]]:
    with Bag.open(path) as bag:
        pairs = list(RgbdReader(bag, find_rgbd_topics(bag)))
        return pairs, bag.damage, bag.warnings


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
@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize("mode", [CompressionMode.MESSAGE, CompressionMode.FILE])
def test_a_storage_file_of_a_compressed_bag_is_a_bag_by_itself(
    tmp_path: Path, storage: StoragePlugin, mode: CompressionMode
) -> None:
    bag = write_compressed_bag(tmp_path / "bag", messages(), storage, mode)
    (file,) = [file for file in bag.iterdir() if file.suffix != ".yaml"]
    assert (file.suffix == ".zstd") == (mode == CompressionMode.FILE)
    pairs, damage, warnings = read(file)
    assert (len(pairs), damage, warnings) == (FRAMES, None, [])


def test_messages_compressed_with_lz4_are_read(tmp_path: Path) -> None:
    """As a compression plugin other than rosbag2's own writes them."""
    file = write_sqlite_bag(tmp_path / "bag", messages()) / "bag.db3"
    with sqlite3.connect(file) as database:
        for key, data in database.execute("SELECT id, data FROM messages").fetchall():
            database.execute("UPDATE messages SET data = ? WHERE id = ?", (lz4.frame.compress(data), key))
    database.close()
    assert len(read(file)[0]) == FRAMES


@WRITERS
def test_a_bag_is_read_in_another_thread_than_it_was_opened_in(tmp_path: Path, write: Write) -> None:
    with Bag.open(write(tmp_path / "bag", messages())) as bag, ThreadPoolExecutor(1) as pool:
        assert len(pool.submit(list, bag.messages([COLOR_TOPIC])).result()) == FRAMES
        assert bag.damage is None


@WRITERS
@pytest.mark.parametrize(
    ("suffix", "compress"),
    [(".zst", zstandard.compress), (".lz4", lz4.frame.compress), (".zstd", zstandard.ZstdCompressor(3).compress)],
)
def test_files_that_people_compressed_are_found_under_their_names(
    tmp_path: Path, write: Write, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    bag = write(tmp_path / "bag", messages())
    (file,) = [file for file in bag.iterdir() if file.suffix != ".yaml"]
    packed = file.with_name(file.name + suffix)
    packed.write_bytes(compress(file.read_bytes()))
    file.unlink()
    for path in (bag, packed):
        pairs, damage, warnings = read(path)
        assert (len(pairs), damage, warnings) == (FRAMES, None, [])


def test_a_file_that_was_decompressed_since_is_found(tmp_path: Path) -> None:
    bag = write_compressed_bag(tmp_path / "bag", messages(), StoragePlugin.MCAP, CompressionMode.FILE)
    packed = bag / "bag.mcap.zstd"
    (bag / "bag.mcap").write_bytes(zstandard.ZstdDecompressor().stream_reader(packed.read_bytes()).read())
    packed.unlink()
    pairs, damage, warnings = read(bag)
    assert (len(pairs), damage, warnings) == (FRAMES, None, [])


@WRITERS
def test_a_compressed_file_that_is_cut_off_gives_what_comes_before(tmp_path: Path, write: Write) -> None:
    depths = [np.random.default_rng(i).integers(500, 4000, (240, 320), np.uint16) for i in range(40)]
    bag = write(tmp_path / "bag", rgbd_messages(40, depths))
    (file,) = [file for file in bag.iterdir() if file.suffix != ".yaml"]
    packed = tmp_path / (file.name + ".zstd")
    packed.write_bytes(zstandard.compress(file.read_bytes()))
    packed.write_bytes(packed.read_bytes()[: packed.stat().st_size * 6 // 10])
    pairs, damage, _ = read(packed)
    assert 10 <= len(pairs) < 40
    assert damage is not None
    assert f"{packed.name} is cut off or damaged" in damage


def test_copies_are_removed_and_never_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    bag = write_compressed_bag(tmp_path / "bag", messages(), StoragePlugin.MCAP, CompressionMode.FILE)
    with Bag.open(bag):
        assert list((tmp_path / "tmp").rglob("bag.mcap"))
    monkeypatch.setattr(temporary, "_SPARE_BYTES", 1 << 62)
    with pytest.raises(BagError, match=r"no room for bag.mcap in .*tmp: set TMPDIR to a folder of a larger disk"):
        Bag.open(bag)
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bag.mcap.gz", gzip.compress(b"x"), "gunzip it first"),
        ("bag.zip", b"PK\x03\x04rest", "unzip it first"),
        ("bag.mcap", b"BZh91AY", "bunzip2 it first"),
        ("bag.txt", b"text", r"is not an MCAP, SQLite \(.db3\) or ROS 1 \(.bag\) file"),
        ("bag.mcap", b"", "bag.mcap is empty"),
        ("bag.db3.zstd", zstandard.compress(b""), "bag.db3 is empty"),
    ],
)
def test_what_is_not_read_is_named_with_its_remedy_and_not_called_damaged(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BagError, match=words) as caught:
        Bag.open(tmp_path / name)
    assert "damage" not in str(caught.value)
    assert "corrupt" not in str(caught.value)


def test_the_kind_of_a_file_is_told_by_its_bytes(tmp_path: Path) -> None:
    """librealsense gives its SQLite files any ending, and its ROS 1 bags too."""
    file = write_sqlite_bag(tmp_path / "bag", messages()) / "bag.db3"
    shutil.copy(file, tmp_path / "recording.bag")
    assert len(read(tmp_path / "recording.bag")[0]) == FRAMES
    shutil.copy(file, tmp_path / "recording")
    assert len(read(tmp_path / "recording")[0]) == FRAMES


def test_damage_and_the_rest_are_told_together(tmp_path: Path) -> None:
    files = split(tmp_path / "run", write_bag, [messages()[:12], messages()[12:24], messages()[24:]])
    files[0].unlink()
    with files[2].open("r+b") as file:
        file.truncate(files[2].stat().st_size * 9 // 10)
    _, damage, _ = read(tmp_path / "run")
    assert damage is not None
    assert "not there: run_0.mcap; run_2.mcap" in damage
