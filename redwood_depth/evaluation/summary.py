"""From the scores of frames to the result of an evaluation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redwood_depth.evaluation.baselines import DepthHistogram, best_constant_m, constant_scores
from redwood_depth.evaluation.class_result import ClassScores
from redwood_depth.evaluation.classification import class_results
from redwood_depth.evaluation.depth_result import Baseline, DepthScores, DepthSummary, DistanceBin, PaperScores
from redwood_depth.evaluation.frame_scores import ClassFrame, FrameScores, distance_edges_m, mean_scores
from redwood_depth.evaluation.plausibility import copy_warning, prediction_warning, truth_warning
from redwood_depth.evaluation.result import ImageSizes, PerFrame, RecordingResult, Summary, Unscored
from redwood_depth.evaluation.scale_scores import scale_scores
from redwood_depth.evaluation.scoring import LEFT_OUT, BagEvaluation, EvaluationOptions
from redwood_depth.evaluation.units import unit_warning


@dataclass(frozen=True)
class Subject:
    """What is scored, as far as the numbers depend on it: a recorded topic has no training data and no classes.

    `timed`: the time that a prediction took is that of the model, not of reading it from a recording.
    """

    classes: tuple[str, ...] = ()
    class_threshold: float = 0.0
    training_median_m: float | None = None
    timed: bool = True


def summarize(evaluations: Sequence[BagEvaluation], subject: Subject, options: EvaluationOptions) -> Summary:
    """All frames, at least one, of the bags together."""
    frames = [frame for evaluation in evaluations for frame in evaluation.frames]
    left_out: Counter[str] = Counter()
    for evaluation in evaluations:
        left_out.update(evaluation.left_out)
    latencies_ms = [one.latency_ms for bag in evaluations for one in all_frames(bag)]
    return Summary(
        frames=len(frames),
        depth=_depth(frames, subject, options, one_recording=len(evaluations) == 1) if frames else None,
        left_out={name: left_out[name] for name in LEFT_OUT},
        focal_corrected=sum(evaluation.focal_corrected for evaluation in evaluations),
        depth_range_m=(options.min_depth_m, options.max_depth_m),
        latency_ms=float(np.median(latencies_ms)) if subject.timed else None,
        depth_not_scored=_depth_not_scored(evaluations),
        classes=_classes(evaluations, subject),
    )


def all_frames(evaluation: BagEvaluation) -> Sequence[FrameScores | ClassFrame]:
    """The scored frames of a bag with depth or without."""
    return evaluation.frames or evaluation.class_frames


def _depth_not_scored(evaluations: Sequence[BagEvaluation]) -> str | None:
    without = [one for one in evaluations if one.depth_not_scored]
    if len(evaluations) == 1 or not without:
        return evaluations[0].depth_not_scored
    return f"{len(without)} of {len(evaluations)} bags have no depth topic"


def _depth(
    frames: Sequence[FrameScores], subject: Subject, options: EvaluationOptions, *, one_recording: bool
) -> DepthSummary:
    edges_m = distance_edges_m(options.min_depth_m, options.max_depth_m)
    baselines = _baselines([frame.truth for frame in frames], subject.training_median_m)
    of_paper = [frame.paper for frame in frames if frame.paper is not None]
    return DepthSummary(
        scores=DepthScores.of(mean_scores([frame.depth.raw for frame in frames])),
        scaled=DepthScores.of(mean_scores([frame.depth.scaled for frame in frames])),
        baselines=baselines,
        by_distance=_by_distance(frames, edges_m, baselines["best_constant"].depth_m),
        paper=PaperScores(**mean_scores(of_paper)) if of_paper else None,
        **(scale_scores(frames) if one_recording else {}),
    )


def summarize_each(
    evaluations: Sequence[BagEvaluation], subject: Subject, options: EvaluationOptions
) -> tuple[Summary, list[RecordingResult]]:
    """The frames of all bags together, and each bag by itself."""
    together = summarize(evaluations, subject, options)
    if len(evaluations) == 1:  # what takes long is the same
        return together, [_recording(evaluations[0], subject, options, together)]
    return together, [summarize_bag(one, subject, options) for one in evaluations]


def summarize_bag(evaluation: BagEvaluation, subject: Subject, options: EvaluationOptions) -> RecordingResult:
    """One bag by itself: what it is, its scores, and those of each frame."""
    return _recording(evaluation, subject, options, summarize([evaluation], subject, options))


def _recording(
    evaluation: BagEvaluation, subject: Subject, options: EvaluationOptions, summary: Summary
) -> RecordingResult:
    first_ns, last_ns = evaluation.stamps_ns or (0, 0)
    return RecordingResult(
        bag=str(evaluation.path),
        label=evaluation.label,
        topics=evaluation.topics,
        sizes=_sizes(evaluation),
        duration_s=max(last_ns - first_ns, 0) / 1e9,
        damage=evaluation.part,
        warnings=_warnings(evaluation, options),
        summary=summary,
        unscored=[Unscored((stamp - first_ns) / 1e9, reason) for stamp, reason in evaluation.unscored],
        per_frame=per_frame(evaluation, subject),
        truth_digests=[frame.truth_digest for frame in evaluation.frames] or None,
    )


def _warnings(evaluation: BagEvaluation, options: EvaluationOptions) -> list[str]:
    units = unit_warning(evaluation.frames, evaluation.value_steps)
    off = [frame.depth.scale for frame in evaluation.frames] if not units else []
    found = [
        *evaluation.warnings,
        units,
        copy_warning(
            [frame.depth.raw["abs_rel"] for frame in evaluation.frames],
            [frame.truth.depths_mm[-1] / max(frame.truth.depths_mm[0], 1) for frame in evaluation.frames],
        ),
        *evaluation.truth_checks.warnings(),
        truth_warning(evaluation.typical_depths_m, options.min_depth_m, options.max_depth_m),
        prediction_warning(off) if off else None,
        f"the stamps go back {evaluation.clock_jumps} times: the clock was set" if evaluation.clock_jumps else None,
        f"the size of the images changes within the bag: {len(evaluation.sizes)} sizes"
        if len(evaluation.sizes) > 1
        else None,
    ]
    return [warning for warning in found if warning]


def per_frame(evaluation: BagEvaluation, subject: Subject) -> PerFrame:
    """Columns over the frames; None where a frame lacks a score."""
    frames, of_depth = all_frames(evaluation), evaluation.frames
    first_ns = evaluation.stamps_ns[0] if evaluation.stamps_ns else 0
    names = dict.fromkeys(name for frame in of_depth for name in frame.depth.raw)
    return PerFrame(
        stamp_ns=[frame.stamp_ns for frame in frames],
        time_s=[(frame.stamp_ns - first_ns) / 1e9 for frame in frames],
        scores={name: [_short(frame.depth.raw.get(name)) for frame in of_depth] for name in names},
        latency_ms=[_short(frame.latency_ms) for frame in frames] if subject.timed else None,
        class_scores=[[_rounded(float(score)) for score in frame.class_scores] for frame in frames],
    )


def _short(value: float | None) -> float | None:
    return None if value is None else _rounded(value)


def _rounded(value: float) -> float:
    return float(f"{value:.7g}")


def _sizes(evaluation: BagEvaluation) -> list[ImageSizes]:
    return [
        ImageSizes(list(color), None if evaluation.depth_not_scored else list(depth), count)
        for (color, depth), count in evaluation.sizes.most_common()
    ]


def _baselines(truths: list[DepthHistogram], training_median_m: float | None) -> dict[str, Baseline]:
    """Scores of the best constant depth (of these frames) and of the training data's median, with the depth itself."""
    constants = {"best_constant": best_constant_m(truths)}
    if training_median_m is not None:
        constants["training_median"] = training_median_m
    return {
        name: Baseline(depth_m, DepthScores.of(constant_scores(depth_m, truths))) for name, depth_m in constants.items()
    }


