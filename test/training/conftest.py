"""Small models and rooms for the tests of the offline half, and real scans where they lie beside the checkout."""

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest

from bench.harness.scan_files import PERIOD_US, jpeg, png, write_folder

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["*test_*.py"]  # the robot half's environment: the offline half is tested in its own

os.environ.setdefault("OMP_NUM_THREADS", "1")  # on a busy machine threads mostly wait for each other
TINY = {
    "encoder": "tf_mobilenetv3_small_minimal_100",
    "encoder_weights": "none",
    "height": 32,
    "width": 64,
    "decoder_widths": [8, 8],
    "sampling": "scans",
    "samples_per_epoch": 12,
    "batch_size": 4,
    "epochs": 2,
    "workers": 0,
    "augment_light": False,
    "accelerator": "cpu",
}


@pytest.fixture(scope="session")
def encoder():
    """EfficientNet-Lite0 with its ImageNet weights."""
    from training.network.encoder import Encoder

    return Encoder()


@pytest.fixture
def model(encoder):
    """An untrained depth model with ImageNet's class head."""
    import torch

    from training.network.class_head import CLASS_GROUPS, imagenet_head
    from training.network.model import DepthClassModel, DepthDecoder

    torch.manual_seed(0)
    decoder = DepthDecoder(encoder.channels, 2, (8, 8, 8, 8))
    return DepthClassModel(encoder, imagenet_head(encoder.classifier, tuple(CLASS_GROUPS), None), decoder)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared data of 32x64: four scans each of bicycle, car and none, six frames a scan; two, one and one of each
    class are for training, validation and test."""
    from training.data.preparation import PrepareSettings, prepare

    folder = tmp_path_factory.mktemp("tiny")
    for number in range(12):
        class_name = ("bicycle", "car", "none")[number % 3]
        place = Path() if class_name == "none" else Path(class_name)
        write_folder(folder / "scans" / place / f"{number:05d}", drawn_scan(number))
    data, failed, _ = prepare([folder / "scans"], folder / "data", PrepareSettings(32, 64, 0), jobs=1)
    assert not failed
    assert [len(data.scans(split)) for split in ("train", "validation", "test")] == [6, 3, 3]
    return folder / "data"


@pytest.fixture
def tiny_scans(tiny_data: Path) -> list:
    """The training scans of `tiny_data`."""
    from training.data.prepared_data import PreparedData

    return PreparedData.load(tiny_data).scans("train")


def drawn_scan(number: int, frames: int = 6, size: tuple[int, int] = (48, 64)) -> dict[str, bytes]:
    """Members of a scan of a floor and a wall with a box in front whose color tells the class; a hole in its depth.

    The camera is the training one, so that depth needs no correction.
    """
    rng, (height, width) = np.random.default_rng(number), size
    camera = {"fx": 525 / 640 * width, "fy": 525 / 480 * height, "cx": (width - 1) / 2, "cy": (height - 1) / 2}
    files = {"info.json": json.dumps({"width": width, "height": height, **camera}).encode()}
    wall_m, box_m = rng.uniform(2, 4), rng.uniform(1, 1.8)
    for frame in range(frames):
        depth_m = np.minimum(wall_m, 4 / np.maximum(np.linspace(-1, 1.5, height), 0.1))[:, None].repeat(width, axis=1)
        left = int(rng.integers(4, width // 2))
        box = np.s_[height // 4 : 3 * height // 4, left : left + width // 3]
        depth_m[box] = box_m
        color = (255 * np.exp(-0.4 * depth_m))[..., None].repeat(3, axis=-1)
        if number % 3 < 2:
            color[box] = ((30, 30, 230), (30, 230, 30))[number % 3]
        depth_m[:6, :9] = 0
        color = np.clip(color + rng.normal(0, 6, color.shape), 0, 255).astype(np.uint8)
        stamp = f"{frame + 1:07d}-{frame * PERIOD_US:012d}"
        files[f"rgb/{stamp}.jpg"] = jpeg(color)
        files[f"depth/{stamp}.png"] = png(np.rint(1000 * depth_m).astype(np.uint16))
    return files


@pytest.fixture(scope="session")
def tiny_config():
    """A function that gives, with any changes, two epochs of three steps of a small network without weights."""
    from training.config import config_from

    return lambda **changes: config_from(TINY | changes)


@pytest.fixture(scope="session")
def tiny_run(tiny_data: Path, tiny_config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `tiny_config` on `tiny_data`, trained to its end but without scores; not to be changed."""
    from training.data.prepared_data import PreparedData
    from training.run.train_run import train

    run = tmp_path_factory.mktemp("tiny_run") / "run"
    assert train(tiny_config(), PreparedData.load(tiny_data), run)
    return run
