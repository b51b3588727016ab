"""From the trained network to a model bundle: one ONNX file that takes the camera's bytes, checked against PyTorch."""

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from redwood_depth.bundle import BUNDLE_FILES, MODEL_FILE, ModelBundle, file_sha256
from redwood_depth.engines.onnxruntime import OnnxRuntimeEngine, open_session, run_session
from redwood_depth.engines.reference import add_reference
from redwood_depth.engines.tensorrt.fp16 import half_precision_model
from redwood_depth.errors import BundleError
from training.data.dataset import CAMERA
from training.data.prepared_data import PreparedData, is_rendered
from training.export.onnx_notes import without_notes
from training.export.precision_loss import PrecisionLoss, frame_image, measure_loss, spread_frames
from training.export.quantize import quantized_model
from training.network.model import DepthClassModel
from training.run.folder import TrainedRun

OPSET = 18
DEPTH_TOLERANCE_M = 1e-3
SCORE_TOLERANCE = 1e-4
CALIBRATION_FRAMES = 300

Step = Callable[[str], None]


class BundleGraph(nn.Module):
    """The graph of a bundle: image uint8 (1, H, W, 3) RGB -> depth float32 (1, H, W) m, class_scores float32 (1, C)."""

    def __init__(self, model: DepthClassModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        image = image.float().permute(0, 3, 1, 2).contiguous()  # the cast first: TensorRT refuses to transpose bytes
        if self.model.softness_px:  # as soft as the images it was trained on
            image = _softened(image, self.model.softness_px)
        outputs = self.model(image)
        return outputs["depth"], outputs["class_scores"]


def _softened(image: Tensor, sigma_px: float) -> Tensor:
    """A Gaussian over three pixels each way, (B, 3, H, W); no convolution: that would be computed in half precision."""
    side = math.exp(-1 / (2 * sigma_px**2))
    side /= 1 + 2 * side
    wide = functional.pad(image, (1, 1, 0, 0), mode="replicate")
    image = side * (wide[..., :-2] + wide[..., 2:]) + (1 - 2 * side) * image
    high = functional.pad(image, (0, 0, 1, 1), mode="replicate")
    return side * (high[..., :-2, :] + high[..., 2:, :]) + (1 - 2 * side) * image


def bundle_of(run: TrainedRun, folder: Path, name: str, version: str, precision: str = "fp32") -> ModelBundle:
    """What model.json will say of a run; its hash is still missing.

    Raises:
        TrainingError: run.json is missing or damaged.
    """
    config, info, metrics = run.module.config, run.info, run.metrics
    scores: dict[str, Any] = {
        f"classes of {kind}, held back": {name: round(rate, 4) for name, rate in rates.items()}
        for kind, rates in run.rates.items()
    }
    if metrics:
        scores |= split_scores_of(metrics, info["data"])
    weights = ["ImageNet (encoder)"] if run.encoder_weights == "imagenet" else []
    photos = [Path(config.photos).name] if config.photos and config.class_head == "imagenet" else []
    return ModelBundle(
        folder=folder,
        name=name,
        version=version,
        classes=run.module.classes,
        height=config.height,
        width=config.width,
        depth_range_m=config.depth_range_m,
        training_camera=CAMERA,
        encoder=config.encoder,
        precision=precision,
        class_threshold=run.threshold,
        training_median_m=round(run.training_median_m, 4),
        sha256="",
        trained_on=(*weights, *info["trained_on"], *photos),
        scores=scores,
    )


def split_scores_of(metrics: dict[str, Any], data: str) -> dict[str, Any]:
    """What a bundle keeps of the scores of a split of `data`: all, but of single scans those that are not rendered."""
    rest = {key: value for key, value in metrics.items() if key not in ("scans", "split")}
    scans = {name: scan for name, scan in metrics["scans"].items() if not is_rendered(name)}
    return {f"{metrics['split']} scans of {data}": rest | {"scans": scans}}


def export_bundle(
    model: DepthClassModel, bundle: ModelBundle, data: PreparedData, step: Step = lambda note: None
) -> tuple[ModelBundle, PrecisionLoss | None]:
    """Write `bundle.folder` with all files of a bundle; the bundle as loaded from there, and what it lost to fp32.

    The fp32 export is compared with PyTorch on images of `data`, a smaller `bundle.precision` with fp32 on its test
    scans, before anything is put in place. The folder is swapped in one step: what was there stays until the new one is
    known to be good. `bundle.sha256` and the loss in `bundle.scores` are filled in here. `step` is called often.

    Raises:
        BundleError: ONNX Runtime gives something else than PyTorch, a smaller precision loses too much, or the bundle
            cannot be written; `bundle.folder` is as it was.
        EngineError: the network cannot be converted to fp16, or ONNX Runtime cannot run it.
        PreparedDataError: an array of `data` is damaged.
    """
    folder = bundle.folder
    _check_place(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
            fresh, loss = Path(temporary) / "new", None
            fresh.mkdir()
            fp32 = fresh / MODEL_FILE if bundle.precision == "fp32" else Path(temporary) / "fp32.onnx"
            write_onnx(model, fp32, (bundle.height, bundle.width))
            step("exported")
            check_parity(model, fp32, check_images(data, bundle))
            step("compared with PyTorch")
            if bundle.precision != "fp32":
                _write_smaller(fp32, fresh / MODEL_FILE, bundle, data, step)
                loss = measure_loss(fp32, fresh / MODEL_FILE, bundle, data, step)
                loss.check()
                scores = {**bundle.scores, f"{bundle.precision} against fp32": loss.to_json()}
                bundle = replace(bundle, scores=scores)
            add_reference(replace(bundle, folder=fresh, sha256=file_sha256(fresh / MODEL_FILE)))
            OnnxRuntimeEngine(ModelBundle.load(fresh), threads=1).close()
            _swap(fresh, folder, Path(temporary) / "old")
    except OSError as error:
        raise BundleError(f"cannot write {folder}: {error.strerror or error}; nothing was changed") from error
    return ModelBundle.load(folder), loss


def check_images(data: PreparedData, bundle: ModelBundle, count: int = 8) -> list[npt.NDArray[np.uint8]]:
    """Images (H, W, 3) of the bundle's size, the middle frames of scans from all over the data."""
    scans = [data.all_scans[i] for i in np.unique(np.linspace(0, len(data.all_scans) - 1, count).astype(int))]
    return [frame_image(scan, len(scan) // 2, bundle) for scan in scans]


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
    assert program is not None  # None for other exporters than dynamo
    _save(program.model_proto, path)


def check_parity(model: DepthClassModel, path: Path, images: Sequence[npt.NDArray[np.uint8]]) -> tuple[float, float]:
    """Largest difference of depth (m) and of class scores between PyTorch and ONNX Runtime over `images` (H, W, 3).

    Raises:
        BundleError: one of them exceeds its tolerance.
    """
    session = open_session(path)
    graph = BundleGraph(model).eval()
    depth_error = score_error = 0.0
    for image in images:
        with torch.no_grad():
            depth, scores = (output.numpy() for output in graph(torch.from_numpy(image)[None]))
        onnx_depth, onnx_scores = run_session(session, image)
        depth_error = max(depth_error, float(np.abs(depth[0] - onnx_depth).max()))
        score_error = max(score_error, float(np.abs(scores[0] - onnx_scores).max()))
    if not (depth_error <= DEPTH_TOLERANCE_M and score_error <= SCORE_TOLERANCE):
        raise BundleError(
            f"the export differs from the trained model: depth by {depth_error:.2g} m (limit {DEPTH_TOLERANCE_M}), "
            f"scores by {score_error:.2g} (limit {SCORE_TOLERANCE})"
        )
    return depth_error, score_error


def _write_smaller(fp32: Path, path: Path, bundle: ModelBundle, data: PreparedData, step: Step) -> None:
    if bundle.precision == "fp16":
        _save(onnx.load_model_from_string(half_precision_model(fp32)), path)
        return
    scans = data.scans("train")
    if not scans:
        raise BundleError(f"int8 needs calibration images, and {data.folder} has no training scan; give other --data")
    frames = spread_frames(scans, -(-CALIBRATION_FRAMES // len(scans)))
    chosen = [frames[i] for i in np.unique(np.linspace(0, len(frames) - 1, CALIBRATION_FRAMES).astype(int))]
    images = (frame_image(scan, index, bundle) for scan, index in chosen)
    _save(quantized_model(fp32, images, lambda: step("calibrating")), path)


def _save(model: onnx.ModelProto, path: Path) -> None:
    model = without_notes(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _swap(fresh: Path, folder: Path, old: Path) -> None:
    """Put `fresh` in the place of `folder`, which becomes `old`, or comes back where that fails."""
    if folder.exists():
        folder.rename(old)
    try:
        fresh.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise


def _check_place(folder: Path) -> None:
    """Raise BundleError where `folder` holds something that is not a bundle: it would be replaced as a whole."""
    if folder.is_dir():
        other = sorted({path.name for path in folder.iterdir()} - set(BUNDLE_FILES))
        if other:
            raise BundleError(f"{folder} holds {other[0]}, which is not part of a bundle; choose another --output")
    elif folder.exists():
        raise BundleError(f"{folder} is not a folder; choose another --output")
