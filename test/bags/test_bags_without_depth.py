"""Bags that hold color alone: their class is scored where it is known; without a label an error says what is there."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from bag_samples import depth_pixels, rgbd_messages, write_bag

from redwood_depth.bags.reader import Bag
from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.evaluate_bag import main


@pytest.fixture
def model(tiny_bundle: ModelBundle) -> list[str]:
    return ["--model", str(tiny_bundle.folder)]


def color_bag(path: Path, brightness: int = 200) -> Path:
    """Three frames; the tiny bundle's answer to bright gray is "car", to dark gray none of its classes."""
    return write_bag(path, [entry for entry in rgbd_messages(3, brightness=brightness) if "depth" not in entry[0]])


def run(tmp_path: Path, *arguments: object) -> dict[str, Any]:
    target = tmp_path / "scores.json"
    assert main([*map(str, arguments), "--json", str(target)]) == 0
    return dict(json.loads(target.read_text()))


@pytest.mark.parametrize(("brightness", "label", "accuracy"), [(200, "car", 1), (200, "bicycle", 0), (5, "none", 1)])
def test_the_class_alone_is_scored(
    tmp_path: Path,
    model: list[str],
    capsys: pytest.CaptureFixture[str],
    brightness: int,
    label: str,
    accuracy: float,
) -> None:
    page, rows = tmp_path / "r.html", tmp_path / "frames.csv"
    outputs = ["--report", page, "--csv", rows]
    result = run(tmp_path, color_bag(tmp_path / "bag", brightness), *model, "--label", label, *outputs)
    assert (result["frames"], result["class"]["frames"], result["class"]["accuracy"]) == (0, 3, accuracy)
    assert result["class"]["answered"] == (1.0 if brightness == 200 else 0.0)
    assert "no depth image topic; it has: /camera/color/camera_info" in result["depth_not_scored"]
    assert not {"abs_rel", "scaled", "baselines", "by_distance"} & {*result, *result["bags"][0]}
    assert "depth was not scored: the bag has no depth image topic" in capsys.readouterr().out
    text = page.read_text("utf-8")
    assert "Depth was not scored" in text
    assert "Confusion" in text
    assert "Error by distance" not in text
    assert len(list(csv.DictReader(rows.read_text().splitlines()))) == 3


def test_a_bag_with_depth_beside_it_keeps_its_scores(tmp_path: Path, model: list[str]) -> None:
    whole = write_bag(tmp_path / "whole", rgbd_messages(2, [depth_pixels(2000)] * 2, brightness=200))
    bags = color_bag(tmp_path / "color"), whole
    result = run(tmp_path, *bags, *model, "--label", "car", "--report", tmp_path / "r.html")
    assert result["depth_not_scored"] == "1 of 2 bags have no depth topic"
    assert (result["frames"], result["class"]["frames"]) == (2, 5)
    assert result["mae"] == result["bags"][1]["mae"]
    assert "color: depth was not scored" in (tmp_path / "r.html").read_text("utf-8")


def test_what_is_written_has_no_truth(tmp_path: Path, model: list[str]) -> None:
    run(tmp_path, color_bag(tmp_path / "bag"), *model, "--label", "car", "--write", tmp_path / "written")
    with Bag.open(tmp_path / "written") as written:
        names = {topic.name.removeprefix("/evaluation/") for topic in written.topics}
    assert names == {"image/compressed", "predicted_depth", "camera_info", "classification"}


def test_without_a_label_the_error_lists_the_topics(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(color_bag(tmp_path / "bag")), *model]) == 1
    error = capsys.readouterr().err
    assert "has no depth image topic; it has: /camera/color/camera_info (sensor_msgs/msg/CameraInfo, 3)" in error
    assert "with a label (--label) its class can be scored" in error
    assert len(error.splitlines()) == 1


def test_depth_that_nobody_scored_cannot_be_compared(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, color_bag(tmp_path / "bag"), *model, "--label", "car")
    scores = str(tmp_path / "scores.json")
    assert main(["--compare", scores, scores]) == 1
    assert "A and B scored no depth frame by frame" in capsys.readouterr().err
