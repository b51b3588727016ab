"""What a bundle loses by a smaller precision: both graphs on the same held-out frames."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.onnxruntime import open_session, run_session
from redwood_depth.errors import BundleError
from redwood_depth.evaluation.frame_scores import mean_scores, score_depth
from redwood_depth.evaluation.metrics import valid_depth
from training.data.dataset import CAMERA
from training.data.prepared_data import PreparedData, PreparedScan
from training.data.scan_preparation import resize_color
from training.export.half_arithmetic import HalfArithmetic

FRAMES_PER_SCAN = 24
ALLOWED = 0.10  # AbsRel may grow by this share

Frame = tuple[PreparedScan, int]
Outputs = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
Run = Callable[[npt.NDArray[np.uint8]], Outputs]


@dataclass(frozen=True)
class PrecisionLoss:
    """Differences from fp32 over all pixels, scores of both on ground truth, and how often classes agree."""

    precision: str
    split: str
    frames: int
    depth_median_m: float
    depth_p99_m: float
    abs_rel_fp32: float
    abs_rel: float
    mae_fp32: float
    mae: float
    class_agreement: float

    def to_json(self) -> dict[str, Any]:
        """For model.json: figures to four digits."""
        return {name: round(v, 4) if isinstance(v, float) else v for name, v in asdict(self).items()}

    def table(self) -> str:
        """For people: several lines."""
        return "\n".join(
            [
                f"{'':8} {'fp32':>8} {self.precision:>8}   on {self.frames} {self.split} frames",
                f"{'AbsRel':8} {self.abs_rel_fp32:8.4f} {self.abs_rel:8.4f}",
                f"{'MAE, m':8} {self.mae_fp32:8.4f} {self.mae:8.4f}",
                f"depth differs by {self.depth_median_m:.4f} m at the median, {self.depth_p99_m:.4f} m at the 99th "
                f"percentile; the class is the same on {self.class_agreement:.1%} of the frames",
            ]
        )

    def check(self) -> None:
        """Raises BundleError where AbsRel is worse by more than 10 %, or no number."""
        if not self.abs_rel <= (1 + ALLOWED) * self.abs_rel_fp32:
            raise BundleError(
                f"{self.precision} loses too much: AbsRel {self.abs_rel:.4f} instead of {self.abs_rel_fp32:.4f} on "
                f"{self.frames} {self.split} frames (limit {ALLOWED:.0%} more), MAE {self.mae:.4f} m instead of "
                f"{self.mae_fp32:.4f} m; nothing was written, export another precision"
            )


def measure_loss(
    fp32: Path, smaller: Path, bundle: ModelBundle, data: PreparedData, step: Callable[[str], None] = lambda note: None
) -> PrecisionLoss:
    """Run both model.onnx on frames of the test scans, or of the validation scans where there is no test.

    fp16 is computed in half precision, int8 in float arithmetic.

    `bundle` describes the smaller one. `step` is called for each frame.

    Raises:
        BundleError: no frames, or the smaller one gives NaN or infinity.
        EngineError: ONNX Runtime cannot load or run a graph.
        PreparedDataError: an array is damaged.
    """
    split = next((name for name in ("test", "validation") if data.scans(name)), "test")
    frames = spread_frames(data.scans(split), FRAMES_PER_SCAN)
    runs = (_runner(fp32, "fp32"), _runner(smaller, bundle.precision))
    differences, scores, agree = [], ([], []), []  # type: ignore[var-annotated]
    for scan, index in frames:
        image = frame_image(scan, index, bundle)
        outputs = [run(image) for run in runs]
        _refuse_infinite(outputs[1], bundle.precision)
        differences.append(np.abs(outputs[1][0] - outputs[0][0]).ravel())
        agree.append(len({_class_of(class_scores, bundle.class_threshold) for _, class_scores in outputs}) == 1)
        for rows, (depth_m, _) in zip(scores, outputs, strict=True):
            rows += [row] if (row := _against_ground_truth(depth_m, scan, index)) else []
        step(scan.name)
    if not scores[0]:
        raise BundleError(f"{data.folder} has no {split} frame with depth to compare on; prepare more scans")
    whole, small = (mean_scores(rows) for rows in scores)
    every = np.concatenate(differences)
    return PrecisionLoss(
        bundle.precision,
        split,
        len(frames),
        float(np.median(every)),
        float(np.quantile(every, 0.99)),
        whole["abs_rel"],
        small["abs_rel"],
        whole["mae"],
        small["mae"],
        float(np.mean(agree)),
    )


def spread_frames(scans: Sequence[PreparedScan], per_scan: int) -> list[Frame]:
    """(scan, frame) of `per_scan` frames at most of each scan, evenly spread."""
    return [
        (scan, int(index))
        for scan in scans
        for index in np.unique(np.linspace(0, len(scan) - 1, min(per_scan, len(scan))).astype(int))
    ]


def frame_image(scan: PreparedScan, index: int, bundle: ModelBundle) -> npt.NDArray[np.uint8]:
    """A frame's color (H, W, 3) uint8 at the bundle's size, resized as on the robot."""
    return resize_color(np.asarray(scan.image[index]), bundle.height, bundle.width)


def _runner(path: Path, precision: str) -> Run:
    """How a graph is computed so that the figures hold on every processor, whatever this one's int8 or fp16 is."""
    if precision == "fp16":
        return HalfArithmetic(path).run
    session = open_session(path, in_float=precision == "int8")
    return lambda image: run_session(session, image)


def _refuse_infinite(outputs: Outputs, precision: str) -> None:
    wrong = [float((~np.isfinite(output)).mean()) for output in outputs]
    if any(wrong):
        raise BundleError(
            f"the {precision} network gives NaN or infinity ({wrong[0]:.1%} of a frame's depth, {wrong[1]:.1%} of its "
            "class scores); nothing was written, export fp32"
        )


def _class_of(class_scores: npt.NDArray[np.float32], threshold: float) -> int:
    """The class, or -1 for none of them."""
    best = int(class_scores.argmax())
    return best if class_scores[best] >= threshold else -1


def _against_ground_truth(depth_m: npt.NDArray[np.float32], scan: PreparedScan, index: int) -> dict[str, float] | None:
    """Scores at the prepared size, as the robot's estimator gets there; None without ground truth."""
    whole = cv2.resize(depth_m, (scan.width, scan.height), interpolation=cv2.INTER_LINEAR)
    pred_m = whole * np.float32(scan.intrinsics.depth_scale(CAMERA))
    target_m = scan.depth[index].astype(np.float32) / 1000
    valid = valid_depth(target_m)
    scores = score_depth(pred_m, target_m, valid) if valid.any() else None
    return scores.depth.raw if scores else None
