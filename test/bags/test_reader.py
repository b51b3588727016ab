"""Reading bags: both storages, damaged ones, choice of topics, pairing by stamp."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import (
    CAMERA,
    PERIOD_US,
    color_pixels,
    cut,
    depth_pixels,
    rgbd_messages,
    write_bag,
    write_compressed_bag,
    write_sqlite_bag,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import CompressionMode, StoragePlugin

from redwood_depth.bags import driver_messages
from redwood_depth.bags.message_types import IMAGE, RawMessage, deserialize, header_stamp_ns, typestore
from redwood_depth.bags.pairs import RgbdReader
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import find_rgbd_topics
from redwood_depth.errors import BagError
from redwood_depth.rgbd import RgbdFrame

WRITERS = pytest.mark.parametrize("write", [write_bag, write_sqlite_bag])


def read_pairs(path: Path) -> tuple[list[RgbdFrame], RgbdReader, str | None]:
    with Bag.open(path) as bag:
        reader = RgbdReader(bag, find_rgbd_topics(bag))
        pairs = list(reader)
        return pairs, reader, bag.damage


@WRITERS
def test_pairs_of_a_bag(tmp_path: Path, write: Any) -> None:
    pairs, reader, damage = read_pairs(write(tmp_path / "bag", rgbd_messages(5)))
    assert (len(pairs), reader.paired, reader.unpaired_color, reader.unpaired_depth, reader.corrupt) == (5, 5, 0, 0, 0)
    assert damage is None
    assert [pair.depth_stamp_ns - pair.color_stamp_ns for pair in pairs] == [4_000_000] * 5
    assert [pair.color_stamp_ns for pair in pairs] == [(1_000_000 + i * PERIOD_US) * 1000 for i in range(5)]
    assert pairs[0].intrinsics == CAMERA
    assert pairs[0].color.rgb().tolist() == color_pixels(100).tolist()
    expected = depth_pixels(2000) / np.float32(1000)
    np.testing.assert_allclose(pairs[0].depth_m, np.where(expected > 0, expected, np.nan))


@WRITERS
def test_a_storage_file_is_a_bag_by_itself(tmp_path: Path, write: Any) -> None:
    folder = write(tmp_path / "bag", rgbd_messages(4))
    (file,) = [file for file in folder.iterdir() if file.suffix != ".yaml"]
    assert len(read_pairs(file)[0]) == 4
    (folder / "metadata.yaml").unlink()
    pairs, _, damage = read_pairs(folder)
    assert len(pairs) == 4
    assert damage is None


@WRITERS
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_bag_gives_what_is_readable_and_says_so(tmp_path: Path, write: Any, share: float) -> None:
    depths = [np.random.default_rng(i).integers(500, 4000, (240, 320), np.uint16) for i in range(40)]
    path = write(tmp_path / "bag", rgbd_messages(40, depths))
    cut(path, share)
    pairs, _, damage = read_pairs(path)
    assert 40 * share - 9 <= len(pairs) <= 40 * share + 1
    assert damage is not None
    assert "\n" not in damage
    for i, pair in enumerate(pairs):
        assert pair.depth_m[3, 3] == np.float32(depths[i][3, 3]) * np.float32(0.001)


@WRITERS
@pytest.mark.parametrize("share", [0.0, 0.001])
def test_a_bag_with_nothing_readable_is_an_error(tmp_path: Path, write: Any, share: float) -> None:
    path = write(tmp_path / "bag", rgbd_messages(3))
    cut(path, share)
    with pytest.raises(BagError, match="cannot read the bag") as caught:
        Bag.open(path)
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_to_the_bytes_of_a_bag_raises_anything_but_a_bag_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    write = data.draw(st.sampled_from([write_bag, write_sqlite_bag]))
    folder = write(tmp_path_factory.mktemp("fuzz") / "bag", rgbd_messages(3))
    file = data.draw(st.sampled_from(sorted(folder.iterdir())))
    content = bytearray(file.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20)):
        content[at] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    with suppress(BagError):
        read_pairs(folder)


@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize("mode", [CompressionMode.MESSAGE, CompressionMode.FILE, CompressionMode.STORAGE])
def test_compressed_bags_are_read(tmp_path: Path, storage: StoragePlugin, mode: CompressionMode) -> None:
    if (storage, mode) == (StoragePlugin.SQLITE3, CompressionMode.STORAGE):
        pytest.skip("there is no such thing")
    depths = [np.random.default_rng(i).integers(500, 4000, (240, 320), np.uint16) for i in range(20)]
    path = write_compressed_bag(tmp_path / "bag", rgbd_messages(20, depths), storage, mode)
    pairs, _, damage = read_pairs(path)
    assert (len(pairs), damage) == (20, None)
    if mode != CompressionMode.FILE:  # zstd over a whole file cannot be entered in the middle
        cut(path, 0.8)
        pairs, reader, damage = read_pairs(path)
        assert len(pairs) >= 8
        assert reader.corrupt == 0
        assert damage is not None


def test_a_damaged_chunk_costs_only_itself(tmp_path: Path) -> None:
    depths = [np.random.default_rng(i).integers(500, 4000, (480, 640), np.uint16) for i in range(12)]
    path = write_bag(tmp_path / "bag", rgbd_messages(12, depths))
    file = cut(path, 0.99)  # no index
    content = bytearray(file.read_bytes())
    at = content.index(depths[4].tobytes()[:64])
    content[at - 200_000 : at - 199_000] = bytes([255]) * 1000
    file.write_bytes(content)
    pairs, reader, damage = read_pairs(path)
    assert damage is not None
    assert len(pairs) + reader.corrupt >= 8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no bag at"),
        (lambda path: path.mkdir(), "no metadata.yaml, and there is no .mcap, .db3 or .bag file"),
        (lambda path: path.write_text("text"), "cannot read the bag"),
    ],
)
def test_what_is_no_bag_is_a_bag_error(tmp_path: Path, make: Any, message: str) -> None:
    make(tmp_path / "thing")
    with pytest.raises(BagError, match=message):
        Bag.open(tmp_path / "thing")


def test_header_stamps_are_read_in_both_byte_orders() -> None:
    message = driver_messages.image(np.zeros((1, 1), np.uint16), "16UC1", 12_345_678)
    for little in (True, False):
        data = bytes(typestore().serialize_cdr(message, IMAGE, little_endian=little))
        assert header_stamp_ns(RawMessage("/t", IMAGE, 0, data)) == 12_345_678_000
        assert deserialize(RawMessage("/t", IMAGE, 0, data)).encoding == "16UC1"
    for data in (b"", b"\0\1\0\0\1\2", b"\7\7" + bytes(40)):
        with pytest.raises(BagError, match="corrupt"):
            header_stamp_ns(RawMessage("/t", IMAGE, 0, data))
