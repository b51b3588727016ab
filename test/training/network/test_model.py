"""The network: shapes and ranges with any encoder, what is frozen, and the paper's own network."""

from pathlib import Path

import pytest
import torch

from training.config import load_config
from training.errors import TrainingError
from training.network.model import DepthClassModel, DepthDecoder, build_model

PAPER = Path(__file__).resolve().parents[3] / "config" / "train" / "paper.yaml"
CHANNELS = (8, 12, 16, 24, 32)
MAPS = [torch.zeros(2, c, 64 // s, 96 // s) for c, s in zip(CHANNELS, (2, 4, 8, 16, 32), strict=True)]


@pytest.mark.parametrize("widths", [(8,), (8, 8), (8, 8, 8, 8), (8, 8, 8, 8, 8)])
@pytest.mark.parametrize("output", ["log_range", "linear"])
def test_depth_has_the_size_of_the_image(widths: tuple[int, ...], output: str) -> None:
    decoder = DepthDecoder(CHANNELS, 2, widths, output=output).eval()
    with torch.no_grad():
        assert decoder(MAPS).shape == (2, 64, 96)


@pytest.mark.parametrize("encoder", ["resnet18", "convnext_atto"])
def test_any_encoder_gives_depth_and_classes(encoder: str, tiny_config) -> None:
    """ConvNeXt's first map is at a quarter: five widths are one block without skip more than its maps allow."""
    for widths in ([16, 8], [16, 8, 8, 8, 8]):
        model = build_model(tiny_config(encoder=encoder, decoder_widths=widths), None, 3)
        with torch.no_grad():
            outputs = model(255 * torch.rand(2, 3, 64, 96))
        assert outputs["depth"].shape == (2, 64, 96)
        assert outputs["class_scores"].shape == (2, 3)
        torch.testing.assert_close(outputs["class_log_scores"].exp().sum(dim=1), torch.ones(2))


@pytest.mark.parametrize("widths", [(), (8,) * 6])
def test_a_decoder_that_does_not_fit_is_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(TrainingError, match="decoder_widths do not fit 5 maps from stride 2 on"):
        DepthDecoder(CHANNELS, 2, widths)


@pytest.mark.parametrize("gain", [-1e4, 0.0, 1e4])
@pytest.mark.parametrize("output", ["log_range", "linear"])
def test_depth_never_leaves_its_range(output: str, gain: float) -> None:
    decoder = DepthDecoder(CHANNELS, 2, (8, 8), output=output).eval()
    with torch.no_grad():
        decoder.head.bias.fill_(gain)
        depth = decoder(MAPS)
    assert torch.isfinite(depth).all()
    assert depth.min() >= 0.1 - 1e-6
    assert depth.max() <= 10.0 + 1e-5


def test_a_linear_depth_is_free_while_it_trains() -> None:
    decoder = DepthDecoder(CHANNELS, 2, (8, 8), output="linear").train()
    decoder.start_at(0.02)
    assert decoder(MAPS).mean().item() == pytest.approx(0.02, abs=0.01)


@pytest.mark.parametrize("output", ["log_range", "linear"])
def test_training_starts_at_the_median(output: str) -> None:
    decoder = DepthDecoder(CHANNELS, 2, (8, 8), output=output).eval()
    decoder.start_at(1.6)
    with torch.no_grad():
        assert decoder([torch.rand_like(x) for x in MAPS]).median().item() == pytest.approx(1.6, rel=0.02)


def test_channels_are_dropped_from_every_map_and_not_only_from_the_deepest() -> None:
    """Fine texture is what rendered and real images differ in most."""
    decoder = DepthDecoder(CHANNELS, 2, (8, 8), dropout=0.5).train()
    dropped = []
    decoder.dropout.register_forward_hook(lambda _m, _i, out: dropped.append((out == 0).all(dim=(2, 3)).float().mean()))
    decoder([torch.ones_like(x).repeat(64, 1, 1, 1) for x in MAPS])
    assert len(dropped) == len(MAPS)
    assert all(0.2 < share < 0.8 for share in dropped)


def test_the_encoder_is_frozen_in_training_too(model: DepthClassModel) -> None:
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    model.train()
    assert not model.encoder.training
    model(255 * torch.rand(2, 3, 64, 64))["depth"].mean().backward()
    assert all(torch.equal(value, before[name]) for name, value in model.encoder.state_dict().items())
    assert all(parameter.grad is None for parameter in model.encoder.parameters())
    assert all(parameter.grad is not None for parameter in model.decoder.parameters())


def test_the_papers_network_has_the_published_shapes() -> None:
    model = build_model(load_config(PAPER, ["encoder_weights=none"]), None, 3)
    seen = {}
    for name, module in model.decoder.named_children():
        for part, layer in [(name, module)] if name != "blocks" else enumerate(module):
            layer.register_forward_hook(lambda _m, _i, out, part=part: seen.update({part: tuple(out.shape[1:])}))
    with torch.no_grad():
        outputs = model(torch.zeros(1, 3, 96, 128))
    assert seen == {
        "dropout": (64, 48, 64),
        "bottleneck": (832, 3, 4),
        0: (416, 6, 8),
        1: (208, 12, 16),
        2: (104, 24, 32),
        3: (52, 48, 64),
        4: (32, 96, 128),
        "head": (1, 96, 128),
    }
    assert [block.convs[0].in_channels for block in model.decoder.blocks] == [
        832 + 256,
        416 + 128,
        208 + 64,
        104 + 64,
        52,
    ]
    assert model.decoder.head.kernel_size == (3, 3)
    assert outputs["depth"].shape == (1, 96, 128)
    assert model.class_head.linear.weight.shape == (3, 1664), "three classes, none for the background"
    torch.testing.assert_close(outputs["class_scores"].sum(), torch.tensor(1.0))
    assert model.class_head.dropout.p == 0.2
    image = torch.full((1, 3, 2, 2), 51.0)
    torch.testing.assert_close(model.encoder.normalize(image), image / 255)
    assert not any(parameter.requires_grad for parameter in model.encoder.parameters())
