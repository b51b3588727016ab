"""fp16 of an fp32 graph: what it keeps, how far it is off, what it refuses."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from tensorrt_builds import bundle_of, int8_bundle

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.engines.onnxruntime import OnnxRuntimeEngine
from redwood_depth.engines.reference_images import reference_images
from redwood_depth.engines.tensorrt.fp16 import half_precision_model
from redwood_depth.engines.tensorrt.verification import LIMITS, verify_engine
from redwood_depth.errors import EngineError


@pytest.fixture(scope="module")
def demo() -> ModelBundle:
    return ModelBundle.load(DEMO_BUNDLE)


def test_the_bundled_model_stays_within_the_limits(demo: ModelBundle, tmp_path: Path) -> None:
    half = bundle_of(half_precision_model(demo.model_path), demo, tmp_path / "half", "fp16")
    assert half.model_path.stat().st_size < 0.55 * demo.model_path.stat().st_size
    engine = OnnxRuntimeEngine(half, threads=1)
    verification = verify_engine(engine, demo, "fp16")
    assert verification.passed, verification.findings
    assert verification.limits == LIMITS["fp16"]


def test_in_true_half_precision_arithmetic_depth_keeps_its_digits(demo: ModelBundle) -> None:
    """ONNX Runtime computes fp16 graphs in fp32 on a processor; ONNX's reference evaluator rounds at every node."""
    image = reference_images(demo.height, demo.width)[0]
    half = ReferenceEvaluator(onnx.load_from_string(half_precision_model(demo.model_path)))
    depth, scores = (output[0] for output in half.run(["depth", "class_scores"], {"image": image[None]}))
    expected_depth, expected_scores = OnnxRuntimeEngine(demo, threads=1).infer(image)
    relative = np.abs(depth - expected_depth) / expected_depth
    assert relative.mean() < 0.002
    assert np.quantile(relative, 0.99) < 0.006
    assert np.abs(scores - expected_scores).max() < 0.005
    assert len(np.unique(depth)) > 2000  # the log depth's end is fp32: about 500 levels are left without


def test_the_ends_stay_fp32_and_the_middle_is_fp16(demo: ModelBundle) -> None:
    model = onnx.load_from_string(half_precision_model(demo.model_path))
    onnx.checker.check_model(model, full_check=True)
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    by_kind: dict[str, set[int]] = {}
    for node in model.graph.node:
        by_kind.setdefault(node.op_type, set()).update(types[name] for name in node.output if name in types)
    assert by_kind["Conv"] == by_kind["Resize"] == {TensorProto.FLOAT16}
    assert by_kind["Sub"] == by_kind["Sigmoid"] == {TensorProto.FLOAT}
    edges = {value.name: value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
    assert edges == {"image": TensorProto.UINT8, "depth": TensorProto.FLOAT, "class_scores": TensorProto.FLOAT}


def test_what_cannot_be_converted_is_refused(demo: ModelBundle, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="quantized already"):
        half_precision_model(int8_bundle(demo, tmp_path / "int8").model_path)
    kernel = numpy_helper.from_array(np.full((3, 3), 1e6, np.float32), "kernel")
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["float", "kernel"], ["depth"]),
    ]
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [4, 3])],
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, [4, 3])],
        [kernel],
    )
    path = tmp_path / "large.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString())
    with pytest.raises(EngineError, match=r"weight kernel reaches 1e\+06.*--precision fp32"):
        half_precision_model(path)
    path.write_bytes(b"no protobuf")
    with pytest.raises(EngineError, match="cannot convert"):
        half_precision_model(path)


def test_without_onnx_the_remedies_are_named(demo: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(EngineError, match="pip install onnx"):
        half_precision_model(demo.model_path)
