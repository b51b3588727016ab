"""What bags that are not as they should be get: words that say it, and the rest of them scored."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import HEIGHT, WIDTH, depth_pixels, rgbd_messages, write_bag

from redwood_depth import scan_messages
from redwood_depth.bag_pairs import RgbdPair
from redwood_depth.bag_writer import BagWriter
from redwood_depth.errors import BagError
from redwood_depth.evaluate import EvaluationOptions, evaluate_bag
from redwood_depth.prediction import Prediction
from redwood_depth.summary import Subject, summarize_bag


def two_metres(pair: RgbdPair) -> Prediction:
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
    evaluation = evaluate_bag(tmp_path / "bag", two_metres)
    assert len(evaluation.frames) == 8
    if seconds < 0:
        result = summarize_bag(evaluation, Subject(), EvaluationOptions())
        assert any("stamps go back" in warning for warning in result["warnings"])


def test_a_change_of_resolution_is_scored_and_said(tmp_path: Path) -> None:
    small = rgbd_messages(2)
    large = shifted(rgbd_messages(2, [np.full((2 * HEIGHT, 2 * WIDTH), 2000, np.uint16)] * 2), 1)
    evaluation = evaluate_bag(write_bag(tmp_path / "bag", small + large), two_metres)
    result = summarize_bag(evaluation, Subject(), EvaluationOptions())
    assert result["frames"] == 4
    assert [entry["depth"] for entry in result["sizes"]] == [[HEIGHT, WIDTH], [2 * HEIGHT, 2 * WIDTH]]
    assert result["warnings"] == ["the size of the images changes within the bag: 2 sizes"]


def test_a_compressed_format_that_nobody_knows_is_counted(tmp_path: Path) -> None:
    messages = []
    for topic, message in rgbd_messages(3):
        if topic == "/camera/color/image_raw":
            stamp_us = message.header.stamp.sec * 1_000_000 + message.header.stamp.nanosec // 1000
            topic, message = f"{topic}/compressed", scan_messages.compressed_color(b"no image", stamp_us)
        messages.append((topic, message))
    bag = write_bag(tmp_path / "bag", messages)
    with pytest.raises(BagError, match=r"no frame that can be scored: .*3 corrupt messages"):
        evaluate_bag(bag, two_metres)


def test_depth_in_range_has_no_warning(tmp_path: Path) -> None:
    evaluation = evaluate_bag(write_bag(tmp_path / "bag", rgbd_messages(2, [depth_pixels(1500)] * 2)), two_metres)
    assert summarize_bag(evaluation, Subject(), EvaluationOptions())["warnings"] == []


def test_tenths_of_millimetres_that_lie_half_in_range_are_called_so(tmp_path: Path) -> None:
    slope = np.tile(np.linspace(3000, 30_000, WIDTH).astype(np.uint16), (HEIGHT, 1))
    evaluation = evaluate_bag(write_bag(tmp_path / "bag", rgbd_messages(2, [slope] * 2)), two_metres)
    (warning,) = summarize_bag(evaluation, Subject(), EvaluationOptions())["warnings"]
    assert "the ground truth is 13.5 m on median" in warning
