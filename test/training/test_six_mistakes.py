"""What went wrong in the paper, one test each: made again, the mistake fails its test.

Each runs over real code from scans to the exported graph, beside the unit tests of the modules.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.harness.scan_files import png, scan_members, write_folder
from redwood_depth.evaluation.classification import class_results
from redwood_depth.evaluation.metrics import depth_scores
from training.config import TrainConfig
from training.data.dataset import CAMERA, FrameSamples
from training.data.preparation import PrepareSettings, prepare
from training.data.prepared_data import PreparedData
from training.export.bundle_export import BundleGraph
from training.network.encoder import Encoder
from training.network.losses import valid_mask
from training.network.model import build_model
from training.run.lightning_module import DepthClassModule


def test_1_color_and_depth_are_paired_by_stamp_not_by_position(tmp_path: Path, tiny_config) -> None:
    """Frame i is of gray level 20 + i and ten times as many millimeters deep; two depth frames are lost."""
    write_folder(tmp_path / "scans" / "car" / "00001", scan_members(8, depth_lost=[2, 3]))
    data, _, _ = prepare([tmp_path / "scans"], tmp_path / "data", PrepareSettings(32, 64, 0), jobs=1)
    (scan,) = data.all_scans
    samples = FrameSamples([scan], tiny_config(), augment=False)
    pairs = [samples[(0, frame)] for frame in range(len(samples))]
    colors = [int(sample["image"][0, 0, 0]) for sample in pairs]
    depths_m = [float(sample["depth"][0, 0]) * scan.intrinsics.depth_scale(CAMERA) for sample in pairs]
    assert colors == [20, 21, 24, 25, 26, 27]
    assert depths_m == pytest.approx([color / 100 for color in colors], abs=1e-4)
    assert (scan.record.unpaired_color, scan.record.unpaired_depth) == (2, 0), "what found no partner is reported"


def test_2_missing_depth_is_masked_in_loss_gradient_and_metrics(tiny_data: Path, tiny_config) -> None:
    """The samples have a hole. What is predicted in it costs nothing and teaches nothing."""
    scan = PreparedData.load(tiny_data).scans("train")[0]
    sample = FrameSamples([scan], tiny_config(), augment=False)[(0, 0)]
    target = sample["depth"][None]
    hole = ~valid_mask(target, (0.1, 10.0))
    assert 0 < hole.float().mean() < 0.5
    batch = {"depth": target, "label": torch.tensor([0])}
    log_scores = torch.full((1, 3), 1 / 3).log()
    for loss in ("log_l1", "abs_rel", "l1", "paper"):
        module = DepthClassModule(tiny_config(depth_loss=loss).to_dict(), ["bicycle", "car"])
        losses = []
        for in_the_hole_m in (0.5, 9.0):
            pred = torch.where(hole, in_the_hole_m, 1.1 * target).requires_grad_()
            parts = module.loss_parts({"depth": pred, "class_log_scores": log_scores}, batch)
            torch.stack(list(parts.values())).sum().backward()
            assert not pred.grad[hole].any()
            losses.append({name: part.item() for name, part in parts.items()})
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    scores = depth_scores(pred=1.1 * target[0].numpy() + 5 * hole[0].numpy(), target=target[0].numpy())
    assert scores["abs_rel"] == pytest.approx(0.1, rel=1e-4)


def test_3_no_scan_is_in_two_splits_and_validation_is_not_augmented(tiny_data: Path, tiny_config) -> None:
    data = PreparedData.load(tiny_data)
    names = [{scan.name for scan in data.scans(split)} for split in ("train", "validation", "test")]
    assert all(names)
    assert len(set.union(*names)) == sum(map(len, names)) == len(data.all_scans)
    checked = data.scans("validation")
    samples = FrameSamples(checked, tiny_config(swap_red_green=True, augment_light=True), augment=False)
    for frame, scan_frame in enumerate(checked[0].image):
        np.testing.assert_array_equal(samples[(frame, frame)]["image"].permute(1, 2, 0), scan_frame)


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "densenet121"])
def test_4_normalization_is_the_encoders_own_once_and_in_the_graph(name: str, tiny_config) -> None:
    """Bytes go in: an image with the mean and std that the encoder was trained with reaches it as 0 and 1.

    Lite0 wants mean and std 0.5, DenseNet ImageNet's own; / 255 is right for neither.
    """
    graph = BundleGraph(build_model(tiny_config(encoder=name), None, 2))
    graph.model.softness_px = 0.0
    backbone = graph.model.encoder.backbone
    mean, std = (np.array(backbone.pretrained_cfg[key])[:, None, None] for key in ("mean", "std"))
    seen: list[torch.Tensor] = []
    first = next(module for module in backbone.modules() if isinstance(module, torch.nn.Conv2d))
    first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    image = torch.randint(0, 256, (1, 96, 96, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        graph(image)
    assert len(seen) == 1
    expected = (image[0].numpy().transpose(2, 0, 1) / 255 - mean) / std
    np.testing.assert_allclose(seen[0][0], expected, atol=1e-4)


def test_4_the_papers_normalisations_differ_and_are_only_for_the_study() -> None:
    """Half gray: 0 with Lite0's own mean of 0.5; an encoder that got / 255 twice would see black."""
    image = torch.full((1, 3, 64, 64), 127.5)
    found = {
        kind: Encoder("tf_efficientnet_lite0", "none", normalisation=kind).normalize(image).mean().item()
        for kind in ("encoder", "divide_by_255", "twice")
    }
    assert found == pytest.approx({"encoder": 0.0, "divide_by_255": 0.5, "twice": (0.5 / 255 - 0.5) / 0.5}, abs=1e-6)
    assert TrainConfig().normalisation == "encoder"


