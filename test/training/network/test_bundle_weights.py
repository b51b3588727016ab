"""A bundle is a checkpoint: its graph's weights, put back into the network, give what the graph gives."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from training.config import TrainConfig
from training.errors import TrainingError
from training.export.bundle_export import write_onnx
from training.network.bundle_weights import (
    class_head_of,
    fill_from_weights,
    learned_rows,
    read_weights,
    set_statistics,
)
from training.network.model import DepthClassModel, build_model

SIZE = (64, 96)


def network(encoder: str = "tf_mobilenetv3_small_minimal_100", **changes) -> DepthClassModel:
    config = TrainConfig(
        encoder=encoder, encoder_weights="none", height=SIZE[0], width=SIZE[1], decoder_widths=(12, 8), **changes
    )
    return build_model(config, None, 2)


def trained(encoder: str, **changes) -> DepthClassModel:
    """A network with random weights and statistics, as training leaves them."""
    torch.manual_seed(1)
    model = network(encoder, **changes)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.1)
            nn.init.normal_(layer.bias, 0.0, 0.1)
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2.0)
    nn.init.normal_(model.decoder.head.weight, std=0.05)
    return model.eval()


def images(count: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, 3, *SIZE)).astype(np.float32))


@pytest.mark.parametrize(
    ("encoder", "changes"),
    [
        ("tf_mobilenetv3_small_minimal_100", {}),
        ("resnet18", {"bottleneck": 6}),
        ("tf_efficientnet_lite0", {"decoder_dropout": 0.0}),
    ],
)
def test_the_weights_of_an_export_give_what_was_exported(tmp_path: Path, encoder: str, changes: dict) -> None:
    model, found = trained(encoder, **changes), network(encoder, **changes)
    write_onnx(model, tmp_path / "model.onnx", SIZE)
    fill_from_weights(found, read_weights(tmp_path / "model.onnx"))
    with torch.no_grad():
        wanted, got = model(images(2)), found.eval()(images(2))
        assert got["depth"].numpy() == pytest.approx(wanted["depth"].numpy(), abs=1e-3)
        assert got["features"].numpy() == pytest.approx(wanted["features"].numpy(), abs=1e-3)
        set_statistics(found, images(5))
        assert found(images(2))["depth"].numpy() == pytest.approx(wanted["depth"].numpy(), abs=1e-3)


def test_with_statistics_the_network_answers_alike_while_it_learns(tmp_path: Path) -> None:
    """Without them batch norm, whose mean and deviation are then those of the batch, would change every answer."""
    model, found = trained("tf_mobilenetv3_small_minimal_100"), network(decoder_dropout=0.0)
    write_onnx(model, tmp_path / "model.onnx", SIZE)
    fill_from_weights(found, read_weights(tmp_path / "model.onnx"))
    set_statistics(found, images(5))
    with torch.no_grad():
        quiet = found.eval()(images(5))["depth"]
        found.decoder.train()
        learning = found(images(5))["depth"]
    assert learning.numpy() == pytest.approx(quiet.numpy(), rel=1e-3)


def test_the_shipped_bundle_is_a_checkpoint() -> None:
    bundle = ModelBundle.load(DEMO_BUNDLE)
    weights = read_weights(bundle.model_path)
    config = TrainConfig(height=bundle.height, width=bundle.width, bottleneck=128, decoder_widths=(96, 64, 16))
    model = build_model(config, class_head_of(weights), len(bundle.classes))
    fill_from_weights(model, weights)
    image = np.random.default_rng(3).integers(0, 256, (1, bundle.height, bundle.width, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(bundle.model_path, providers=["CPUExecutionProvider"])
    depth, scores = session.run(["depth", "class_scores"], {"image": image})
    from training.export.bundle_export import BundleGraph

    with torch.no_grad():
        found = BundleGraph(model).eval()(torch.from_numpy(image))
    assert found[0].numpy() == pytest.approx(depth, abs=1e-3)
    assert found[1].numpy() == pytest.approx(scores, abs=1e-4)
    weight, bias = learned_rows(weights, len(bundle.classes))
    assert (len(weight), len(bias)) == (4, 4)


def test_what_is_no_checkpoint_is_said(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(TrainingError, match=r"cannot be read as an ONNX model|is no checkpoint"):
        read_weights(path)
    write_onnx(trained("tf_mobilenetv3_small_minimal_100"), path, SIZE)
    with pytest.raises(TrainingError, match="no checkpoint of this network: it has no"):
        fill_from_weights(network("resnet18"), read_weights(path))
    with pytest.raises(TrainingError, match="not one of rows in ImageNet's classifier"):
        class_head_of(read_weights(path))
    wider = build_model(
        TrainConfig(encoder="tf_mobilenetv3_small_minimal_100", encoder_weights="none", decoder_widths=(16, 8)), None, 2
    )
    before = {name: value.clone() for name, value in wider.state_dict().items()}
    with pytest.raises(TrainingError, match=r"of another network: decoder\.blocks\.0\.convs\.0\.weight is \(12,"):
        fill_from_weights(wider, read_weights(path))
    assert all(torch.equal(value, before[name]) for name, value in wider.state_dict().items())
    graph = onnx.load(path)
    for tensor in graph.graph.initializer:
        if tensor.name.endswith("head.weight"):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    onnx.save(graph, path)
    with pytest.raises(TrainingError, match="is no checkpoint: export it with --precision fp32"):
        read_weights(path)
