"""The network: frozen encoder, U-Net decoder for depth, class head on the encoder's pooled features."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.class_head import ClassHead
from training.encoder import Encoder

DECODER_WIDTHS = (48, 32, 24, 16)  # the paper's are 8F, 4F, 2F, F, 32 with F = 52; this is for a robot's processor
DECODER_DROPOUT = 0.2  # of whole channels of the two deepest maps, which know a training room by heart otherwise


class UpBlock(nn.Module):
    """The paper's decoder block: bilinear x2, concat skip, [conv 3x3, batch norm, leaky ReLU 0.2] twice."""

    def __init__(self, channels: int, skip_channels: int, width: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*_conv(channels + skip_channels, width), *_conv(width, width))

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """(B, C, h, w), skip (B, S, 2h, 2w) -> (B, width, 2h, 2w)."""
        x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return self.convs(x if skip is None else torch.cat([x, skip], dim=1))


class DepthDecoder(nn.Module):
    """Feature maps -> depth in metres, always inside `depth_range_m`: a sigmoid between the logarithms of its ends.

    Four widths predict at half the input's resolution and enlarge; five add the paper's last block, without a skip.
    """

    def __init__(self, channels: Sequence[int], widths: Sequence[int], depth_range_m: tuple[float, float]) -> None:
        super().__init__()
        skips = [*reversed(channels[:-1]), 0][: len(widths)]
        if len(widths) not in (len(channels) - 1, len(channels)):
            raise ValueError(
                f"a decoder for {len(channels)} feature maps has {len(channels) - 1} or {len(channels)} blocks"
            )
        inputs = [channels[-1], *widths[:-1]]
        self.blocks = nn.ModuleList(UpBlock(*sizes) for sizes in zip(inputs, skips, widths, strict=True))
        self.dropout = nn.Dropout2d(DECODER_DROPOUT)
        self.head = nn.Conv2d(widths[-1], 1, 3, padding=1)
        self.log_min, self.log_max = map(math.log, depth_range_m)

    def start_at(self, depth_m: float) -> None:
        """Set the head so that training starts near one distance, e.g. the median of the training data."""
        share = (math.log(depth_m) - self.log_min) / (self.log_max - self.log_min)
        nn.init.constant_(self.head.bias, math.log(share / (1 - share)))
        nn.init.normal_(self.head.weight, std=1e-3)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps at strides 2..32, finest first -> depth (B, H, W) in metres."""
        x, *skips = reversed(maps)
        x, skips[0] = self.dropout(x), self.dropout(skips[0])
        for block, skip in zip(self.blocks, [*skips, None], strict=False):
            x = block(x, skip)
        x = self.head(x)
        if len(self.blocks) < len(maps):
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        share = torch.sigmoid(x[:, 0])
        return torch.exp(self.log_min + (self.log_max - self.log_min) * share)


class DepthClassModel(nn.Module):
    """Depth and class scores of an image. Only the decoder is trained."""

    def __init__(
        self,
        encoder: Encoder,
        class_head: ClassHead,
        depth_range_m: tuple[float, float],
        decoder_widths: Sequence[int] = DECODER_WIDTHS,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.class_head = class_head.requires_grad_(False)
        self.decoder = DepthDecoder(encoder.channels, decoder_widths, depth_range_m)
        self.depth_range_m = depth_range_m
        self.eval()

    def forward(self, image_rgb: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) in 0..255, H and W multiples of 32 -> `depth` (B, H, W) m, `class_scores` (B, C)."""
        with torch.no_grad():
            maps, features = self.encoder(image_rgb)
        return {"depth": self.decoder(maps), "class_scores": self.class_head(features)}


def _conv(channels: int, width: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
