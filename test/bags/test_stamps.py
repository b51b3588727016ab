"""Stamps that tell images apart or not: unset, constant, repeated, of another clock."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import PERIOD_US, rgbd_messages

from redwood_depth.bags.driver_messages import COLOR_INFO_TOPIC, COLOR_TOPIC, DEPTH_TOPIC
from redwood_depth.bags.pairs import RgbdReader
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import RgbdTopics
from redwood_depth.bags.writer import BagWriter
from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.evaluate_bag import main
from redwood_depth.errors import BagError
from redwood_depth.rgbd import RgbdFrame

FRAMES = 40
LOST_DEPTH = 3  # of this frame on, pairing by position is a frame off
START_NS = 1_700_000_000_000_000_000
Stamp = Callable[[int, int], int]  # (index, right stamp in ns) -> what the driver wrote


def right(index: int, stamp_ns: int) -> int:
    return stamp_ns


def write(path: Path, color: Stamp = right, depth: Stamp = right, logged: Stamp = right, frames: int = FRAMES) -> Path:
    """A bag whose depth is 1 m + 10 mm a frame; it lacks one depth image. Logged 30 ms after exposure."""
    depths = [np.full((24, 32), 1000 + 10 * i, np.uint16) for i in range(frames)]
    indexes = dict.fromkeys((COLOR_TOPIC, DEPTH_TOPIC, COLOR_INFO_TOPIC), -1)
    with BagWriter(path) as writer:
        for topic, message in rgbd_messages(frames, depths):
            indexes[topic] += 1
            at_ns = START_NS + message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
            stamp_ns = {COLOR_TOPIC: color, DEPTH_TOPIC: depth}.get(topic, right)(indexes[topic], at_ns)
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
            if topic == COLOR_TOPIC:
                message.data[:2] = divmod(indexes[topic], 256)
            if (topic, indexes[topic]) != (DEPTH_TOPIC, LOST_DEPTH):
                writer.write(topic, message, logged(indexes[topic], at_ns + 30_000_000))
    return path


def read(path: Path) -> tuple[list[RgbdFrame], list[str]]:
    with Bag.open(path) as bag:
        reader = RgbdReader(bag, RgbdTopics(COLOR_TOPIC, DEPTH_TOPIC, COLOR_INFO_TOPIC))
        return list(reader), reader.warnings


def frames_apart(pairs: list[RgbdFrame]) -> set[int]:
    """By how many frames depth is off its color image, over all pairs."""
    return {round(100 * (pair.depth_m[0, 0] - 1)) - int(pair.color.rgb()[0, 0, 1]) for pair in pairs}


def unset(index: int, stamp_ns: int) -> int:
    return 0


def constant(index: int, stamp_ns: int) -> int:
    return START_NS


def whole_seconds(index: int, stamp_ns: int) -> int:
    return stamp_ns - stamp_ns % 1_000_000_000


def tenths(index: int, stamp_ns: int) -> int:
    return stamp_ns - stamp_ns % 100_000_000


def every_third(index: int, stamp_ns: int) -> int:
    return START_NS + index // 3 * 3 * PERIOD_US * 1000


def since_boot(index: int, stamp_ns: int) -> int:
    return stamp_ns - START_NS + 77_000_000_000


def half_a_second_ahead(index: int, stamp_ns: int) -> int:
    return stamp_ns + 500_000_000


def leap_seconds_ahead(index: int, stamp_ns: int) -> int:
    return stamp_ns + 37_000_000_000


@pytest.mark.parametrize(
    ("color", "depth", "words"),
    [
        (unset, right, "the color images have no stamp"),
        (right, unset, "the depth images have no stamp"),
        (unset, unset, "the color images have no stamp"),
        (constant, constant, "the color images have one and the same stamp (1700000000.000 s)"),
        (right, constant, "the depth images have one and the same stamp"),
        (whole_seconds, whole_seconds, "the color images have one and the same stamp (1700000001.000 s)"),
        (tenths, tenths, "the stamps of the color images repeat"),
        (right, every_third, "the stamps of the depth images repeat (6 different ones in 16 images)"),
        (right, since_boot, "of different clocks"),
        (leap_seconds_ahead, right, "of different clocks (37.0 s apart"),
        (right, half_a_second_ahead, "of different clocks (0.5 s apart"),
    ],
)
def test_stamps_that_tell_nothing_give_way_to_the_time_of_logging(
    tmp_path: Path, color: Stamp, depth: Stamp, words: str
) -> None:
    pairs, warnings = read(write(tmp_path / "bag", color, depth))
    assert len(pairs) == FRAMES - 1
    assert frames_apart(pairs) == {0}
    (warning,) = warnings
    assert words in warning
    assert "paired by the time of logging" in warning


@pytest.mark.parametrize("both", [right, since_boot, half_a_second_ahead, leap_seconds_ahead])
def test_stamps_of_one_clock_pair_without_a_word(tmp_path: Path, both: Stamp) -> None:
    pairs, warnings = read(write(tmp_path / "bag", both, both))
    assert (len(pairs), frames_apart(pairs), warnings) == (FRAMES - 1, {0}, [])


def test_a_recording_that_begins_at_zero_has_a_frame_at_zero(tmp_path: Path) -> None:
    def from_zero(index: int, stamp_ns: int) -> int:
        return stamp_ns - START_NS - 1_000_000_000

    pairs, warnings = read(write(tmp_path / "bag", from_zero, from_zero))
    assert (pairs[0].color_stamp_ns, len(pairs), warnings) == (0, FRAMES - 1, [])


def test_a_simulator_that_is_slower_than_the_clock_pairs_without_a_word(tmp_path: Path) -> None:
    def slow(index: int, stamp_ns: int) -> int:
        return (stamp_ns - START_NS) // 3

    pairs, warnings = read(write(tmp_path / "bag", slow, slow))
    assert (len(pairs), frames_apart(pairs), warnings) == (FRAMES - 1, {0}, [])


def test_depth_that_is_computed_for_half_a_second_pairs_without_a_word(tmp_path: Path) -> None:
    messages = {COLOR_TOPIC: 0, DEPTH_TOPIC: 500_000_000}
    with BagWriter(tmp_path / "bag") as writer:
        for topic, message in rgbd_messages(FRAMES):
            stamp = message.header.stamp
            writer.write(topic, message, stamp.sec * 1_000_000_000 + stamp.nanosec + messages.get(topic, 0))
    pairs, warnings = read(tmp_path / "bag")
    assert (len(pairs), warnings) == (FRAMES, [])


def test_a_clock_that_may_be_wrong_is_named_and_nothing_guessed(tmp_path: Path) -> None:
    """Three seconds may be a slow network, or two machines' clocks: the stamps are kept."""
    pairs, warnings = read(write(tmp_path / "bag", depth=lambda index, ns: ns - 3_000_000_000, frames=150))
    assert frames_apart(pairs) == {90}
    (warning,) = warnings
    assert "3.0 s apart where they were logged together" in warning


