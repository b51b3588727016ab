"""What bags that are not as they should be get: words that say it, and the rest of them scored."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import HEIGHT, WIDTH, depth_pixels, rgbd_messages, write_bag
from rosbags.rosbag2 import StoragePlugin, Writer

from redwood_depth.bags import driver_messages
from redwood_depth.bags.message_types import IMAGE, typestore
from redwood_depth.bags.writer import BagWriter
from redwood_depth.errors import BagError
from redwood_depth.evaluation.scoring import EvaluationOptions, evaluate_bag
from redwood_depth.evaluation.summary import Subject, summarize_bag
from redwood_depth.prediction import Prediction
from redwood_depth.rgbd import RgbdFrame


def two_meters(pair: RgbdFrame) -> Prediction:
    return Prediction(np.full(pair.depth_m.shape, 2.0, np.float32), np.zeros(0, np.float32))


def shifted(messages: list[tuple[str, Any]], seconds: int) -> list[tuple[str, Any]]:
    for _, message in messages:
        message.header.stamp.sec += seconds
    return messages


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_clocks_that_jump_lose_no_pair(tmp_path: Path, seconds: int) -> None:
    before = shifted(rgbd_messages(4), 10_000)
    after = shifted(rgbd_messages(4), 10_000 + seconds)
    with BagWriter(tmp_path / "bag") as writer:  # logged one after the other, whatever the stamps say
        for index, (topic, message) in enumerate(before + after):
            writer.write(topic, message, index * 1_000_000)
    evaluation = evaluate_bag(tmp_path / "bag", two_meters)
    assert len(evaluation.frames) == 8
    if seconds < 0:
        result = summarize_bag(evaluation, Subject(), EvaluationOptions())
        assert any("stamps go back" in warning for warning in result.warnings)


def test_a_change_of_resolution_is_scored_and_said(tmp_path: Path) -> None:
    small = rgbd_messages(2)
    large = shifted(rgbd_messages(2, [np.full((2 * HEIGHT, 2 * WIDTH), 2000, np.uint16)] * 2), 1)
    evaluation = evaluate_bag(write_bag(tmp_path / "bag", small + large), two_meters)
    result = summarize_bag(evaluation, Subject(), EvaluationOptions())
    assert result.summary.frames == 4
    assert [entry.depth for entry in result.sizes] == [[HEIGHT, WIDTH], [2 * HEIGHT, 2 * WIDTH]]
    assert result.warnings == ["the size of the images changes within the bag: 2 sizes"]


def test_a_compressed_format_that_nobody_knows_is_counted(tmp_path: Path) -> None:
    messages = []
    for topic, message in rgbd_messages(3):
        if topic == "/camera/color/image_raw":
            stamp_us = message.header.stamp.sec * 1_000_000 + message.header.stamp.nanosec // 1000
            topic, message = f"{topic}/compressed", driver_messages.compressed_color(b"no image", stamp_us)
        messages.append((topic, message))
    bag = write_bag(tmp_path / "bag", messages)
    with pytest.raises(BagError, match="scored: 3 images that cannot be read, the first because: not a JPEG"):
        evaluate_bag(bag, two_meters)


def test_a_compression_of_depth_that_nobody_knows_is_named(tmp_path: Path) -> None:
    messages = [entry for entry in rgbd_messages(3) if "aligned" not in entry[0]]
    for index in range(3):
        message = driver_messages.compressed_depth(b"no image", 1_000_000 + index * 33_333)
        message.format = "16UC1; compressedDepth zstd"
        messages.append((f"{driver_messages.DEPTH_TOPIC}/compressedDepth", message))
    with pytest.raises(BagError, match="unknown compressed depth format '16UC1; compressedDepth zstd'"):
        evaluate_bag(write_bag(tmp_path / "bag", messages), two_meters)


def test_messages_that_cannot_be_read_are_named_and_the_bag_is_not_whole(tmp_path: Path) -> None:
    messages = rgbd_messages(4)
    next(message for topic, message in messages if topic == driver_messages.COLOR_TOPIC).encoding = "strange"
    evaluation = evaluate_bag(write_bag(tmp_path / "bag", messages), two_meters)
    assert len(evaluation.frames) == 3
    assert not evaluation.complete
    damage = summarize_bag(evaluation, Subject(), EvaluationOptions()).damage
    assert "1 messages cannot be read, the first because: unknown color encoding 'strange'" in damage


def test_clocks_that_never_meet_are_named_with_the_evidence(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", rgbd_messages(3, depth_late_us=3_600_000_000))
    with pytest.raises(BagError, match=r"the nearest are 3599\.933 s apart, 20 ms at most would do"):
        evaluate_bag(bag, two_meters)


@pytest.mark.parametrize("topic", [None, driver_messages.COLOR_TOPIC])
def test_a_bag_without_messages_is_called_empty(tmp_path: Path, topic: str | None) -> None:
    writer = Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP)
    with writer:
        if topic:
            writer.add_connection(topic, IMAGE, typestore=typestore())
    with pytest.raises(BagError, match="is empty: it holds no message"):
        evaluate_bag(tmp_path / "bag", two_meters)


@pytest.mark.parametrize("suffix", ["mcap", "db3"])
def test_an_empty_file_is_called_so(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"bag.{suffix}").touch()
    with pytest.raises(BagError, match=rf"bag\.{suffix} is empty"):
        evaluate_bag(tmp_path / f"bag.{suffix}", two_meters)


def test_a_depth_topic_of_an_unknown_encoding_is_shown_with_it(tmp_path: Path) -> None:
    messages = rgbd_messages(2)
    for topic, message in messages:
        if topic == driver_messages.DEPTH_TOPIC:
            message.encoding = "disparity16"
    with pytest.raises(BagError, match=r"has no depth image topic; .*aligned_depth_to_color/image_raw 'disparity16'"):
        evaluate_bag(write_bag(tmp_path / "bag", messages), two_meters)


def test_depth_in_range_has_no_warning(tmp_path: Path) -> None:
    evaluation = evaluate_bag(write_bag(tmp_path / "bag", rgbd_messages(2, [depth_pixels(1500)] * 2)), two_meters)
    assert summarize_bag(evaluation, Subject(), EvaluationOptions()).warnings == []


def test_tenths_of_millimeters_that_lie_half_in_range_are_called_so(tmp_path: Path) -> None:
    slope = np.tile(np.linspace(3000, 30_000, WIDTH).astype(np.uint16), (HEIGHT, 1))
    evaluation = evaluate_bag(write_bag(tmp_path / "bag", rgbd_messages(2, [slope] * 2)), two_meters)
    (warning,) = summarize_bag(evaluation, Subject(), EvaluationOptions()).warnings
    assert "the ground truth is 13.5 m on median" in warning