def test_5_macro_precision_and_recall_are_not_accuracy() -> None:
    """Nine cars found, one of three bicycles taken for a car: micro-averaged all three would be the same."""
    labels = ["car"] * 9 + ["bicycle"] * 3
    scores = np.array([[0.0, 0.9]] * 9 + [[0.9, 0.0]] * 2 + [[0.0, 0.9]], np.float32)
    found = class_results(scores, labels, ("bicycle", "car"), 0.5)
    assert found.accuracy == pytest.approx(11 / 12, abs=1e-3)
    assert found.macro_precision == pytest.approx((1 + 9 / 10) / 2, abs=1e-3)
    assert found.macro_recall == pytest.approx((2 / 3 + 1) / 2, abs=1e-3)
    assert len({found.accuracy, found.macro_precision, found.macro_recall}) == 3
    assert found.per_class["bicycle"].recall == pytest.approx(2 / 3, abs=1e-3)
    assert found.per_class["car"].precision == pytest.approx(9 / 10, abs=1e-3)


def test_6_training_depth_is_divided_by_what_the_estimator_multiplies_with(tmp_path: Path, tiny_config) -> None:
    """The same wall at 2.4 m through a lens of 1.5 times the focal length: 1.6 m to learn, 2.4 m on the robot."""
    focal = 1.5 * 525
    camera = {"width": 64, "height": 48, "fx": focal / 10, "fy": focal / 10, "cx": 31.5, "cy": 23.5}
    members = scan_members(1)
    members["info.json"] = json.dumps(camera).encode()
    depth_name = next(name for name in members if name.startswith("depth/"))
    members[depth_name] = png(np.full((48, 64), 2400, np.uint16))
    write_folder(tmp_path / "scans" / "car" / "00001", members)
    data, _, _ = prepare([tmp_path / "scans"], tmp_path / "data", PrepareSettings(96, 128, 0), jobs=1)
    (scan,) = data.all_scans
    config = tiny_config(height=96, width=128)
    scale = scan.intrinsics.depth_scale(CAMERA)
    assert scale == pytest.approx(1.5, rel=1e-3)
    learned = FrameSamples([scan], config, augment=False)[(0, 0)]["depth"]
    assert learned.median().item() == pytest.approx(1.6, rel=1e-3)
    assert learned.median().item() * scale == pytest.approx(2.4, rel=1e-3)
