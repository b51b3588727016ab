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
from training.dataset import CAMERA
from training.model import DepthClassModel
from training.onnx_notes import without_notes
from training.prepare_scan import resize_color
from training.prepared_data import PreparedData
from training.run_folder import TrainedRun

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


def bundle_of(run: TrainedRun, folder: Path, name: str, version: str) -> ModelBundle:
    """What model.json will say of a run; its hash is still missing.

    Raises:
        TrainingError: run.json is missing or damaged.
    """
    config, info, metrics = run.module.config, run.info, run.metrics
    scores = {"class head, held back": run.rates}
    if metrics:
        scores[f"{metrics['split']} scans of {info['data']}"] = {
            key: value for key, value in metrics.items() if key not in ("scans", "split")
        } | {"scans": {name: scan for name, scan in metrics["scans"].items() if name.startswith("none/")}}
    weights = ["ImageNet (encoder)"] if config.encoder_weights == "imagenet" else []
    photos = [Path(config.photos).name] if config.photos and config.class_head == "imagenet" else []
    return ModelBundle(
        folder=folder, name=name, version=version, classes=run.module.classes, height=config.height, width=config.width,
        depth_range_m=config.depth_range_m, training_camera=CAMERA, encoder=config.encoder, precision="fp32",
        class_threshold=run.threshold, training_median_m=round(run.training_median_m, 4), sha256="",
        trained_on=(*weights, *info["trained_on"], *photos), scores=scores,
    )  # fmt: skip


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


def check_images(data: PreparedData, bundle: ModelBundle, count: int = 8) -> list[npt.NDArray[np.uint8]]:
    """Images (H, W, 3) of the bundle's size, the middle frames of scans from all over the data."""
    scans = [data.all_scans[i] for i in np.unique(np.linspace(0, len(data.all_scans) - 1, count).astype(int))]
    return [resize_color(np.asarray(scan.image[len(scan) // 2]), bundle.height, bundle.width) for scan in scans]


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
