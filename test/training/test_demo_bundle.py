"""The bundle in the package: small, loadable, and better than a constant in a kitchen it never saw."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.images import ColorImage
from training.dataset import load_scan
from training.evaluate import evaluate_photos, evaluate_scan, load_estimator


def test_it_loads_and_is_small() -> None:
    bundle = ModelBundle.load(DEMO_BUNDLE)
    assert bundle.model_path.stat().st_size <= 20e6
    assert "red_kitchen" not in bundle.trained_on
    assert "red_kitchen" in bundle.scores


def test_it_beats_the_best_constant_on_an_unseen_kitchen(shared_data: Path, monkeypatch) -> None:
    load = partial(load_scan, max_frames=30)
    monkeypatch.setattr("training.evaluate.load_scan", load)
    scores = evaluate_scan(load_estimator(DEMO_BUNDLE), shared_data / "red_kitchen")
    assert scores["frames"] == 30
    assert scores["abs_rel"] < scores["best_constant"]["abs_rel"]
    assert scores["mae"] < scores["best_constant"]["mae"]
    assert scores["share_above_class_threshold"] < 0.1


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


def test_the_shipped_file_tells_nothing_of_the_machine_it_was_made_on() -> None:
    content = (DEMO_BUNDLE / "model.onnx").read_bytes()
    assert b"site-packages" not in content
    assert b".py" not in content
