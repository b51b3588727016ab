"""Small models and rooms for the tests of the offline half, and real scans where they lie beside the checkout."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["test_*.py"]  # the robot half's environment: the offline half is tested in its own

THREADS = 2


@pytest.fixture(scope="session")
def encoder():
    """EfficientNet-Lite0 with its ImageNet weights."""
    import torch

    from training.encoder import Encoder

    torch.set_num_threads(THREADS)
    return Encoder()


@pytest.fixture
def model(encoder):
    """An untrained depth model with ImageNet's class head."""
    import torch

    from training.class_head import imagenet_head
    from training.model import DepthClassModel

    torch.manual_seed(0)
    return DepthClassModel(encoder, imagenet_head(encoder.classifier), (0.1, 10.0))


@pytest.fixture
def scan_folder(tmp_path: Path) -> Path:
    """Four frames of a striped wall at 1.2 m, with a hole in the depth."""
    folder = tmp_path / "striped_wall"
    depth = np.full((480, 640), 1200, np.uint16)
    depth[200:240, 300:400] = 0
    color = np.tile(np.repeat(np.array([[40, 200]], np.uint8), 40, axis=1), (480, 8))
    color = np.stack([color, color // 2, 255 - color], axis=-1)
    for name in ("rgb", "depth"):
        (folder / name).mkdir(parents=True)
    for i in range(4):
        stamp = f"{i + 1:07d}-{i * 33_333:012d}"
        cv2.imwrite(str(folder / "rgb" / f"{stamp}.jpg"), color)
        cv2.imwrite(str(folder / "depth" / f"{stamp}.png"), depth)
    return folder
