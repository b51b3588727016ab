"""The bundle in the package: small, loadable, and better than a constant in a kitchen it never saw."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from redwood_depth.baselines import DepthHistogram, best_constant_m, constant_scores
from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.engines import open_engine
from redwood_depth.estimator import Estimator
from redwood_depth.images import ColorImage
from redwood_depth.metrics import depth_scores, valid_depth
from redwood_depth.scans import RedwoodScan, decode_color, decode_depth

FRAMES = 30


@pytest.fixture(scope="module")
def estimator() -> Iterator[Estimator]:
    bundle = ModelBundle.load(DEMO_BUNDLE)
    opened = Estimator(bundle, open_engine(bundle, "onnxruntime"))
    yield opened
    opened.close()


def test_it_loads_and_is_small() -> None:
    bundle = ModelBundle.load(DEMO_BUNDLE)
    assert bundle.model_path.stat().st_size <= 20e6
    assert not any("red_kitchen" in source for source in bundle.trained_on), "its licence is for research"


def test_it_beats_the_best_constant_on_an_unseen_kitchen(estimator: Estimator, shared_data: Path) -> None:
    rows, truths, sure = [], [], 0
    with RedwoodScan.open(shared_data / "red_kitchen") as scan:
        for frame in scan.frames[:: len(scan.frames) // FRAMES][:FRAMES]:
            color, depth = decode_color(scan.color_bytes(frame)), decode_depth(scan.depth_bytes(frame))
            target_m = depth.astype(np.float32) / 1000
            prediction = estimator.predict(ColorImage(color), scan.intrinsics, target_m.shape)
            rows.append(depth_scores(pred=prediction.depth_m, target=target_m))
            truths.append(DepthHistogram.of(target_m[valid_depth(target_m)]))
            sure += prediction.class_scores.max() >= estimator.bundle.class_threshold
    constant = constant_scores(best_constant_m(truths), truths)
    for name in ("abs_rel", "mae"):
        assert np.mean([row[name] for row in rows]) < constant[name]
    assert sure < 0.1 * len(rows)


def test_it_tells_street_photos_apart(estimator: Estimator, shared_data: Path) -> None:
    recalls = []
    for name in ("car", "trash container", "bicycle"):
        photos = sorted((shared_data / "street_crops" / name).glob("*.jpg"))
        scores = [
            estimator.predict(ColorImage(cv2.imread(str(photo))[..., ::-1].copy())).class_scores for photo in photos
        ]
        recalls.append(np.mean([estimator.bundle.classes[s.argmax()] == name for s in scores]))
    assert np.mean(recalls) > 0.85


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