def _by_distance(frames: Sequence[FrameScores], edges_m: Sequence[float], constant_m: float) -> list[DistanceBin]:
    """Errors by true distance, over all pixels of all frames alike; bins without a pixel are skipped."""
    sums = np.sum([frame.depth.by_distance for frame in frames], axis=0)
    constants = _constant_by_distance([frame.truth for frame in frames], edges_m, constant_m)
    total = float(sums[:, 0].sum())
    return [
        DistanceBin(
            from_m=edges_m[index],
            to_m=edges_m[index + 1],
            share=pixels / total,
            mae=mae / pixels,
            abs_rel=abs_rel / pixels,
            bias_m=bias_m / pixels,
            constant_abs_rel=constants[index],
        )
        for index, (pixels, mae, abs_rel, bias_m) in enumerate(sums.tolist())
        if pixels
    ]


def _constant_by_distance(truths: list[DepthHistogram], edges_m: Sequence[float], constant_m: float) -> list[float]:
    depth_m = np.concatenate([truth.depths_mm for truth in truths]) / 1000.0
    count = np.concatenate([truth.counts for truth in truths]).astype(float)
    index = np.digitize(depth_m, edges_m[1:-1])
    pixels = np.bincount(index, count, len(edges_m) - 1)
    error = np.bincount(index, count * np.abs(constant_m - depth_m) / depth_m, len(edges_m) - 1)
    return [float(value) for value in error / np.maximum(pixels, 1)]


def _classes(evaluations: Sequence[BagEvaluation], subject: Subject) -> ClassScores | None:
    labeled = [(frame, one.label) for one in evaluations if one.label is not None for frame in all_frames(one)]
    if not labeled:
        return None
    scores = np.stack([frame.class_scores for frame, _ in labeled])
    labels = [label for _, label in labeled]
    return class_results(scores, labels, subject.classes, subject.class_threshold)
