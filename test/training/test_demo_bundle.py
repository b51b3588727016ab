"""The bundle in the package: small, loadable, and better than a constant in a kitchen it never saw."""

from pathlib import Path

import numpy as np
import pytest

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.images import ColorImage
from training.dataset import load_scan
from training.evaluate import (
    best_constant_m,
    constant_scores,
    evaluate_photos,
    frame_scores,
    load_estimator,
    mean_scores,
)


def test_it_loads_and_is_small() -> None:
    bundle = ModelBundle.load(DEMO_BUNDLE)
    assert bundle.model_path.stat().st_size <= 20e6
    assert "red_kitchen" not in bundle.trained_on
    assert "red_kitchen" in bundle.scores


def test_it_beats_the_best_constant_on_an_unseen_kitchen(shared_data: Path) -> None:
    estimator = load_estimator(DEMO_BUNDLE)
    scan = load_scan(shared_data / "red_kitchen", max_frames=30)
    targets = [depth.astype(np.float32) / 1000 for depth in scan.depths]
    predictions = [estimator.predict(ColorImage(color), scan.intrinsics, (480, 640)) for color in scan.colors]
    scores = mean_scores([frame_scores(p.depth_m, t) for p, t in zip(predictions, targets, strict=True)])
    constant = constant_scores(targets, best_constant_m(targets))
    assert scores["abs_rel"] < constant["abs_rel"]
    assert scores["mae"] < constant["mae"]
    quiet = [prediction.class_scores.max() < estimator.bundle.class_threshold for prediction in predictions]
    assert np.mean(quiet) > 0.9


def test_it_tells_street_photos_apart(shared_data: Path) -> None:
    assert evaluate_photos(load_estimator(DEMO_BUNDLE), shared_data / "street_crops")["balanced_accuracy"] > 0.85


@pytest.mark.parametrize("size", [(48, 64), (480, 640)])
def test_any_image_gives_depth_in_range(size: tuple[int, int]) -> None:
    estimator = load_estimator(DEMO_BUNDLE)
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    prediction = estimator.predict(ColorImage(noise), output_size=size)
    low, high = estimator.bundle.depth_range_m
    assert prediction.depth_m.shape == size
    assert low - 1e-5 <= prediction.depth_m.min() <= prediction.depth_m.max() <= high + 1e-4
