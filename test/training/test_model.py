"""The network: shapes, ranges, what is frozen."""

import pytest
import torch

from training.model import DepthClassModel, DepthDecoder


@pytest.mark.parametrize("widths", [(8, 8, 8, 8), (8, 8, 8, 8, 8)])
def test_depth_has_the_size_of_the_image(encoder, widths: tuple[int, ...]) -> None:
    decoder = DepthDecoder(encoder.channels, widths, (0.1, 10.0)).eval()
    with torch.no_grad():
        assert decoder(encoder(torch.zeros(2, 3, 64, 96))[0]).shape == (2, 64, 96)


def test_a_decoder_that_does_not_fit_is_refused(encoder) -> None:
    with pytest.raises(ValueError, match="4 or 5 blocks"):
        DepthDecoder(encoder.channels, (8, 8), (0.1, 10.0))


@pytest.mark.parametrize("gain", [-1e4, 0.0, 1e4])
def test_depth_never_leaves_its_range(model: DepthClassModel, gain: float) -> None:
    with torch.no_grad():
        model.decoder.head.bias.fill_(gain)
        depth = model(255 * torch.rand(1, 3, 64, 64))["depth"]
    assert torch.isfinite(depth).all()
    assert depth.min() >= 0.1 - 1e-6
    assert depth.max() <= 10.0 + 1e-5


def test_training_starts_at_the_median(model: DepthClassModel) -> None:
    model.decoder.start_at(1.6)
    with torch.no_grad():
        depth = model(255 * torch.rand(1, 3, 64, 64))["depth"]
    assert depth.median().item() == pytest.approx(1.6, rel=0.02)


def test_the_encoder_is_frozen_in_training_too(model: DepthClassModel) -> None:
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    model.train()
    assert not model.encoder.training
    model(255 * torch.rand(2, 3, 64, 64))["depth"].mean().backward()
    assert all(torch.equal(value, before[name]) for name, value in model.encoder.state_dict().items())
    assert all(parameter.grad is None for parameter in model.encoder.parameters())
    assert all(parameter.grad is not None for parameter in model.decoder.parameters())
