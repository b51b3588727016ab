"""Files of a recording that are compressed, as a whole or message by message, and what is not read at all."""

import gzip
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lz4.frame
import numpy as np
import pytest
import zstandard
from bag_samples import rgbd_messages, write_compressed_bag, write_sqlite_bag
from recording_samples import FRAMES, WRITERS, Write, messages, read
from rosbags.rosbag2 import CompressionMode, StoragePlugin

from redwood_depth.bags.driver_messages import COLOR_TOPIC
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.storage import temporary
from redwood_depth.errors import BagError


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
