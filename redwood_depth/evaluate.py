"""Scoring a model on the RGB-D frames of a bag."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redwood_depth.bag_pairs import RgbdPair, RgbdReader
from redwood_depth.bag_topics import find_rgbd_topics
from redwood_depth.bags import Bag
from redwood_depth.baselines import DepthHistogram
from redwood_depth.bundle import ModelBundle
from redwood_depth.errors import BagError, EngineError
from redwood_depth.estimator import Estimator
from redwood_depth.frame_scores import FrameScores, class_table, distance_edges_m, score_frame, summarize
from redwood_depth.metrics import MAX_DEPTH_M, MIN_DEPTH_M, valid_depth
from redwood_depth.prediction import Prediction

LEFT_OUT = {
    "no_valid_depth": "frames without valid depth",
    "unpaired_color": "colour images without depth",
    "unpaired_depth": "depth images without colour",
    "corrupt": "corrupt messages",
    "prediction_failed": "failed predictions",
    "not_predicted": "frames without a prediction",
}


# What is scored: the prediction for a pair's colour image, or None where there is none (a recording with gaps).
Predict = Callable[[RgbdPair], Prediction | None]


def by_model(estimator: Estimator) -> Predict:
    """Predictions of a model, at the ground truth's size and corrected for the camera's focal length."""

    def predict(pair: RgbdPair) -> Prediction:
        return estimator.predict(pair.color, pair.intrinsics, pair.depth_m.shape)

    return predict


@dataclass(frozen=True)
class EvaluationOptions:
    """What of a bag is scored. Topics that are None are found; `label` is the class that every frame shows, or None."""

    color_topic: str | None = None
    depth_topic: str | None = None
    camera_info_topic: str | None = None
    label: str | None = None
    min_depth_m: float = MIN_DEPTH_M
    max_depth_m: float = MAX_DEPTH_M


@dataclass
class BagEvaluation:
    """Scores of a bag's frames, and the count of everything that could not be scored, by reason."""

    path: Path
    topics: dict[str, str | None]
    frames: list[FrameScores] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    focal_corrected: int = 0
    damage: str | None = None

    @property
    def complete(self) -> bool:
        """Whether the bag was undamaged and the model gave a usable output for every frame."""
        return self.damage is None and not self.left_out["prediction_failed"]

    def left_out_words(self) -> str:
        """What was left out, in words."""
        words = [f"{self.left_out[reason]} {text}" for reason, text in LEFT_OUT.items() if self.left_out[reason]]
        return ", ".join(words) or "nothing left out"


def evaluate_bag(
    path: Path | str,
    predict: Predict,
    options: EvaluationOptions | None = None,
    progress: Callable[[int], None] = lambda expected: None,
) -> BagEvaluation:
    """Predict every colour image that has ground truth, and score it at the ground truth's size.

    Args:
        path: a bag folder, or a single .mcap or .db3 file.
        predict: what is scored; see Predict.
        options: None: the defaults.
        progress: called after each pair of images with the number of pairs to expect in all.

    Raises:
        BagError: the bag cannot be read, lacks a topic, or holds no frame that can be scored.
        EngineError: the model failed on every frame.
    """
    options = options or EvaluationOptions()
    with Bag.open(path) as bag:
        topics = find_rgbd_topics(bag, options.color_topic, options.depth_topic, options.camera_info_topic)
        reader = RgbdReader(bag, topics)
        expected = min(topic.count for topic in bag.topics if topic.name in (topics.color, topics.depth))
        result = BagEvaluation(bag.path, dict(vars(topics)))
        failure: EngineError | None = None
        for pair in reader:
            try:
                _score_pair(pair, predict, options, result)
            except EngineError as error:
                result.left_out["prediction_failed"] += 1
                failure = error
            progress(expected)
        result.damage = bag.damage
    result.left_out.update(
        unpaired_color=reader.unpaired_color, unpaired_depth=reader.unpaired_depth, corrupt=reader.corrupt
    )
    if not result.frames and failure:
        raise failure
    if not result.frames:
        raise BagError(f"{path} holds no frame that can be scored: {result.left_out_words()}")
    return result


def _score_pair(pair: RgbdPair, predict: Predict, options: EvaluationOptions, result: BagEvaluation) -> None:
    target = pair.depth_m
    valid = valid_depth(target, options.min_depth_m, options.max_depth_m)
    if not valid.any():
        result.left_out["no_valid_depth"] += 1
        return
    started_s = time.perf_counter()
    prediction = predict(pair)
    latency_ms = 1000 * (time.perf_counter() - started_s)
    if prediction is None:
        result.left_out["not_predicted"] += 1
        return
    edges_m = distance_edges_m(options.min_depth_m, options.max_depth_m)
    scores = score_frame(prediction.depth_m, target, valid, edges_m)
    if scores is None:
        raise EngineError("the prediction has no depth where there is ground truth")
    result.focal_corrected += pair.intrinsics is not None
    truth = DepthHistogram.of(target[valid])
    result.frames.append(FrameScores(*scores[:2], truth, scores[2], prediction.class_scores, latency_ms))


def report(evaluations: list[BagEvaluation], bundle: ModelBundle, options: EvaluationOptions) -> dict[str, Any]:
    """All frames of the bags together, in plain numbers, as the JSON output holds them."""
    frames = [frame for evaluation in evaluations for frame in evaluation.frames]
    left_out: Counter[str] = Counter()
    for evaluation in evaluations:
        left_out.update(evaluation.left_out)
    edges_m = distance_edges_m(options.min_depth_m, options.max_depth_m)
    result = summarize(frames, edges_m, bundle.training_median_m)
    result["left_out"] = {name: left_out[name] for name in LEFT_OUT}
    result["focal_corrected"] = sum(evaluation.focal_corrected for evaluation in evaluations)
    result["depth_range_m"] = [options.min_depth_m, options.max_depth_m]
    if options.label is not None:
        table = class_table(frames, bundle.classes.index(options.label), bundle.class_threshold)
        result["class"] = {"label": options.label, "threshold": bundle.class_threshold, **table}
    return result
