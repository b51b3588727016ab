"""The bundle in the package: small, loadable, better than a constant in a kitchen it never saw, quiet about nothing."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.engines.onnxruntime import OnnxRuntimeEngine
from redwood_depth.estimator import Estimator
from redwood_depth.evaluation.baselines import DepthHistogram, best_constant_m, constant_scores
from redwood_depth.evaluation.metrics import depth_scores, valid_depth
from redwood_depth.images.decode import ColorImage
from redwood_depth.scans.redwood import RedwoodScan, decode_color, decode_depth


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    bundle = ModelBundle.load(DEMO_BUNDLE)
    return Estimator(bundle, OnnxRuntimeEngine(bundle, threads=2))


def test_it_is_small_and_says_what_it_is() -> None:
    bundle = ModelBundle.load(DEMO_BUNDLE)
    assert bundle.model_path.stat().st_size <= 20e6
    assert not any("red_kitchen" in name for name in bundle.trained_on)
    assert "red_kitchen" in str(bundle.scores)


def test_it_beats_the_best_constant_and_stays_quiet_in_an_unseen_kitchen(
    estimator: Estimator, shared_data: Path
) -> None:
    scores, truths, loudest = [], [], []
    with RedwoodScan.open(shared_data / "red_kitchen") as scan:
        for frame in scan.frames[::10]:
            color, depth_mm = decode_color(scan.color_bytes(frame)), decode_depth(scan.depth_bytes(frame))
            target_m = depth_mm.astype(np.float32) / 1000
            prediction = estimator.predict(ColorImage(color), scan.intrinsics, target_m.shape)
            scores.append(depth_scores(pred=prediction.depth_m, target=target_m) or {})
            truths.append(DepthHistogram.of(target_m[valid_depth(target_m)]))
            loudest.append(float(prediction.class_scores.max()))
    constant = constant_scores(best_constant_m(truths), truths)
    assert len(scores) == 30
    for name in ("abs_rel", "mae"):
        assert np.mean([score[name] for score in scores]) < 0.9 * constant[name]
    assert np.mean(np.array(loudest) >= estimator.bundle.class_threshold) <= 0.05


def test_it_tells_street_photos_apart(estimator: Estimator, shared_data: Path) -> None:
    classes = estimator.bundle.classes
    right, above = defaultdict(list), []
    for label, name in enumerate(classes):
        for path in sorted((shared_data / "street_crops" / name).glob("*.jpg")):
            scores = estimator.predict(ColorImage(decode_color(path.read_bytes()))).class_scores
            right[name].append(int(scores.argmax()) == label)
            above.append(float(scores.max()) >= estimator.bundle.class_threshold)
    assert np.mean([np.mean(found) for found in right.values()]) >= 0.95
    assert np.mean(above) >= 0.9


@pytest.mark.parametrize("size", [(48, 64), (480, 640)])
def test_any_image_gives_depth_in_range(estimator: Estimator, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    prediction = estimator.predict(ColorImage(noise), output_size=size)
    low, high = estimator.bundle.depth_range_m
    assert prediction.depth_m.shape == size
    assert low - 1e-5 <= prediction.depth_m.min() <= prediction.depth_m.max() <= high + 1e-4


def test_the_shipped_file_tells_nothing_of_the_machine_it_was_made_on() -> None:
    content = (DEMO_BUNDLE / "model.onnx").read_bytes()
    assert b"site-packages" not in content
    assert b".py" not in content
