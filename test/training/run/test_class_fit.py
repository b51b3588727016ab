"""ImageNet's class head: fitted after the depth, with frames and photos, and kept beside the checkpoint."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from training.config import TrainConfig
from training.data.prepared_data import PreparedData
from training.errors import TrainingError
from training.run.class_fit import fit_classes, put_classes
from training.run.folder import TrainedRun
from training.run.lightning_module import DepthClassModule
from training.run.train_run import train

COLORS = {"bicycle": (230, 30, 30), "car": (30, 230, 30), "none": (120, 120, 120)}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two crops of each of three photos of a class, of its color."""
    rng = np.random.default_rng(0)
    for name, color in COLORS.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for crop in range(6):
            image = np.clip(np.array(color) + rng.normal(0, 20, (40, 60, 3)), 0, 255).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "photos" / name / f"{crop // 2}_{crop % 2}.jpg"), image[..., ::-1])
    return tmp_path / "photos"


@pytest.fixture
def config(photos: Path, tiny_config) -> TrainConfig:
    return tiny_config(
        encoder="tf_efficientnet_lite0",
        encoder_weights="imagenet",
        class_head="imagenet",
        photos=str(photos),
        epochs=1,
        samples_per_epoch=4,
    )


def test_a_run_with_imagenets_head_learns_depth_alone_and_its_classes_afterwards(
    config: TrainConfig, tiny_data: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("training.run.class_fit.PHOTO_VIEWS", 1)  # color is all there is to see, and light changes it
    data = PreparedData.load(tiny_data)
    assert train(config, data, tmp_path / "run")
    run = TrainedRun.load(tmp_path / "run")
    assert set(run.rates) == {"real frames", "photos"}
    assert run.rates["photos"]["balanced_accuracy"] == 1, "held back crops of one color"
    assert 0.05 <= run.threshold <= 0.95
    rows = 1000 - 99 + 3
    assert run.module.model.class_head.linear.weight.shape == (rows, 1280), "without five of six dog breeds"
    with torch.no_grad():
        scores = run.module.model(torch.rand(2, 3, 32, 64))["class_scores"]
    assert scores.shape == (2, 2)
    assert (scores.sum(dim=1) <= 1 + 1e-5).all()


def test_crops_of_one_photo_count_as_one_source(config: TrainConfig, tiny_data: Path, monkeypatch) -> None:
    """Or a crop would be judged by a head that has seen its photo: leakage again."""
    seen = []
    monkeypatch.setattr(
        "training.run.class_fit.held_back_scores",
        lambda c, n, data: seen.append(data) or torch.zeros(len(data.labels), 2),
    )
    data = PreparedData.load(tiny_data)
    module = DepthClassModule(config.to_dict(), data.classes).eval()
    fit_classes(module, data.scans("train"), data.scans("validation"))
    sources, labels = seen[0].sources, seen[0].labels
    assert len(sources[sources >= 0].unique()) == 6, "one a scan"
    assert len(sources[sources < 0].unique()) == 9, "one a photo, not one a crop"
    assert all(len(labels[sources == source].unique()) == 1 for source in sources.unique())


def test_rows_of_another_version_are_refused_with_what_to_do(tiny_data: Path, tiny_config) -> None:
    config = tiny_config(encoder="tf_efficientnet_lite0", class_head="imagenet")
    module = DepthClassModule(config.to_dict(), ("car", "bicycle"))
    rows = {"weight": torch.zeros(2, 1280), "bias": torch.zeros(2)}
    with pytest.raises(TrainingError, match=r"2 learned rows, not 3: .*delete checkpoints/classes.ckpt"):
        put_classes(module, {"rows": rows, "threshold": 0.5, "rates": {}})
