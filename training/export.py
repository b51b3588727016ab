"""From the trained network to a model bundle: one ONNX file that takes the camera's bytes, checked against PyTorch."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from redwood_depth.bundle import MODEL_FILE, ModelBundle, file_sha256
from redwood_depth.errors import BundleError
from training.model import DepthClassModel
from training.onnx_notes import without_notes

OPSET = 18
DEPTH_TOLERANCE_M = 1e-3
SCORE_TOLERANCE = 1e-4


class BundleGraph(nn.Module):
    """The graph of a bundle: image uint8 (1, H, W, 3) RGB -> depth float32 (1, H, W) m, class_scores float32 (1, C)."""

    def __init__(self, model: DepthClassModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.model(image.float().permute(0, 3, 1, 2))  # the cast first: TensorRT refuses to transpose bytes
        return outputs["depth"], outputs["class_scores"]


def export_bundle(
    model: DepthClassModel, bundle: ModelBundle, check_images: Sequence[npt.NDArray[np.uint8]]
) -> ModelBundle:
    """Write `bundle.folder` with model.onnx and model.json; returns the bundle as loaded from there.

    The export is compared with PyTorch on `check_images` (H, W, 3) before anything is put in place, and the folder is
    swapped in one step: what was there stays until the new one is known to be good. `bundle.sha256` is filled in here.

    Raises:
        BundleError: ONNX Runtime gives something else than PyTorch.
    """
    bundle.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=bundle.folder.parent, prefix=f".{bundle.folder.name}-") as temporary:
        fresh = Path(temporary) / "new"
        fresh.mkdir()
        write_onnx(model, fresh / MODEL_FILE, (bundle.height, bundle.width))
        check_parity(model, fresh / MODEL_FILE, check_images)
        replace(bundle, folder=fresh, sha256=file_sha256(fresh / MODEL_FILE)).write_description()
        ModelBundle.load(fresh)
        if bundle.folder.exists():
            bundle.folder.rename(Path(temporary) / "old")
        fresh.rename(bundle.folder)
    return ModelBundle.load(bundle.folder)


def write_onnx(model: DepthClassModel, path: Path, size: tuple[int, int]) -> None:
    """Export to one ONNX file with fixed sizes, and check it by ONNX's own rules."""
    image = torch.zeros(1, *size, 3, dtype=torch.uint8)
    program = torch.onnx.export(
        BundleGraph(model).eval(),
        (image,),
        input_names=["image"],
        output_names=["depth", "class_scores"],
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    graph = without_notes(program.model_proto)
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)


def check_parity(model: DepthClassModel, path: Path, images: Sequence[npt.NDArray[np.uint8]]) -> tuple[float, float]:
    """Largest difference of depth (m) and of class scores between PyTorch and ONNX Runtime over `images` (H, W, 3).

    Raises:
        BundleError: one of them exceeds its tolerance.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    graph = BundleGraph(model).eval()
    depth_error = score_error = 0.0
    for image in images:
        with torch.no_grad():
            depth, scores = (output.numpy() for output in graph(torch.from_numpy(image)[None]))
        onnx_depth, onnx_scores = session.run(["depth", "class_scores"], {"image": image[None]})
        depth_error = max(depth_error, float(np.abs(depth - onnx_depth).max()))
        score_error = max(score_error, float(np.abs(scores - onnx_scores).max()))
    if not (depth_error <= DEPTH_TOLERANCE_M and score_error <= SCORE_TOLERANCE):
        raise BundleError(
            f"the export differs from the trained model: depth by {depth_error:.2g} m (limit {DEPTH_TOLERANCE_M}), "
            f"scores by {score_error:.2g} (limit {SCORE_TOLERANCE})"
        )
    return depth_error, score_error
