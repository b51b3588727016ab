"""A bag with image, ground truth, prediction and error beside each other, for RViz and Foxglove."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.bags import driver_messages
from redwood_depth.bags.message_types import typestore
from redwood_depth.bags.writer import BagWriter
from redwood_depth.evaluation.frame_scores import FrameScores
from redwood_depth.evaluation.scoring import ScoredFrame

NAMESPACE = "/evaluation"
_JPEG_QUALITY = 90


class ComparisonWriter:
    """A context manager that writes each scored frame, everything at the stamp of its color image.

    Below NAMESPACE: image/compressed (JPEG), true_depth and predicted_depth (32FC1 meters, NaN where there is none or
    it does not count), relative_error (32FC1: (p - t) / t), camera_info where the calibration is known, and
    classification with all classes where there are class scores. Of a bag without depth there is neither truth nor
    error.
    """

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        """Raises BagError where `path` exists already, or cannot be written."""
        self._writer = BagWriter(path)
        self._classes = classes

    def write(self, frame: ScoredFrame) -> None:
        stamp_us = frame.pair.color_stamp_ns // 1000
        for name, message in self._messages(frame, stamp_us).items():
            self._writer.write(f"{NAMESPACE}/{name}", message, frame.pair.color_stamp_ns)

    def _messages(self, frame: ScoredFrame, stamp_us: int) -> dict[str, Any]:
        pred_m = frame.prediction.depth_m
        messages = {
            "image/compressed": driver_messages.compressed_color(_jpeg(frame.pair.color.rgb()), stamp_us),
            "predicted_depth": driver_messages.image(pred_m, "32FC1", stamp_us),
        }
        if isinstance(frame.scores, FrameScores):
            true_m = np.where(frame.valid, frame.pair.depth_m, np.float32(np.nan))
            error = pred_m / true_m - np.float32(1.0)
            messages["true_depth"] = driver_messages.image(true_m, "32FC1", stamp_us)
            messages["relative_error"] = driver_messages.image(error, "32FC1", stamp_us)
        if frame.pair.intrinsics:
            messages["camera_info"] = driver_messages.camera_info(frame.pair.intrinsics, stamp_us)
        if frame.prediction.class_scores.size:
            messages["classification"] = self._classification(frame.prediction.class_scores, stamp_us)
        return messages

    def _classification(self, scores: NDArray[np.float32], stamp_us: int) -> Any:
        types = typestore().types
        hypothesis = types["vision_msgs/msg/ObjectHypothesis"]
        results = [hypothesis(name, float(score)) for name, score in zip(self._classes, scores, strict=True)]
        results.sort(key=lambda result: -result.score)
        return types["vision_msgs/msg/Classification"](driver_messages.header(stamp_us), results)

    def __enter__(self) -> "ComparisonWriter":
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, traceback)


def _jpeg(image_rgb: NDArray[np.uint8]) -> bytes:
    image_bgr = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", image_bgr, (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))[1])
