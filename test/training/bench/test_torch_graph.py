"""The usual node's model: the bundle's graph in PyTorch computes what ONNX Runtime does."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from bench.torch_graph import UnknownOperator, load_torch_model
from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle


def test_the_bundled_model_computes_the_same() -> None:
    bundle = ModelBundle.load(DEMO_BUNDLE)
    image = np.random.default_rng(0).integers(0, 255, (1, bundle.height, bundle.width, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(bundle.model_path, providers=["CPUExecutionProvider"])
    expected = session.run(["depth", "class_scores"], {"image": image})
    with torch.inference_mode():
        found = load_torch_model(bundle.model_path)(torch.from_numpy(image))
    for wanted, got in zip(expected, found, strict=True):
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-3, atol=1e-5)


def test_an_operator_that_is_not_written_is_named(tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("image", "depth")]
    node = helper.make_node("Erf", ["image"], ["depth"])
    onnx.save(helper.make_model(helper.make_graph([node], "graph", values[:1], values[1:])), tmp_path / "model.onnx")
    with pytest.raises(UnknownOperator, match="Erf"):
        load_torch_model(tmp_path / "model.onnx")
