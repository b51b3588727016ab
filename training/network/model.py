"""The network: encoder, U-Net decoder for depth, class head on the encoder's pooled features."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.config import TrainConfig
from training.errors import TrainingError
from training.network.class_head import ClassHead, LinearClassHead
from training.network.encoder import Encoder

AUGMENTED_SOFTNESS_PX = 0.5  # sigma of what being resampled once more, by camera augmentation, does to an image


class UpBlock(nn.Module):
    """The paper's decoder block: bilinear x2, concat skip, [conv 3x3, batch norm, leaky ReLU 0.2] twice."""

    def __init__(self, channels: int, skip_channels: int, width: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*_conv(channels + skip_channels, width), *_conv(width, width))

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """(B, C, h, w), skip (B, S, 2h, 2w) -> (B, width, 2h, 2w)."""
        x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        convolved: Tensor = self.convs(x if skip is None else torch.cat([x, skip], dim=1))
        return convolved


class DepthDecoder(nn.Module):
    """Feature maps -> depth in meters.

    Each width is a block that doubles the size; blocks beyond the maps have no skip, as the paper's last one. What is
    then missing to the image's size is enlarged. "log_range" output is always inside `depth_range_m`: a sigmoid between
    the logarithms of its ends. "linear" is the paper's: any number while it trains, cut to the range otherwise.
    """

    def __init__(
        self,
        channels: Sequence[int],
        stride: int,
        widths: Sequence[int],
        *,
        bottleneck: int = 0,
        dropout: float = 0.0,
        output: str = "log_range",
        depth_range_m: tuple[float, float] = (0.1, 10.0),
    ) -> None:
        """`channels` of the maps, finest first, which is at `stride`. Raises TrainingError where widths cannot fit."""
        super().__init__()
        self.enlarge = stride * 2 ** (len(channels) - 1) // 2 ** len(widths)
        if not len(widths) > 0 or self.enlarge < 1:
            raise TrainingError(f"{len(widths)} decoder_widths do not fit {len(channels)} maps from stride {stride} on")
        skips = [*reversed(channels[:-1]), *(0 for _ in widths)][: len(widths)]
        self.bottleneck = nn.Conv2d(channels[-1], bottleneck, 1) if bottleneck else nn.Identity()
        inputs = [bottleneck or channels[-1], *widths[:-1]]
        self.blocks = nn.ModuleList(UpBlock(*sizes) for sizes in zip(inputs, skips, widths, strict=True))
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(widths[-1], 1, 3, padding=1)
        self.output, self.range_m = output, depth_range_m
        self.log_min, self.log_max = map(math.log, depth_range_m)

    def start_at(self, depth_m: float) -> None:
        """Set the head so that training starts near one distance, e.g. the median of the training data."""
        share = (math.log(depth_m) - self.log_min) / (self.log_max - self.log_min)
        assert self.head.bias is not None  # made with one
        nn.init.constant_(self.head.bias, math.log(share / (1 - share)) if self.output == "log_range" else depth_m)
        nn.init.normal_(self.head.weight, std=1e-3)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps, finest first -> depth (B, H, W) in meters."""
        x, *skips = (self.dropout(features) for features in reversed(maps))
        x = self.bottleneck(x)
        for number, block in enumerate(self.blocks):
            x = block(x, skips[number] if number < len(skips) else None)
        x = self.head(x)
        if self.enlarge > 1:
            x = functional.interpolate(x, scale_factor=self.enlarge, mode="bilinear", align_corners=False)
        if self.output == "linear":
            linear: Tensor = x[:, 0]
            return linear if self.training else linear.clamp(*self.range_m)
        share = torch.sigmoid(x[:, 0].float())
        return torch.exp(self.log_min + (self.log_max - self.log_min) * share)


class DepthClassModel(nn.Module):
    """Depth and class scores of an image."""

    def __init__(self, encoder: Encoder, class_head: ClassHead | LinearClassHead, decoder: DepthDecoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.class_head = class_head
        self.decoder = decoder
        self.softness_px = 0.0  # how much softer than a camera's resized image those are that it was trained on
        self.eval()

    def forward(self, image_rgb: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) in 0..255, H and W multiples of 32 -> `depth` (B, H, W) m, `class_scores` (B, C) and more.

        `features` (B, F) are the encoder's pooled ones, `class_log_scores` (B, C + 1) the logarithms of the scores, the
        last that of "none of these".
        """
        maps, features = self.encoder(image_rgb)
        log_scores = self.class_head(features)
        return {
            "depth": self.decoder(maps),
            "class_scores": log_scores[:, :-1].exp(),
            "class_log_scores": log_scores,
            "features": features,
        }


def build_model(config: TrainConfig, class_head: ClassHead | LinearClassHead | None, classes: int) -> DepthClassModel:
    """The network of a configuration for a number of classes; `class_head` None: a new one.

    Raises:
        TrainingError: the encoder or its weights cannot be had, or the decoder does not fit it.
    """
    encoder = Encoder(
        config.encoder,
        config.encoder_weights,
        maps=config.encoder_maps,
        trainable=config.encoder_training,
        normalisation=config.normalisation,
    )
    decoder = DepthDecoder(
        encoder.channels,
        encoder.strides[0],
        config.decoder_widths,
        bottleneck=config.bottleneck,
        dropout=config.decoder_dropout,
        output=config.depth_output,
        depth_range_m=config.depth_range_m,
    )
    head = class_head or LinearClassHead(encoder.num_features, classes, config.class_dropout, config.class_background)
    model = DepthClassModel(encoder, head, decoder)
    model.softness_px = AUGMENTED_SOFTNESS_PX if config.augment_camera else 0.0
    return model


def _conv(channels: int, width: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
