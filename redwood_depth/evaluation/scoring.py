"""Scoring a model on the RGB-D frames of a bag."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import BagError, EngineError
from redwood_depth.evaluation.frame_scores import ClassFrame, FrameScores, score_depth
from redwood_depth.evaluation.handover import quick_handover
from redwood_depth.evaluation.identity import truth_digest
from redwood_depth.evaluation.metrics import MAX_DEPTH_M, MIN_DEPTH_M, valid_depth
from redwood_depth.evaluation.plausibility import truth_warning, typical_depth_m
from redwood_depth.evaluation.ray_distance import along_axis, ray_warnings
from redwood_depth.evaluation.recordings import open_recording
from redwood_depth.evaluation.truth_checks import TruthChecks
from redwood_depth.evaluation.value_steps import ValueSteps
from redwood_depth.prediction import Prediction
from redwood_depth.rgbd import MAX_GAP_NS, FrameSource, RgbdFrame

LEFT_OUT = {
    "no_valid_depth": "frames without valid depth",
    "unpaired_color": "color images without depth",
    "unpaired_depth": "depth images without color",
    "corrupt": "images that cannot be read",
    "prediction_failed": "failed predictions",
    "not_predicted": "frames without a prediction",
}

# What is scored: the prediction for a pair's color image, or None where there is none (a recording with gaps).
Predict = Callable[[RgbdFrame], Prediction | None]
# The same for a recording: a context manager, entered before it is read.
OpenPredictions = Callable[[FrameSource], AbstractContextManager[Predict]]


@dataclass(frozen=True)
class EvaluationOptions:
    """What of a bag is scored. Topics that are None are found; `label` is the class that every frame shows, or None.

    `predicted_topic` is a recorded prediction, which is not taken as the ground truth. `paper` asks for
    metrics.paper_scores as well. `registered` says that depth is of the color image, whatever the recording says, `ray`
    that it is the distance along the ray; `depth_unit_m` what a unit of it is (None: as recorded, else as REP 118).
    """

    color_topic: str | None = None
    depth_topic: str | None = None
    camera_info_topic: str | None = None
    predicted_topic: str | None = None
    label: str | None = None
    min_depth_m: float = MIN_DEPTH_M
    max_depth_m: float = MAX_DEPTH_M
    paper: bool = False
    registered: bool = False
    depth_unit_m: float | None = None
    ray: bool = False

    def open(self, path: Path | str) -> FrameSource:
        """The recording at `path` with these topics. Raises BagError, ScanError."""
        return open_recording(
            path,
            color_topic=self.color_topic,
            depth_topic=self.depth_topic,
            camera_info_topic=self.camera_info_topic,
            predicted_topic=self.predicted_topic,
            may_lack_depth=self.label is not None,
            registered=self.registered,
            depth_unit_m=self.depth_unit_m,
        )


@dataclass
class BagEvaluation:
    """Scores of a bag's frames, and the count of everything that could not be scored, by reason.

    `stamps_ns` are the color stamps of the first and the last pair, `clock_jumps` how often stamps go back;
    `unscored` the stamps of pairs without a score, with the reason; `failure` is the last error of the model; `sizes`
    counts (color size, depth size) of the pairs, as (height, width); `typical_depths_m` has an entry a pair. Of a bag
    without depth there are `class_frames` instead of `frames`, and `depth_not_scored` says why. `corrupt_example` says
    what is wrong with the first message that cannot be read, `nearest_ns` how far color and depth are apart at least,
    `warnings` what else the reader has to say of the recording.
    """

    path: Path
    topics: dict[str, str | None]
    label: str | None = None
    frames: list[FrameScores] = field(default_factory=list)
    class_frames: list[ClassFrame] = field(default_factory=list)
    depth_not_scored: str | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    focal_corrected: int = 0
    damage: str | None = None
    corrupt_example: str | None = None
    nearest_ns: int | None = None
    failure: EngineError | None = None
    stamps_ns: tuple[int, int] | None = None
    clock_jumps: int = 0
    unscored: list[tuple[int, str]] = field(default_factory=list)
    sizes: Counter[tuple[tuple[int, int], tuple[int, ...]]] = field(default_factory=Counter)
    typical_depths_m: list[float] = field(default_factory=list)
    truth_checks: TruthChecks = field(default_factory=TruthChecks)
    value_steps: ValueSteps = field(default_factory=ValueSteps)
    warnings: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether the bag was undamaged and the model gave a usable output for every frame."""
        return self.part is None and not self.left_out["prediction_failed"]

    @property
    def part(self) -> str | None:
        """Why only a part of the bag could be read, None: all of it was."""
        if self.damage is None and self.left_out["corrupt"]:
            return f"{self.left_out['corrupt']} messages cannot be read, the first because: {self.corrupt_example}"
        return self.damage

    def left_out_words(self) -> str:
        """What was skipped, in words, with the evidence where color and depth never meet."""
        words = [f"{self.left_out[reason]} {text}" for reason, text in LEFT_OUT.items() if self.left_out[reason]]
        if self.left_out["corrupt"]:
            words.append(f"the first because: {self.corrupt_example}")
        if not self.sizes and self.nearest_ns is not None and self.nearest_ns > MAX_GAP_NS:
            nearest, most = self.nearest_ns / 1e9, MAX_GAP_NS / 1e6
            words.append(f"the nearest are {nearest:.3f} s apart, {most:g} ms at most would do: are they of one clock?")
        return ", ".join(words) or "nothing skipped"