def previous(index: int, stamp_ns: int) -> int:
    return stamp_ns - PERIOD_US * 1000


@pytest.mark.parametrize(("wrong", "words"), [(unset, "have no stamp"), (previous, "have the stamp of an earlier one")])
def test_single_images_without_a_stamp_of_their_own_are_left_out_and_said(
    tmp_path: Path, wrong: Stamp, words: str
) -> None:
    def color(index: int, stamp_ns: int) -> int:
        return wrong(index, stamp_ns) if index % 10 == 5 else stamp_ns

    pairs, warnings = read(write(tmp_path / "bag", color))
    assert frames_apart(pairs) == {0}
    assert len(pairs) == FRAMES - 1 - 4
    assert [f"4 images {words}" in warning for warning in warnings] == [True]


def test_stamps_that_get_stuck_half_way_pair_nothing_more(tmp_path: Path) -> None:
    def stuck(index: int, stamp_ns: int) -> int:
        return stamp_ns - max(index - 60, 0) * PERIOD_US * 1000

    pairs, warnings = read(write(tmp_path / "bag", stuck, stuck, frames=100))
    assert len(pairs) == 60
    assert frames_apart(pairs) == {0}
    assert any("78 images have the stamp of an earlier one" in warning for warning in warnings)


def test_a_loop_that_was_recorded_has_the_same_stamps_again_and_no_word(tmp_path: Path) -> None:
    messages = [entry for _ in range(4) for entry in rgbd_messages(40)]
    with BagWriter(tmp_path / "bag") as writer:
        for index, (topic, message) in enumerate(messages):
            writer.write(topic, message, START_NS + index * 11_111_111)
    pairs, warnings = read(tmp_path / "bag")
    assert (len(pairs), warnings) == (160, [])


@pytest.mark.parametrize("wrong", [unset, constant])
def test_without_any_time_there_is_an_error(tmp_path: Path, wrong: Stamp) -> None:
    with pytest.raises(BagError, match=r"the times of logging repeat.*record with header.stamp"):
        read(write(tmp_path / "bag", wrong, right, logged=constant))


def test_evaluate_bag_says_it(tmp_path: Path, tiny_bundle: ModelBundle, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write(tmp_path / "bag", unset)), "--model", str(tiny_bundle.folder)]) == 0
    captured: Any = capsys.readouterr()
    assert "the color images have no stamp (header.stamp is 0)" in captured.out + captured.err
