"""evaluate_bag: table, JSON, exit codes; with a real engine and a bundle whose answers are known."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from bag_samples import cut, depth_pixels, rgbd_messages, write_bag, write_sqlite_bag

from redwood_depth.bundle import ModelBundle
from redwood_depth.commands import scans_to_bag
from redwood_depth.commands.evaluate_bag import main
from redwood_depth.evaluation.metrics import SCORE_NAMES

# The tiny bundle turns a brightness of 51 into 0.5 + 8 * 51 / 255 = 2.1 m.
DEPTHS = [depth_pixels(2100), depth_pixels(2100), depth_pixels(1900)]


@pytest.fixture
def model(tiny_bundle: ModelBundle) -> list[str]:
    return ["--model", str(tiny_bundle.folder)]


def test_table_and_json(tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    bag = write_bag(tmp_path / "bag", rgbd_messages(3, DEPTHS, brightness=51))
    target = tmp_path / "new" / "scores.json"
    assert main([str(bag), *model, "--json", str(target), "--label", "car"]) == 0
    captured = capsys.readouterr()
    result = json.loads(target.read_text())
    assert result["frames"] == 3
    assert result["mae"] == pytest.approx(0.2 / 3, abs=1e-3)
    assert {*SCORE_NAMES, "ssim"} < set(result)
    assert set(result["baselines"]) == {"best_constant", "training_median"}
    assert result["bags"][0]["bag"] == str(bag)
    assert result["bags"][0]["topics"]["camera_info"] == "/camera/color/camera_info"
    assert result["bags"][0]["label"] == "car"
    assert result["class"]["per_class"]["car"]["frames"] == 3
    assert [path.name for path in target.parent.iterdir()] == ["scores.json"]
    for word in (
        "median-scaled",
        "best constant",
        "training median",
        "2.100 m",
        "abs_rel",
        "delta3",
        "3 frames scored",
    ):
        assert word in captured.out
    assert captured.err == ""


def test_a_bad_bag_does_not_stop_the_others(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_sqlite_bag(tmp_path / "good", rgbd_messages(3, DEPTHS))
    lacking = write_bag(tmp_path / "lacking", [entry for entry in rgbd_messages(2) if "depth" not in entry[0]])
    code = main([str(tmp_path / "nowhere"), str(lacking), str(good), *model, "--json", str(tmp_path / "scores.json")])
    assert code == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "no bag at" in lines[0]
    assert "has no depth image topic; it has: /camera/color/camera_info (sensor_msgs/msg/CameraInfo, 2)" in lines[1]
    assert [bag["bag"] for bag in json.loads((tmp_path / "scores.json").read_text())["bags"]] == [str(good)]


def test_a_truncated_bag_is_scored_and_fails(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    depths = [np.random.default_rng(i).integers(500, 4000, (240, 320), np.uint16) for i in range(20)]
    bag = write_bag(tmp_path / "bag", rgbd_messages(20, depths))
    cut(bag, 0.7)
    assert main([str(bag), *model]) == 1
    captured = capsys.readouterr()
    assert "frames scored" in captured.out
    assert "was scored in part" in captured.err
    assert len(captured.err.splitlines()) == 1


def test_two_bags_are_shown_apart_and_together(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bags = [str(write_bag(tmp_path / name, rgbd_messages(2, DEPTHS))) for name in ("one", "two")]
    assert main([*bags, *model]) == 0
    output = capsys.readouterr().out
    assert output.count("2 frames scored") == 2
    assert output.count("4 frames scored") == 1


def test_topics_that_are_given_are_used(tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    names = {"depth": "/range_intensity", "color/image_raw": "/front", "camera_info": "/calibration"}
    messages = [
        (next(new for old, new in names.items() if old in topic), message) for topic, message in rgbd_messages(2)
    ]
    bag = str(write_bag(tmp_path / "bag", messages))
    topics = ["--image-topic", "/front", "--depth-topic", "/range_intensity", "--camera-info-topic", "/calibration"]
    assert main([bag, *model]) == 1
    assert main([bag, *model, *topics]) == 0
    captured = capsys.readouterr()
    assert "/front against /range_intensity" in captured.out
    assert "without calibration" not in captured.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label", "cat"], "knows no class 'cat', only car, trash container, bicycle"),
        (["--max-depth", "0.05"], "--max-depth must lie between 0.1 and 1000 m"),
        (["--max-depth", "nan"], "--max-depth must lie between"),
        (["--backend", "tensorrt"], "tensorrt"),
    ],
)
def test_bad_options_are_one_line(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main([str(tmp_path / "bag"), *model, *options]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("options", [[], ["--compressed"]])
def test_recorded_frames_give_finite_scores(
    tmp_path: Path, model: list[str], shared_data: Path, options: list[str]
) -> None:
    bag, target = str(tmp_path / "bag"), tmp_path / "scores.json"
    assert scans_to_bag.main([str(shared_data / "redwood_five"), "--output", bag, *options]) == 0
    assert main([bag, *model, "--json", str(target)]) == 0
    result = json.loads(target.read_text())
    assert result["frames"] == 5
    columns = (result, result["scaled"], *result["baselines"].values())
    assert all(math.isfinite(column[name]) for column in columns for name in SCORE_NAMES)


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "evaluate_bag car_bag --label car" in capsys.readouterr().out