@dataclass(frozen=True)
class ScoredFrame:
    """What was compared, for whoever draws or records it: `valid` marks the ground truth that counts.

    The scores of a frame without any ground truth are a ClassFrame.
    """

    pair: RgbdFrame
    prediction: Prediction
    valid: NDArray[np.bool_]
    scores: FrameScores | ClassFrame


def evaluate_bag(
    path: Path | str,
    predict: Predict,
    options: EvaluationOptions | None = None,
    progress: Callable[[int], None] = lambda expected: None,
    watch: Callable[[ScoredFrame], None] = lambda frame: None,
    threads: int = 1,
) -> BagEvaluation:
    """As `evaluate`, of whatever `path` is, and for predictions that do not depend on it."""
    options = options or EvaluationOptions()
    with options.open(path) as source:
        return evaluate(source, lambda _: nullcontext(predict), options, progress, watch, threads)


def evaluate(
    source: FrameSource,
    open_predictions: OpenPredictions,
    options: EvaluationOptions,
    progress: Callable[[int], None] = lambda expected: None,
    watch: Callable[[ScoredFrame], None] = lambda frame: None,
    threads: int = 1,
) -> BagEvaluation:
    """Predict every color image that has ground truth, and score it at the ground truth's size.

    Of a recording without depth the class is scored, where `options` has a label.

    Args:
        source: what is scored; it is read, and not closed.
        open_predictions: what is compared with it; see OpenPredictions.
        options: what of it is scored.
        progress: called after each pair of images with the number of pairs to expect in all.
        watch: called with each scored frame, in order, on the calling thread.
        threads: how many frames are predicted and scored at once. 1: in order, on the calling thread. More: the
            predictions are asked for from that many threads. The scores are the same.

    Raises:
        BagError: the recording holds no frame that can be scored.
        EngineError: the model failed on every frame.
    """
    result = BagEvaluation(source.path, dict(source.taken), options.label)
    result.depth_not_scored = source.lacks_depth
    with open_predictions(source) as predict:
        score = partial(_score_class if source.lacks_depth else _score_pair, predict=predict, options=options)
        for frame, outcome in _in_order(score, map(along_axis, source) if options.ray else source, threads):
            _note(result, frame, outcome)
            if isinstance(outcome, ScoredFrame):
                watch(outcome)
            progress(source.expected)
    _take_over(result, source, options)
    if not result.frames and not result.class_frames:
        if result.failure:
            raise result.failure
        units = truth_warning(result.typical_depths_m, options.min_depth_m, options.max_depth_m)
        why = "; ".join(filter(None, (result.left_out_words(), units, *result.warnings)))
        raise BagError(f"{source.path} holds no frame that can be scored: {why}")
    return result


