"""Fitting a bundle's calibration: recordings with something metric in them -> samples -> a scale, cross-checked."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bundle import ModelBundle
from redwood_depth.calibration.cross_check import CrossCheck, cross_check
from redwood_depth.calibration.floor import anchor_of_floor
from redwood_depth.calibration.record import Calibration, FittedOn
from redwood_depth.calibration.scale import DepthSample, fit_scale
from redwood_depth.errors import CalibrationError, EngineError
from redwood_depth.evaluation.baselines import DepthHistogram
from redwood_depth.evaluation.predictor import ModelPredictor
from redwood_depth.evaluation.scoring import EvaluationOptions, ScoredFrame, evaluate_bag
from redwood_depth.rgbd import RgbdFrame

_FLAT = 0.15  # of a wall's predicted depth, half of the spread between its 10th and 90th percentile, relative
Region = tuple[float, float, float, float]  # u0, v0, u1, v1 in shares of the image


@dataclass(frozen=True)
class Recording:
    """What was gathered of one recording; `truths` are histograms of its ground truth, none without depth images."""

    name: str
    samples: list[DepthSample]
    truths: list[DepthHistogram]
    warnings: list[str]

    @property
    def fitted_on(self) -> FittedOn:
        """Its name, and a digest of stamps and depths that knows it again."""
        digest = hashlib.sha256()
        for sample in self.samples:
            digest.update(np.int64(sample.stamp_ns).tobytes() + sample.log_true.tobytes())
        return FittedOn(self.name, digest.hexdigest()[:16], len(self.samples))


def with_depth_images(
    path: Path, predictor: ModelPredictor, options: EvaluationOptions, progress: Callable[[int], None]
) -> Recording:
    """Samples of what evaluate_bag scores of a recording. Raises BagError, ScanError, EngineError."""
    samples: list[DepthSample] = []

    def watch(frame: ScoredFrame) -> None:
        depths = frame.prediction.depth_m, frame.pair.depth_m, frame.valid
        samples.append(DepthSample.of_image(*depths, stamp_ns=frame.pair.color_stamp_ns))

    result = evaluate_bag(path, predictor, options, progress, watch, predictor.threads)
    return Recording(path.name, samples, [frame.truth for frame in result.frames], list(result.warnings))


def of_a_wall(
    path: Path,
    predictor: ModelPredictor,
    options: EvaluationOptions,
    progress: Callable[[int], None],
    *,
    distance_m: float,
    region: Region,
) -> Recording:
    """Samples of a wall that fills `region`, square to the camera and `distance_m` from its optical center.

    Raises:
        CalibrationError: the predicted wall is not flat in any frame; no frame.
    """

    def sample(frame: RgbdFrame, pred_m: NDArray[np.float32]) -> DepthSample | None:
        height, width = pred_m.shape
        u0, v0, u1, v1 = region
        wall = pred_m[round(v0 * height) : round(v1 * height), round(u0 * width) : round(u1 * width)]
        low, middle, high = np.percentile(wall, (10, 50, 90))
        if (high - low) / 2 > _FLAT * middle:
            return None
        true_m = np.full(wall.shape, distance_m, np.float32)
        return DepthSample.of_image(wall, true_m, np.ones(wall.shape, bool), stamp_ns=frame.color_stamp_ns)

    why = f"the model sees no flat wall in that region of any frame of {path}: choose another --region"
    return _without_depth(path, predictor, options, progress, sample, why)


def of_the_floor(
    path: Path,
    predictor: ModelPredictor,
    options: EvaluationOptions,
    progress: Callable[[int], None],
    *,
    camera_height_m: float,
    pitch_deg: float,
) -> Recording:
    """Samples of the floor below a camera `camera_height_m` above it that looks down by `pitch_deg`: one a frame.

    Raises:
        CalibrationError: the recording has no calibration, or the model sees no floor in any frame.
    """
    pitch = math.radians(pitch_deg)
    down = np.array([0.0, math.cos(pitch), math.sin(pitch)])

    def sample(frame: RgbdFrame, pred_m: NDArray[np.float32]) -> DepthSample | None:
        if frame.intrinsics is None:
            raise CalibrationError(f"{path} has no camera_info of its images: the floor cannot be found without it")
        camera = frame.intrinsics.scaled(*pred_m.shape)
        anchor = anchor_of_floor(pred_m, camera, camera_height_m=camera_height_m, down=down)
        if anchor.reason:
            return None
        log_true = np.array([math.log(camera_height_m)], np.float32)
        return DepthSample(frame.color_stamp_ns, log_true - np.float32(anchor.log_factor), log_true)

    why = f"the model sees no floor {camera_height_m:g} m below the camera in any frame of {path}: is --pitch right?"
    return _without_depth(path, predictor, options, progress, sample, why)


def _without_depth(
    path: Path,
    predictor: ModelPredictor,
    options: EvaluationOptions,
    progress: Callable[[int], None],
    sample: Callable[[RgbdFrame, NDArray[np.float32]], DepthSample | None],
    why_none: str,
) -> Recording:
    samples = []
    with replace(options, label=options.label or "").open(path) as source:
        for frame in source:
            try:
                found = sample(frame, predictor(frame).depth_m)
            except EngineError:
                found = None
            if found is not None and found.log_true.size:
                samples.append(found)
            progress(source.expected)
        warnings = list(source.warnings)
    if not samples:
        raise CalibrationError(why_none)
    return Recording(path.name, samples, [], warnings)


def fit(bundle: ModelBundle, recordings: Sequence[Recording], *, slope: bool = False) -> tuple[ModelBundle, CrossCheck]:
    """The bundle with a calibration fitted on all recordings, and what held-out ones say of it.

    Held out are stretches of time where there is one recording, else whole recordings in turn.

    Raises:
        CalibrationError: a slope is asked for and there is one recording; fewer than two frames.
    """
    if slope and len(recordings) < 2:
        raise CalibrationError("a slope fits the one recording and nothing else: --slope needs at least two")
    groups = [one.samples for one in recordings] if len(recordings) > 1 else None
    samples = [sample for one in recordings for sample in one.samples]
    check = cross_check(samples, slope=slope, groups=groups)
    if check is None:
        raise CalibrationError("one frame is too few to tell whether a scale holds: record some seconds")
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    fitted_on = tuple(one.fitted_on for one in recordings)
    scale = fit_scale(samples, slope=slope)
    record = Calibration(scale, fitted_on, now, check.abs_rel_before, check.abs_rel_after)
    return replace(bundle, calibration=record), check
