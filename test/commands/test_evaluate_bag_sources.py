"""evaluate_bag on recorded topics, scans and labels of many bags; what it writes; comparisons."""

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from bag_samples import HEIGHT, WIDTH, depth_pixels, rgbd_messages, write_bag

from redwood_depth.bags import driver_messages
from redwood_depth.bags.reader import Bag
from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.evaluate_bag import main

# The tiny bundle turns a brightness of 51 into 0.5 + 8 * 51 / 255 = 2.1 m.
DEPTHS = [depth_pixels(2000), depth_pixels(2200), depth_pixels(2500)]
TOPIC = "/other_network/depth"


@pytest.fixture
def model(tiny_bundle: ModelBundle) -> list[str]:
    return ["--model", str(tiny_bundle.folder)]


def run(tmp_path: Path, *arguments: object) -> dict[str, Any]:
    target = tmp_path / "scores.json"
    assert main([*map(str, arguments), "--json", str(target)]) == 0
    return dict(json.loads(target.read_text()))


def with_predictions(pixels: np.ndarray, encoding: str, late_us: int = 4000) -> list[tuple[str, Any]]:
    """RGB-D messages, and a depth topic of another network that stamps its images a little later."""
    messages = rgbd_messages(3, DEPTHS)
    for topic, message in list(messages):
        if "color/image_raw" in topic:
            stamp_us = message.header.stamp.sec * 1_000_000 + message.header.stamp.nanosec // 1000 + late_us
            messages.append((TOPIC, driver_messages.image(pixels, encoding, stamp_us)))
    return messages


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (HEIGHT // 2, WIDTH // 2)])
def test_a_recorded_topic_of_another_network_is_scored(tmp_path: Path, size: tuple[int, int]) -> None:
    bag = write_bag(tmp_path / "bag", with_predictions(np.full(size, 2200, np.uint16), "16UC1"))
    result = run(tmp_path, bag, "--predictions", TOPIC)
    assert result["frames"] == 3
    assert result["mae"] == pytest.approx((0.2 + 0.0 + 0.3) / 3, abs=1e-5)
    assert result["model"]["name"] == TOPIC
    assert list(result["baselines"]) == ["best_constant"]
    assert result["bags"][0]["topics"]["depth"] != TOPIC
    assert "latency_ms" not in result
    assert result["bags"][0]["warnings"] == []


def test_millimeters_as_meters_are_called_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = write_bag(tmp_path / "bag", with_predictions(np.full((HEIGHT, WIDTH), 2200.0, np.float32), "32FC1"))
    run(tmp_path, bag, "--predictions", TOPIC)
    assert "predicted depth is 1000 times the true depth" in capsys.readouterr().err


def test_truth_in_another_unit_is_called_so(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tenths = write_bag(tmp_path / "tenths", rgbd_messages(3, [depth_pixels(40_000)] * 3))
    assert main([str(tenths), *model]) == 1
    error = capsys.readouterr().err
    assert "the ground truth is 40 m on median" in error
    assert "16UC1 in millimeters" in error


def test_a_prediction_topic_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = write_bag(tmp_path / "bag", rgbd_messages(2))
    assert main([str(bag), "--predictions", "/nowhere"]) == 1
    error = capsys.readouterr().err
    assert "has no depth topic /nowhere; it has: /camera" in error
    assert len(error.splitlines()) == 1


def test_what_is_written_can_be_scored_again(tmp_path: Path, model: list[str]) -> None:
    bag = write_bag(tmp_path / "bag", rgbd_messages(3, DEPTHS, brightness=51))
    first = run(tmp_path, bag, *model, "--write", tmp_path / "written")
    with Bag.open(tmp_path / "written") as written:
        counts = {topic.name.removeprefix("/evaluation/"): topic.count for topic in written.topics}
    names = ("image/compressed", "true_depth", "predicted_depth", "relative_error", "camera_info", "classification")
    assert counts == dict.fromkeys(names, 3)
    again = run(tmp_path, tmp_path / "written", "--predictions", "/evaluation/predicted_depth")
    assert again["abs_rel"] == pytest.approx(first["abs_rel"], abs=1e-6)


def test_scans_are_taken_as_bags_are(tmp_path: Path, model: list[str]) -> None:
    scan = tmp_path / "scan"
    for kind in ("rgb", "depth"):
        (scan / kind).mkdir(parents=True)
    for index in range(1, 4):
        name = f"{index:07d}-{index * 33_333:012d}"
        cv2.imwrite(str(scan / "rgb" / f"{name}.jpg"), np.full((48, 64, 3), 51, np.uint8))
        cv2.imwrite(str(scan / "depth" / f"{name}.png"), np.full((48, 64), 2000, np.uint16))
    bag = write_bag(tmp_path / "bag", rgbd_messages(2, DEPTHS, brightness=51))
    result = run(tmp_path, scan, bag, *model, "--csv", tmp_path / "frames.csv")
    assert [one["bag"] for one in result["bags"]] == [str(scan), str(bag)]
    assert [one["frames"] for one in result["bags"]] == [3, 2]
    assert result["bags"][0]["focal_corrected"] == 3
    rows = list(csv.DictReader((tmp_path / "frames.csv").read_text("utf-8").splitlines()))
    assert [row["bag"] for row in rows] == [str(scan)] * 3 + [str(bag)] * 2
    assert float(rows[0]["mae"]) == pytest.approx(result["bags"][0]["per_frame"]["mae"][0], abs=1e-6)
    assert "score bicycle" in rows[0]


def test_labels_of_many_bags(tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    # The tiny bundle scores a gray image alike for all classes: the first one, car, is the answer.
    bags = [write_bag(tmp_path / name, rgbd_messages(2, DEPTHS, brightness=200)) for name in ("a", "b", "c", "d")]
    labels = tmp_path / "labels.csv"
    labels.write_text("# bag, class\na, car\n\nb, bicycle\nc.mcap, none\n")
    result = run(tmp_path, *bags, *model, "--labels", labels)["class"]
    assert (result["frames"], result["accuracy"]) == (6, pytest.approx(1 / 3))
    assert result["confusion"]["true"] == ["car", "trash container", "bicycle", "none"]
    assert result["confusion"]["frames"] == [[2, 0, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0], [2, 0, 0, 0]]
    assert result["per_class"]["car"]["precision"] == pytest.approx(1 / 3)
    labels.write_text("a, cat\n")
    assert main([str(bags[0]), *model, "--labels", str(labels)]) == 1
    assert "knows no class 'cat', only car, trash container, bicycle" in capsys.readouterr().err
    labels.write_text("a\n")
    assert main([str(bags[0]), *model, "--labels", str(labels)]) == 1
    assert "line 1: 'a': expected a bag and its class" in capsys.readouterr().err


def test_bundles_and_results_are_compared(tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    bag = write_bag(tmp_path / "bag", with_predictions(np.full((HEIGHT, WIDTH), 2230, np.uint16), "16UC1"))
    run(tmp_path, bag, "--predictions", TOPIC)
    (tmp_path / "scores.json").rename(tmp_path / "topic.json")
    page = tmp_path / "compare.html"
    result = run(tmp_path, bag, "--compare", model[1], tmp_path / "topic.json", "--report", page)
    assert result["frames"] == 3
    assert result["model_b"]["name"] == TOPIC
    assert result["scores"]["mae"]["better"] == "b"
    assert "frames in common" in capsys.readouterr().out
    text = page.read_text("utf-8")
    assert "Paired differences" in text
    assert TOPIC in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rate", "2"], "--rate is the pace of --live"),
        (["--live", "--predictions", "/x"], "choose one"),
        (["--label", "car", "--labels", "x.csv"], "choose one"),
        (["second_bag", "--write", "w"], "--write makes one bag of one bag"),
        (["--compare", "a", "b", "--write", "w"], "--compare gives a table"),
        (["--labels", "/nowhere/x.csv"], "cannot read the labels"),
    ],
)
def test_options_that_contradict_each_other(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main([*model, str(tmp_path / "bag"), *options]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_no_bag_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    assert "name a bag" in capsys.readouterr().err
