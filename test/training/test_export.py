"""The exported graph: names, types, the same answers as PyTorch, and nothing put in place unless they are."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from redwood_depth.bundle import ModelBundle
from redwood_depth.camera import TrainingCamera
from redwood_depth.errors import BundleError
from training import export
from training.class_head import CLASS_GROUPS
from training.export import BundleGraph, check_parity, export_bundle
from training.model import DepthClassModel

SIZE = (64, 96)


def description(folder: Path) -> ModelBundle:
    return ModelBundle(
        folder=folder,
        name="test",
        version="0",
        classes=tuple(CLASS_GROUPS),
        height=SIZE[0],
        width=SIZE[1],
        depth_range_m=(0.1, 10.0),
        training_camera=TrainingCamera(525 / 640, 525 / 480),
        encoder="tf_efficientnet_lite0",
        precision="fp32",
        class_threshold=0.05,
        training_median_m=1.5,
        sha256="",
    )


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8) for _ in range(2)]


def test_a_bundle_is_exported_checked_and_swapped_in(model: DepthClassModel, images, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "demo"
    bundle = export_bundle(model, description(folder), images)
    assert bundle == ModelBundle.load(folder)
    session = onnxruntime.InferenceSession(bundle.model_path, providers=["CPUExecutionProvider"])
    found = {node.name: (node.type, node.shape) for node in (*session.get_inputs(), *session.get_outputs())}
    assert found == {
        "image": ("tensor(uint8)", [1, 64, 96, 3]),
        "depth": ("tensor(float)", [1, 64, 96]),
        "class_scores": ("tensor(float)", [1, 3]),
    }
    graph = onnx.load(bundle.model_path)
    assert [opset.version for opset in graph.opset_import if opset.domain in ("", "ai.onnx")] == [18]
    assert graph.graph.node[0].op_type == "Cast", "TensorRT refuses to transpose bytes"
    assert not any(tensor.external_data for tensor in graph.graph.initializer)
    assert str(Path.cwd()).encode() not in bundle.model_path.read_bytes()
    assert not any(node.metadata_props or node.doc_string for node in graph.graph.node)
    _, scores = session.run(None, {"image": images[0][None]})
    assert 0 <= scores.min() <= scores.sum() <= 1 + 1e-5
    assert check_parity(model, bundle.model_path, images)[0] < 1e-4

    with torch.no_grad():
        model.decoder.head.bias.add_(1.0)
    with pytest.raises(BundleError, match="differs from the trained model"):
        check_parity(model, bundle.model_path, images)


def test_a_failed_export_leaves_the_old_bundle_alone(
    model: DepthClassModel, images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "keep.txt").write_text("old")
    monkeypatch.setattr(export, "DEPTH_TOLERANCE_M", -1.0)
    with pytest.raises(BundleError, match="differs"):
        export_bundle(model, description(folder), images)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert (folder / "keep.txt").read_text() == "old"


def test_the_graph_takes_the_cameras_bytes(model: DepthClassModel, images) -> None:
    with torch.no_grad():
        depth, scores = BundleGraph(model)(torch.from_numpy(images[0])[None])
        expected = model(torch.from_numpy(images[0]).permute(2, 0, 1)[None].float())
    torch.testing.assert_close(depth, expected["depth"])
    torch.testing.assert_close(scores, expected["class_scores"])
