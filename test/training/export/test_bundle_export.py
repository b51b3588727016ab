"""Bundles in every precision: the answers of PyTorch, a measured loss, and nothing in place unless it is good."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import yaml
from torch import nn

from redwood_depth.bundle import BUNDLE_FILES, PRECISIONS, ModelBundle
from redwood_depth.engines.onnxruntime import OnnxRuntimeEngine, open_session, run_session
from redwood_depth.engines.reference import reference_of, sampled
from redwood_depth.engines.tensorrt.fp16 import half_precision_model
from redwood_depth.engines.tensorrt.verification import verify_engine
from redwood_depth.errors import BundleError
from training.__main__ import main
from training.config import TrainConfig
from training.data.prepared_data import PreparedData
from training.export import bundle_export
from training.export.bundle_export import BundleGraph, bundle_of, check_images, check_parity, export_bundle
from training.export.precision_loss import PrecisionLoss, measure_loss
from training.run.checkpoints import BEST
from training.run.folder import CHECKPOINTS, CLASSES, CONFIG, TrainedRun, write_classes
from training.run.lightning_module import DepthClassModule


def write_run(run: Path, data: Path, config: TrainConfig) -> Path:
    """A run whose network has random weights, with depth that differs from pixel to pixel."""
    torch.manual_seed(0)
    module = DepthClassModule(config.to_dict(), PreparedData.load(data).classes, 2.0)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    nn.init.normal_(module.model.decoder.head.weight, std=0.02)
    (run / CHECKPOINTS).mkdir(parents=True)
    state = {"hyper_parameters": dict(module.hparams), "state_dict": module.state_dict(), "global_step": 0}
    torch.save(state, run / CHECKPOINTS / BEST)
    write_classes(run, {"threshold": 0.3, "rates": {"validation": {"balanced_accuracy": 0.5}}})
    (run / CONFIG).write_text(yaml.safe_dump(config.to_dict()))
    (run / "run.json").write_text(json.dumps({"data": "tiny", "data_folder": str(data), "trained_on": ["floor"]}))
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path, tiny_config) -> Path:
    return write_run(tmp_path_factory.mktemp("export") / "run", tiny_data, tiny_config())


@pytest.fixture
def data(tiny_data: Path) -> PreparedData:
    return PreparedData.load(tiny_data)


def described(run: Path, folder: Path, precision: str = "fp32") -> ModelBundle:
    return bundle_of(TrainedRun.load(run), folder, "test", "0", precision)


def network(run: Path):
    return TrainedRun.load(run).module.model


def test_an_fp32_bundle_answers_as_pytorch_does(run: Path, data: PreparedData, tmp_path: Path) -> None:
    folder, model = tmp_path / "models" / "new", network(run)
    bundle, loss = export_bundle(model, described(run, folder), data)
    assert loss is None
    assert bundle == ModelBundle.load(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(BUNDLE_FILES)
    assert bundle.trained_on == ("floor",)
    session = onnxruntime.InferenceSession(bundle.model_path, providers=["CPUExecutionProvider"])
    found = {node.name: (node.type, node.shape) for node in (*session.get_inputs(), *session.get_outputs())}
    assert found == {
        "image": ("tensor(uint8)", [1, 32, 64, 3]),
        "depth": ("tensor(float)", [1, 32, 64]),
        "class_scores": ("tensor(float)", [1, 2]),
    }
    graph = onnx.load(bundle.model_path)
    assert [opset.version for opset in graph.opset_import if opset.domain in ("", "ai.onnx")] == [18]
    assert graph.graph.node[0].op_type == "Cast", "TensorRT refuses to transpose bytes"
    assert not any(tensor.external_data for tensor in graph.graph.initializer)
    images = check_images(data, bundle)
    depth, scores = session.run(None, {"image": images[0][None]})
    assert depth.std() > 0.01
    assert 0 <= scores.min() <= scores.sum() <= 1 + 1e-5
    assert check_parity(model, bundle.model_path, images)[0] < 1e-4
    with torch.no_grad():
        model.decoder.head.bias.add_(0.1)
    with pytest.raises(BundleError, match="differs from the trained model: depth by"):
        check_parity(model, bundle.model_path, images)


def test_the_graph_takes_the_cameras_bytes(run: Path) -> None:
    image, model = np.random.default_rng(0).integers(0, 256, (32, 64, 3), np.uint8), network(run)
    model.softness_px = 0.0
    with torch.no_grad():
        depth, scores = BundleGraph(model)(torch.from_numpy(image)[None])
        expected = model(torch.from_numpy(image).permute(2, 0, 1)[None].float())
    torch.testing.assert_close(depth, expected["depth"])
    torch.testing.assert_close(scores, expected["class_scores"])


def test_the_command_exports_every_precision_and_measures_what_it_loses(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes, depths = {}, {}
    image = np.random.default_rng(1).integers(0, 256, (1, 32, 64, 3), np.uint8)
    for precision in PRECISIONS:
        folder = tmp_path / precision
        assert main(["export", str(run), "--output", str(folder), "--precision", precision]) == 0
        bundle = ModelBundle.load(folder)
        assert (bundle.precision, bundle.name) == (precision, "redwood-run")
        sizes[precision] = bundle.model_path.stat().st_size
        session = onnxruntime.InferenceSession(bundle.model_path, providers=["CPUExecutionProvider"])
        depths[precision] = session.run(["depth"], {"image": image})[0]
        content = bundle.model_path.read_bytes()
        assert str(Path.cwd()).encode() not in content
        assert str(tmp_path).encode() not in content
        assert not any(node.metadata_props or node.doc_string for node in onnx.load(bundle.model_path).graph.node)
        said = capsys.readouterr().out
        assert f"wrote {folder}: {precision}, 32x64" in said
        loss = bundle.scores.get(f"{precision} against fp32")
        assert (loss is None) == (precision == "fp32")
        if loss:
            assert (loss["split"], loss["frames"]) == ("test", 18)
            assert 0 < loss["depth_p99_m"] < 0.2
            assert loss["depth_median_m"] < loss["depth_p99_m"]
            assert f"AbsRel     {loss['abs_rel_fp32']:.4f}   {loss['abs_rel']:.4f}" in said
    assert sizes["fp16"] < 0.6 * sizes["fp32"]
    assert sizes["int8"] < sizes["fp32"]
    errors = {name: np.abs(depth - depths["fp32"]).mean() for name, depth in depths.items()}
    assert errors["fp32"] == 0 < errors["fp16"] < errors["int8"] < 0.1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PRECISIONS)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_full_disk_leaves_the_old_bundle_alone(
    run: Path, data: PreparedData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "model.json").write_text("old")
    save = onnx.save

    def until_full(model: onnx.ModelProto, path: Path | str, **options: object) -> None:
        if Path(path).parent.name == "new":
            raise OSError(errno.ENOSPC, "No space left on device")
        save(model, path, **options)

    monkeypatch.setattr(bundle_export.onnx, "save", until_full)
    with pytest.raises(BundleError, match="No space left on device; nothing was changed"):
        export_bundle(network(run), described(run, folder, precision), data)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert (folder / "model.json").read_text() == "old"


def test_a_bundle_that_is_not_as_good_is_not_put_in_place(
    run: Path, data: PreparedData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bundle"
    first, _ = export_bundle(network(run), described(run, folder), data)
    monkeypatch.setattr(bundle_export, "DEPTH_TOLERANCE_M", -1.0)
    with pytest.raises(BundleError, match="differs"):
        export_bundle(network(run), described(run, folder), data)
    monkeypatch.undo()
    monkeypatch.setattr("training.export.precision_loss.ALLOWED", -0.9)
    with pytest.raises(BundleError, match=r"int8 loses too much: AbsRel 0\.\d+ instead of 0\.\d+ on 18 test frames"):
        export_bundle(network(run), described(run, folder, "int8"), data)
    assert ModelBundle.load(folder) == first
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    monkeypatch.undo()
    second, _ = export_bundle(network(run), described(run, folder, "fp16"), data)
    assert ModelBundle.load(folder) == second != first


def test_nan_is_refused(run: Path, data: PreparedData, tmp_path: Path) -> None:
    bundle, _ = export_bundle(network(run), described(run, tmp_path / "bundle"), data)
    broken = onnx.load(bundle.model_path)
    bias = next(tensor for tensor in broken.graph.initializer if tensor.name.endswith("head.bias"))
    bias.CopyFrom(onnx.numpy_helper.from_array(np.array([np.nan], np.float32), bias.name))
    onnx.save(broken, tmp_path / "broken.onnx")
    for precision in ("fp16", "int8"):
        with pytest.raises(BundleError, match=rf"the {precision} network gives NaN.*\(100\.0% of a frame's depth"):
            measure_loss(bundle.model_path, tmp_path / "broken.onnx", replace(bundle, precision=precision), data)
    numbers = {"depth_median_m": 0.0, "depth_p99_m": 0.0, "mae_fp32": 1.0, "mae": 1.0, "class_agreement": 1.0}
    PrecisionLoss("int8", "test", 1, abs_rel_fp32=0.2, abs_rel=0.2199, **numbers).check()
    for abs_rel in (0.2201, float("nan")):
        with pytest.raises(BundleError, match="int8 loses too much"):
            PrecisionLoss("int8", "test", 1, abs_rel_fp32=0.2, abs_rel=abs_rel, **numbers).check()


def overflowing_graph(path: Path, height: int, width: int, gain: float) -> Path:
    """depth is 1 m and a little more of bright pixels; between two convolutions the values are `gain` times 0..765."""
    weights = {"up": np.full((1, 3, 1, 1), gain), "down": np.full((1, 1, 1, 1), 1e-3 / gain), "third": np.array(1e-3)}
    nodes = [
        onnx.helper.make_node("Cast", ["image"], ["float"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Transpose", ["float"], ["channels_first"], perm=[0, 3, 1, 2]),
        onnx.helper.make_node("Conv", ["channels_first", "up"], ["large"]),
        onnx.helper.make_node("Conv", ["large", "down"], ["small"]),
        onnx.helper.make_node("Squeeze", ["small", "channel"], ["map"]),
        onnx.helper.make_node("Add", ["map", "one"], ["depth"]),
        onnx.helper.make_node("ReduceMean", ["float", "pixels"], ["color"], keepdims=0),
        onnx.helper.make_node("Gather", ["color", "two"], ["channels"], axis=1),
        onnx.helper.make_node("Mul", ["channels", "third"], ["class_scores"]),
    ]
    values = {name: onnx.numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()}
    indices = {"channel": [1], "pixels": [1, 2], "two": [0, 1]}
    graph = onnx.helper.make_graph(
        nodes,
        "overflowing",
        [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, [1, height, width, 3])],
        [
            onnx.helper.make_tensor_value_info("depth", onnx.TensorProto.FLOAT, [1, height, width]),
            onnx.helper.make_tensor_value_info("class_scores", onnx.TensorProto.FLOAT, [1, 2]),
        ],
        [
            *values.values(),
            onnx.numpy_helper.from_array(np.ones((), np.float32), "one"),
            *(onnx.numpy_helper.from_array(np.array(value, np.int64), name) for name, value in indices.items()),
        ],
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10), path)
    return path


@pytest.mark.parametrize(("gain", "overflows"), [(20.0, False), (1000.0, True)])
def test_what_overflows_in_real_half_precision_is_refused(
    run: Path, data: PreparedData, tmp_path: Path, gain: float, overflows: bool
) -> None:
    """ONNX Runtime computes fp16 in fp32 on a processor and sees nothing of it."""
    bundle = described(run, tmp_path / "none", "fp16")
    fp32 = overflowing_graph(tmp_path / "fp32.onnx", bundle.height, bundle.width, gain)
    fp16 = tmp_path / "fp16.onnx"
    fp16.write_bytes(half_precision_model(fp32))
    assert all(np.isfinite(output).all() for output in run_session(open_session(fp16), check_images(data, bundle)[0]))
    if overflows:
        with pytest.raises(BundleError, match="the fp16 network gives NaN or infinity"):
            measure_loss(fp32, fp16, bundle, data)
    else:
        assert measure_loss(fp32, fp16, bundle, data).depth_p99_m < 2e-3


def test_int8_is_measured_in_float_arithmetic(run: Path, data: PreparedData, tmp_path: Path) -> None:
    """The loss and the reference outputs are those of the graph as it is written, not of this processor's int8."""
    bundle, loss = export_bundle(network(run), described(run, tmp_path / "int8", "int8"), data)
    reference = reference_of(bundle)
    assert reference.source == "the bundle's reference outputs"
    evaluator = open_session(bundle.model_path, in_float=True)
    for image, depth_m, scores in zip(reference.images, reference.depth_m, reference.class_scores, strict=True):
        again_m, again = run_session(evaluator, image)
        np.testing.assert_allclose(sampled(again_m), depth_m, rtol=1e-4)
        np.testing.assert_allclose(again, scores, atol=1e-4)
    assert loss is not None
    engine = OnnxRuntimeEngine(bundle, threads=1)
    assert verify_engine(engine, bundle, "int8").passed