def _take_over(result: BagEvaluation, source: FrameSource, options: EvaluationOptions) -> None:
    """What the source says once all of it was read."""
    skipped = source.skipped
    result.damage = source.damage
    result.warnings = [*source.warnings, *ray_warnings(source.taken.get("depth"), options.ray)]
    result.corrupt_example, result.nearest_ns = skipped.corrupt_example, skipped.nearest_ns
    result.left_out.update(
        unpaired_color=skipped.unpaired_color, unpaired_depth=skipped.unpaired_depth, corrupt=skipped.corrupt
    )


_Outcome = ScoredFrame | str | EngineError


def _in_order(
    score: Callable[[RgbdFrame], _Outcome], pairs: Iterable[RgbdFrame], threads: int
) -> Iterator[tuple[RgbdFrame, _Outcome]]:
    """Each pair with its outcome; as many pairs are held as keep all threads busy while one result is awaited."""
    if threads == 1:
        yield from ((pair, score(pair)) for pair in pairs)
        return
    with quick_handover(), ThreadPoolExecutor(threads, "score") as pool:
        waiting: deque[tuple[RgbdFrame, Future[_Outcome]]] = deque()
        for pair in pairs:
            waiting.append((pair, pool.submit(score, pair)))
            if len(waiting) > 2 * threads:
                first, future = waiting.popleft()
                yield first, future.result()
        yield from ((first, future.result()) for first, future in waiting)


def _note(result: BagEvaluation, pair: RgbdFrame, outcome: _Outcome) -> None:
    """Count a pair, and its scores or the reason why it has none."""
    first_ns, last_ns = result.stamps_ns or (pair.color_stamp_ns, pair.color_stamp_ns)
    result.clock_jumps += pair.color_stamp_ns < last_ns
    result.stamps_ns = first_ns, pair.color_stamp_ns
    result.sizes[pair.color.size, pair.depth_m.shape] += 1
    if typical_m := typical_depth_m(pair.depth_m):
        result.typical_depths_m.append(typical_m)
    if isinstance(outcome, ScoredFrame):
        result.focal_corrected += pair.intrinsics is not None
        if isinstance(outcome.scores, FrameScores):
            result.value_steps.add(pair.depth_m)
            result.truth_checks.add(pair, outcome.prediction.depth_m)
            result.frames.append(outcome.scores)
        else:
            result.class_frames.append(outcome.scores)
        return
    if isinstance(outcome, EngineError):
        result.failure = outcome
    reason = outcome if isinstance(outcome, str) else "prediction_failed"
    result.left_out[reason] += 1
    result.unscored.append((pair.color_stamp_ns, reason))


def _score_pair(pair: RgbdFrame, predict: Predict, options: EvaluationOptions) -> _Outcome:
    target = pair.depth_m
    valid = valid_depth(target, options.min_depth_m, options.max_depth_m)
    if not valid.any():
        return "no_valid_depth"
    predicted = _timed(predict, pair)
    if not isinstance(predicted, tuple):
        return predicted
    prediction, latency_ms = predicted
    limits = {"min_depth_m": options.min_depth_m, "max_depth_m": options.max_depth_m}
    scores = score_depth(prediction.depth_m, target, valid, **limits, paper=options.paper)
    if scores is None:
        return EngineError("the prediction has no depth where there is ground truth")
    of_frame = FrameScores(
        **vars(scores),
        stamp_ns=pair.color_stamp_ns,
        class_scores=prediction.class_scores,
        latency_ms=latency_ms,
        truth_digest=truth_digest(target),
    )
    return ScoredFrame(pair, prediction, valid, of_frame)


def _score_class(pair: RgbdFrame, predict: Predict, options: EvaluationOptions) -> _Outcome:
    predicted = _timed(predict, pair)
    if not isinstance(predicted, tuple):
        return predicted
    prediction, latency_ms = predicted
    nowhere = np.zeros(pair.depth_m.shape, bool)
    of_frame = ClassFrame(pair.color_stamp_ns, prediction.class_scores, latency_ms)
    return ScoredFrame(pair, prediction, nowhere, of_frame)


def _timed(predict: Predict, pair: RgbdFrame) -> tuple[Prediction, float] | str | EngineError:
    """The prediction and the time it took in ms; or why there is none."""
    started_s = time.perf_counter()
    try:
        prediction = predict(pair)
    except EngineError as error:
        return error
    return "not_predicted" if prediction is None else (prediction, 1000 * (time.perf_counter() - started_s))
