"""DenseNet169 with the paper's decoder, weights random: a bundle for its speed alone. Needs torch and timm.

    .venv-training/bin/python -m bench.densenet_bundle FOLDER

Encoder: timm's densenet169. Decoder: bilinear x2, skip, two 3x3 convolutions with batch normalization and leaky ReLU,
of widths 8F, 4F, 2F, F and 32 with F = 52. Normalization, depth range and softmax are in the graph, as in every bundle.
"""

import math
import sys
from pathlib import Path
from typing import Any

import onnx
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from redwood_depth.bundle import MODEL_FILE, ModelBundle, file_sha256
from redwood_depth.camera import TrainingCamera

HEIGHT, WIDTH = 96, 128
WIDTHS = (416, 208, 104, 52, 32)
CLASSES = ("car", "trash container", "bicycle")
DEPTH_RANGE_M = (0.1, 10.0)
SEED = 169


def _block(channels: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs in (channels, width):
        layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


class DenseNetDepth(nn.Module):
    """image uint8 (1, H, W, 3) -> depth (1, H, W) in meters, class_scores (1, C)."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        backbone: Any = timm.create_model("densenet169", pretrained=False, features_only=True)
        self.backbone = backbone
        channels = backbone.feature_info.channels()  # strides 2, 4, 8, 16, 32
        inputs = [channels[-1], *WIDTHS[:-1]]
        skips = [*reversed(channels[:-1]), 0]
        self.blocks = nn.ModuleList(
            _block(inner + skip, width) for inner, skip, width in zip(inputs, skips, WIDTHS, strict=True)
        )
        self.head = nn.Conv2d(WIDTHS[-1], 1, 3, padding=1)
        self.classify = nn.Linear(channels[-1], len(CLASSES) + 1)  # the last one: none of them
        config = backbone.pretrained_cfg
        self.register_buffer("mean", 255 * torch.tensor(config["mean"]).reshape(1, 3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(config["std"]).reshape(1, 3, 1, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = (image.float().permute(0, 3, 1, 2) - self.mean) / self.std
        *skips, x = self.backbone(x)
        scores = self.classify(x.mean(dim=(2, 3))).softmax(dim=1)[:, : len(CLASSES)]
        for block, skip in zip(self.blocks, [*reversed(skips), None], strict=True):
            x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = block(x if skip is None else torch.cat([x, skip], dim=1))
        low, high = map(math.log, DEPTH_RANGE_M)
        return torch.exp(low + (high - low) * torch.sigmoid(self.head(x)[:, 0])), scores


def write(folder: Path) -> ModelBundle:
    """Make the bundle in `folder`."""
    torch.manual_seed(SEED)
    folder.mkdir(parents=True, exist_ok=True)
    model = DenseNetDepth().eval()
    program = torch.onnx.export(
        model,
        (torch.zeros(1, HEIGHT, WIDTH, 3, dtype=torch.uint8),),
        input_names=["image"],
        output_names=["depth", "class_scores"],
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # None for other exporters than dynamo
    onnx.save(program.model_proto, folder / MODEL_FILE)
    bundle = ModelBundle(
        folder=folder,
        name="densenet169",
        version="structure",
        classes=CLASSES,
        height=HEIGHT,
        width=WIDTH,
        depth_range_m=DEPTH_RANGE_M,
        training_camera=TrainingCamera(525 / 640, 525 / 480),
        encoder="densenet169",
        precision="fp32",
        class_threshold=0.5,
        training_median_m=2.0,
        sha256=file_sha256(folder / MODEL_FILE),
        trained_on=("nothing: random weights",),
    )
    bundle.write_description()
    return ModelBundle.load(folder)


if __name__ == "__main__":
    print(write(Path(sys.argv[1])).sha256)