def test_a_folder_that_holds_something_else_is_never_replaced(run: Path, data: PreparedData, tmp_path: Path) -> None:
    (tmp_path / "photos.jpg").write_text("mine")
    with pytest.raises(BundleError, match=r"holds photos\.jpg, which is not part of a bundle"):
        export_bundle(network(run), described(run, tmp_path), data)
    with pytest.raises(BundleError, match="is not a folder"):
        export_bundle(network(run), described(run, tmp_path / "photos.jpg"), data)
    assert (tmp_path / "photos.jpg").read_text() == "mine"


def test_what_cannot_be_exported_is_one_line(
    tiny_data: Path, tiny_config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path / "run", tiny_data, tiny_config())
    info, output = json.loads((run / "run.json").read_text()), ["--output", str(tmp_path / "bundle")]
    (run / "run.json").write_text(json.dumps({**info, "data_folder": str(tmp_path / "gone")}))
    _refused(["export", str(run), *output], "give --data DATA", capsys)
    (run / CHECKPOINTS / CLASSES).unlink()
    _refused(["export", str(run), *output], "is not trained to its end", capsys)
    (run / CHECKPOINTS / BEST).write_bytes(b"damaged")
    _refused(["export", str(run), *output], "is not a checkpoint of this package", capsys)
    _refused(["export", str(tmp_path / "nothing"), *output], "nothing was trained there", capsys)
    assert not (tmp_path / "bundle").exists()


def test_int8_without_training_scans_says_what_is_missing(run: Path, data: PreparedData, tmp_path: Path) -> None:
    tests_only = replace(data, splits=dict.fromkeys(data.splits, "test"))
    with pytest.raises(BundleError, match="int8 needs calibration images"):
        export_bundle(network(run), described(run, tmp_path / "bundle", "int8"), tests_only)
    assert not list(tmp_path.iterdir())


def _refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
