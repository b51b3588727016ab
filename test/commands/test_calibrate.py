"""calibrate: a factor where a fixed one helps, and nothing written where it does not."""

import json
from pathlib import Path

import numpy as np
import pytest
from bag_samples import CAMERA, color_pixels, depth_pixels, rgbd_messages, write_bag

from redwood_depth.bags import driver_messages
from redwood_depth.bundle import ModelBundle
from redwood_depth.commands import evaluate_bag
from redwood_depth.commands.calibrate import main
from redwood_depth.evaluation.predictor import ModelPredictor
from redwood_depth.images.decode import ColorImage

BRIGHTNESS = 60


@pytest.fixture
def predicted_m(tiny_bundle: ModelBundle) -> float:
    """What the tiny bundle says of a gray image of the sample camera."""
    with ModelPredictor(tiny_bundle, "onnxruntime") as predictor:
        image = ColorImage(color_pixels(BRIGHTNESS))
        return float(np.median(predictor._estimator.predict(image, CAMERA).depth_m))


def bag_of(path: Path, depths_m: list[float]) -> Path:
    depths = [depth_pixels(round(1000 * depth_m)) for depth_m in depths_m]
    return write_bag(path, rgbd_messages(len(depths), depths, brightness=BRIGHTNESS))


def abs_rel(bag: Path, model: Path, tmp_path: Path) -> float:
    assert evaluate_bag.main([str(bag), "--model", str(model), "--json", str(tmp_path / "scores.json")]) == 0
    return float(json.loads((tmp_path / "scores.json").read_text())["abs_rel"])


def test_a_constant_factor_is_written_and_evaluate_bag_uses_it(
    tiny_bundle: ModelBundle, predicted_m: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = bag_of(tmp_path / "desk", [0.4 * predicted_m] * 10)
    output = tmp_path / "mine"
    assert main([str(bag), "--model", str(tiny_bundle.folder), "--output", str(output)]) == 0
    said = capsys.readouterr().out
    assert "10 frames; held out in turn: 5 stretches of time" in said
    assert f"{output}: factor 0.400" in said
    record = json.loads((output / "model.json").read_text())["calibration"]
    assert record["fitted_on"][0]["name"] == "desk"
    assert record["abs_rel_after"] < 0.01 < record["abs_rel_before"]
    assert (output / "model.onnx").read_bytes() == tiny_bundle.model_path.read_bytes()
    assert abs_rel(bag, output, tmp_path) < 0.01
    assert abs_rel(bag, tiny_bundle.folder, tmp_path) == pytest.approx(1.5, abs=0.01)


def test_calibrating_again_begins_from_the_model_itself_and_reset_takes_it_back(
    tiny_bundle: ModelBundle, predicted_m: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag, mine = bag_of(tmp_path / "desk", [0.4 * predicted_m] * 10), str(tmp_path / "mine")
    assert main([str(bag), "--model", str(tiny_bundle.folder), "--output", mine]) == 0
    assert main([str(bag), "--model", mine, "--output", mine]) == 0
    assert "factor 0.400" in capsys.readouterr().out
    assert main(["--reset", "--model", mine, "--output", mine]) == 0
    assert "no calibration (was: factor 0.400" in capsys.readouterr().out
    assert ModelBundle.load(mine).calibration is None


def test_a_scale_that_changes_is_left_alone(
    tiny_bundle: ModelBundle, predicted_m: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = bag_of(tmp_path / "drive", [factor * predicted_m for factor in (0.8, 1.0, 1.25) * 3])
    output = tmp_path / "mine"
    assert main([str(bag), "--model", str(tiny_bundle.folder), "--output", str(output)]) == 1
    assert "a fixed factor would not help" in capsys.readouterr().err
    assert not output.exists()


def test_a_slope_over_two_recordings(tiny_bundle: ModelBundle, tmp_path: Path) -> None:
    """Depth ** 0.8 * 0.9: no factor alone is right at 1.5 m and at 6 m, in bags that hold both."""
    with ModelPredictor(tiny_bundle, "onnxruntime") as predictor:
        pixels = np.linspace(20, 200, 24 * 32).reshape(24, 32, 1).repeat(3, 2).astype(np.uint8)
        pred_m = predictor._estimator.predict(ColorImage(pixels), CAMERA).depth_m
    depth = np.rint(1000 * 0.9 * pred_m**0.8).astype(np.uint16)
    bags = []
    for name in ("one", "two"):
        messages = []
        for index in range(4):
            stamp_us = 1_000_000 + 33_333 * index
            messages += [
                (driver_messages.COLOR_INFO_TOPIC, driver_messages.camera_info(CAMERA, stamp_us)),
                (driver_messages.COLOR_TOPIC, driver_messages.image(pixels, "rgb8", stamp_us)),
                (driver_messages.DEPTH_TOPIC, driver_messages.image(depth, "16UC1", stamp_us)),
            ]
        bags.append(str(write_bag(tmp_path / name, messages)))
    output = tmp_path / "mine"
    assert main([*bags, "--slope", "--model", str(tiny_bundle.folder), "--output", str(output)]) == 0
    calibration = ModelBundle.load(output).calibration
    assert calibration is not None
    assert calibration.scale.log_slope == pytest.approx(0.8, abs=0.02)
    assert calibration.scale.factor == pytest.approx(0.9, rel=0.03)


def test_a_wall_at_a_known_distance(tiny_bundle: ModelBundle, predicted_m: float, tmp_path: Path) -> None:
    """Bags without depth images: two walls, each with its distance."""
    bags = []
    for name in ("near", "far"):
        messages = [one for one in rgbd_messages(4, brightness=BRIGHTNESS) if one[0] != driver_messages.DEPTH_TOPIC]
        bags.append(str(write_bag(tmp_path / name, messages)))
    distance = f"{1.25 * predicted_m:.4f}"
    output = tmp_path / "mine"
    arguments = [*bags, "--distance", distance, "--model", str(tiny_bundle.folder), "--output", str(output)]
    assert main(arguments) == 0
    calibration = ModelBundle.load(output).calibration
    assert calibration is not None
    assert calibration.scale.factor == pytest.approx(1.25, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a recording, or --reset"),
        (["BAG", "--reset"], "name a recording, or --reset"),
        (["BAG", "--distance", "1", "2"], "2 distances for 1 recordings"),
        (["BAG", "--distance", "1", "--camera-height", "1"], "choose one"),
        (["BAG", "--slope"], "--slope needs at least two"),
        (["BAG", "--camera-height", "0.3"], "the model sees no floor 0.3 m below the camera"),
        (["no_such_bag"], "no bag at no_such_bag"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    tiny_bundle: ModelBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    bag = bag_of(tmp_path / "bag", [2.0] * 4)
    given = [str(bag) if one == "BAG" else one for one in arguments]
    assert main([*given, "--model", str(tiny_bundle.folder), "--output", str(tmp_path / "mine")]) == 1
    assert words in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag", "bundle"]


def test_an_output_that_exists_is_not_overwritten(tiny_bundle: ModelBundle, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    bag = bag_of(tmp_path / "bag", [2.0] * 4)
    assert main([str(bag), "--model", str(tiny_bundle.folder), "--output", str(tmp_path / "mine")]) == 1
    assert not list((tmp_path / "mine").iterdir())


@pytest.mark.parametrize("region", ["0.1,0.2,0.3", "0.5,0,0.4,1", "0,0,2,1", "a,b,c,d"])
def test_a_region_that_is_not_one(region: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["bag", "--distance", "1", "--region", region, "--output", str(tmp_path / "mine")])
