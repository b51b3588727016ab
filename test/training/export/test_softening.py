"""The exported graph sees a robot's images as softly as training saw its own."""

import pytest
import torch

from training.export.bundle_export import BundleGraph
from training.network.model import build_model


def test_the_graph_softens_what_a_robot_resizes_once_as_training_images_are(tiny_config) -> None:
    model = build_model(tiny_config(augment_camera=True), None, 2)
    assert model.softness_px > 0
    seen: list[torch.Tensor] = []
    model.encoder.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    sharp = torch.zeros(1, 64, 96, 3, dtype=torch.uint8)
    sharp[0, 32, 48] = 255
    BundleGraph(model)(sharp)
    spread = seen[0][0, 0]
    assert spread.sum().item() == pytest.approx(255)
    sigma = (spread * (torch.arange(64.0)[:, None] - 32) ** 2).sum().div(255).sqrt().item()
    assert 0.35 < sigma < 0.55
    model.softness_px = 0.0
    BundleGraph(model)(sharp)
    assert seen[1][0, 0, 32, 48].item() == 255
