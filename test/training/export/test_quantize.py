"""int8 of the bundled model: what is quantized, what stays in float, and how near it stays to fp32."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from bench.harness.tiny_bundle import write_tiny_bundle
from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.engines.reference_images import reference_images
from redwood_depth.errors import BundleError
from training.export.quantize import quantized_model, sensitive_nodes


@pytest.fixture(scope="module")
def demo() -> ModelBundle:
    return ModelBundle.load(DEMO_BUNDLE)


@pytest.fixture(scope="module")
def images(demo: ModelBundle) -> list[np.ndarray]:
    return reference_images(demo.height, demo.width)


@pytest.fixture(scope="module")
def int8(demo: ModelBundle, images: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    copy = tmp_path_factory.mktemp("int8") / "model.onnx"  # the scales' scratch files lie beside it
    copy.write_bytes(demo.model_path.read_bytes())
    steps: list[int] = []
    model = quantized_model(copy, iter(images), lambda: steps.append(1))
    assert len(steps) == len(images)
    assert [path.name for path in copy.parent.iterdir()] == ["model.onnx"]
    return model


def test_weights_are_int8_a_channel_without_zero_points_and_biases_float(int8: onnx.ModelProto) -> None:
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in int8.graph.initializer}
    nodes = [node for node in int8.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    zero_points = [weights[node.input[2]] for node in nodes if len(node.input) > 2]
    assert nodes
    assert all(points.dtype == np.int8 and not points.any() for points in zero_points), "TensorRT is symmetric"
    stored = [node for node in nodes if node.input[0] in weights]
    assert stored
    for node in stored:
        assert weights[node.input[0]].dtype == np.int8, "an int32 bias, which TensorRT refuses"
        assert weights[node.input[1]].shape == weights[node.input[0]].shape[:1], "one scale a channel"


def test_ends_and_depthwise_convolutions_stay_in_float(demo: ModelBundle, int8: onnx.ModelProto) -> None:
    makers = {name: node for node in int8.graph.node for name in node.output}
    kept = set(sensitive_nodes(onnx.load(demo.model_path).graph))
    convolutions = [node for node in int8.graph.node if node.op_type == "Conv"]
    quantized = {n.name for n in convolutions if (m := makers.get(n.input[1])) and m.op_type == "DequantizeLinear"}
    assert quantized == {node.name for node in convolutions} - kept
    assert len(quantized) > 20
    groups = {node.name: {a.name: a.i for a in node.attribute}.get("group", 1) for node in convolutions}
    assert {name for name, group in groups.items() if group > 1} <= kept
    assert convolutions[0].name in kept
    assert any("decoder.head" in node.input[1] for node in convolutions if node.name in kept)
    others = [node for node in int8.graph.node if node.op_type in ("Gemm", "MatMul", "Softmax", "Exp")]
    assert others
    assert not any(makers[n].op_type == "DequantizeLinear" for node in others for n in node.input if n in makers)


def test_scales_lie_behind_the_activation_not_before_it(int8: onnx.ModelProto) -> None:
    """ReLU6 cuts away most of what a convolution gives: a scale before it would span that too."""
    makers = {name: node for node in int8.graph.node for name in node.output}
    activations = [node for node in int8.graph.node if node.op_type in ("Clip", "LeakyRelu")]
    before = {makers[node.input[0]].op_type for node in activations}
    assert "Conv" in before
    assert "DequantizeLinear" not in before


def test_depth_stays_near_fp32(demo: ModelBundle, int8: onnx.ModelProto, images: list[np.ndarray]) -> None:
    sessions = [
        onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        for content in (demo.model_path.read_bytes(), int8.SerializeToString())
    ]
    depths = [np.stack([s.run(["depth"], {"image": image[None]})[0] for image in images]) for s in sessions]
    error = np.abs(depths[1] / depths[0] - 1)
    assert 0 < error.mean() < 0.06  # 0.036 on these drawn scenes, which the network was not trained for
    assert np.quantile(error, 0.99) < 0.25


def test_without_images_or_convolutions_there_is_nothing_to_quantize(demo: ModelBundle, tmp_path: Path) -> None:
    copy = tmp_path / "model.onnx"
    copy.write_bytes(demo.model_path.read_bytes())
    with pytest.raises(BundleError, match="int8 needs calibration images"):
        quantized_model(copy, [])
    tiny = write_tiny_bundle(tmp_path / "tiny")
    with pytest.raises(BundleError, match="no convolution to quantize"):
        quantized_model(tiny.model_path, reference_images(tiny.height, tiny.width))
