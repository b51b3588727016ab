"""Real builds with TensorRT-RTX, which needs no GPU for them: every precision, both networks, refusals."""

import os
import signal
import threading
from pathlib import Path

import onnx
import pytest
from densenet_bundle import write_densenet_bundle
from onnx import TensorProto, helper
from tensorrt_builds import Lines, installed_tensorrt_rtx, int8_bundle

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.engines.progress import Report
from redwood_depth.engines.tensorrt.api import TensorRTApi
from redwood_depth.engines.tensorrt.builder import ANY_GPU, Target, build_serialized, check_target, parse_capability
from redwood_depth.engines.tensorrt.engine_preparation import model_in_precision
from redwood_depth.errors import EngineError

ADA = Target(ANY_GPU, (8, 9))


@pytest.fixture(scope="module")
def rtx() -> TensorRTApi:
    return installed_tensorrt_rtx()


@pytest.fixture(scope="module")
def densenet(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    return write_densenet_bundle(tmp_path_factory.mktemp("densenet") / "bundle")


def build(api: TensorRTApi, bundle: ModelBundle, precision: str, report: Report | None = None) -> bytes:
    model = model_in_precision(bundle, precision)
    return build_serialized(api, model, bundle.name, ADA, None, report or Report())


def test_the_bundled_model_builds_in_every_precision(rtx: TensorRTApi, tmp_path: Path) -> None:
    demo = ModelBundle.load(DEMO_BUNDLE)
    fp32, fp16 = (len(build(rtx, demo, precision)) for precision in ("fp32", "fp16"))
    int8 = len(build(rtx, int8_bundle(demo, tmp_path / "int8"), "int8"))
    assert demo.model_path.stat().st_size < fp32 < 1.3 * demo.model_path.stat().st_size
    assert 0.45 < fp16 / fp32 < 0.6
    assert int8 > 0.4 * fp32  # TensorRT-RTX keeps float weights beside the scales and quantizes them on the GPU


def test_densenet169_builds_and_half_precision_halves_it(rtx: TensorRTApi, densenet: ModelBundle) -> None:
    fp32, fp16 = (len(build(rtx, densenet, precision)) for precision in ("fp32", "fp16"))
    assert fp32 > 84e6
    assert 0.45 < fp16 / fp32 < 0.6


def test_a_long_build_tells_its_phase_and_the_seconds(
    rtx: TensorRTApi, densenet: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redwood_depth.engines.progress._PERIOD_S", 0.1)
    lines = Lines()
    build(rtx, densenet, "fp32", lines.report())
    assert len(lines) >= 3
    assert all(line.startswith("building densenet169: ") and line.endswith(" s)") for line in lines)
    assert any(" of " in line for line in lines)


def test_a_build_can_be_stopped(rtx: TensorRTApi, densenet: ModelBundle) -> None:
    stopping = Report(cancelled=lambda: True)
    with pytest.raises(EngineError, match="building densenet169 was stopped"):
        build(rtx, densenet, "fp32", stopping)


def test_ctrl_c_ends_a_build(rtx: TensorRTApi, densenet: ModelBundle) -> None:
    before = signal.getsignal(signal.SIGINT)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        build(rtx, densenet, "fp32")
    timer.join()
    assert signal.getsignal(signal.SIGINT) is before


def test_the_parser_names_node_and_operator(rtx: TensorRTApi) -> None:
    nodes = [
        helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 3, 1, 2], name="move_channels"),
        helper.make_node("Cast", ["turned"], ["depth"], to=TensorProto.FLOAT),
    ]
    with pytest.raises(EngineError) as failure:
        build_serialized(rtx, graph(nodes, [1, 3, 24, 32]), "bad", ADA, None, Report())
    assert "cannot read bad: node move_channels (Transpose): " in str(failure.value)
    assert "UInt8" in str(failure.value)
    assert "\n" not in str(failure.value)
    assert "cudaError" not in str(failure.value)
    unknown = [helper.make_node("Sharpen", ["image"], ["depth"], name="sharpen", domain="mine")]
    with pytest.raises(EngineError, match=r"node sharpen \(Sharpen\): .*Plugin not found"):
        build_serialized(rtx, graph(unknown, [1, 24, 32]), "bad", ADA, None, Report())


def test_what_is_no_network_of_ours_is_refused(rtx: TensorRTApi) -> None:
    with pytest.raises(EngineError, match="Failed to parse the ONNX model"):
        build_serialized(rtx, b"no protobuf", "other", ADA, None, Report())
    for content in (b"xx", graph([helper.make_node("Cast", ["image"], ["depth"], to=1)], [1, 24, 32, 3])):
        with pytest.raises(EngineError, match="outputs depth and class_scores"):
            build_serialized(rtx, content, "other", ADA, None, Report())


def test_compute_capabilities(rtx: TensorRTApi) -> None:
    assert parse_capability("8.9") == (8, 9)
    assert parse_capability("12.0") == (12, 0)
    for text in ("89", "8.", "a.b", "8.9.1", ""):
        with pytest.raises(EngineError, match=r"written as 8\.9"):
            parse_capability(text)
    with pytest.raises(EngineError, match=r"cannot build for compute capability 3\.5; it knows 7\.5, "):
        check_target(rtx, Target(ANY_GPU, (3, 5)))
    check_target(rtx, Target("a GPU that is here", (3, 5)))


def graph(nodes: list[onnx.NodeProto], shape: list[int]) -> bytes:
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "bad",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 24, 32, 3])],
            [helper.make_tensor_value_info("depth", TensorProto.FLOAT, shape)],
        ),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)],
        ir_version=10,
    )
    return bytes(model.SerializeToString())
