"""Results of an evaluation in plain numbers, under the names of the JSON output."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from redwood_depth.evaluation.baselines import DepthHistogram, best_constant_m, constant_scores
from redwood_depth.evaluation.classification import class_results
from redwood_depth.evaluation.frame_scores import ClassFrame, FrameScores, distance_edges_m, mean_scores
from redwood_depth.evaluation.plausibility import prediction_warning, truth_warning
from redwood_depth.evaluation.scoring import LEFT_OUT, BagEvaluation, EvaluationOptions


@dataclass(frozen=True)
class Subject:
    """What is scored, as far as the numbers depend on it: a recorded topic has no training data and no classes.

    `timed`: the time that a prediction took is that of the model, not of reading it from a recording.
    """

    classes: tuple[str, ...] = ()
    class_threshold: float = 0.0
    training_median_m: float | None = None
    timed: bool = True


def summarize(evaluations: Sequence[BagEvaluation], subject: Subject, options: EvaluationOptions) -> dict[str, Any]:
    """All frames, at least one, of the bags together; "frames" counts those whose depth was scored.

    "depth_not_scored" is there where a bag had no depth: why, in words.
    """
    frames = [frame for evaluation in evaluations for frame in evaluation.frames]
    left_out: Counter[str] = Counter()
    for evaluation in evaluations:
        left_out.update(evaluation.left_out)
    result = {
        "frames": len(frames),
        **(_depth(frames, subject, options) if frames else {}),
        "left_out": {name: left_out[name] for name in LEFT_OUT},
        "focal_corrected": sum(evaluation.focal_corrected for evaluation in evaluations),
        "depth_range_m": [options.min_depth_m, options.max_depth_m],
    }
    if subject.timed:
        result["latency_ms"] = float(np.median([one.latency_ms for bag in evaluations for one in all_frames(bag)]))
    without = [one for one in evaluations if one.depth_not_scored]
    if without:
        alone = without[0].depth_not_scored if len(evaluations) == 1 else None
        result["depth_not_scored"] = alone or f"{len(without)} of {len(evaluations)} bags have no depth topic"
    return result | _classes(evaluations, subject)


def all_frames(evaluation: BagEvaluation) -> Sequence[FrameScores | ClassFrame]:
    """The scored frames of a bag with depth or without."""
    return evaluation.frames or evaluation.class_frames


def _depth(frames: Sequence[FrameScores], subject: Subject, options: EvaluationOptions) -> dict[str, Any]:
    edges_m = distance_edges_m(options.min_depth_m, options.max_depth_m)
    baselines = _baselines([frame.truth for frame in frames], subject.training_median_m)
    result: dict[str, Any] = {
        **mean_scores([frame.depth.raw for frame in frames]),
        "scaled": mean_scores([frame.depth.scaled for frame in frames]),
        "baselines": baselines,
        "by_distance": _by_distance(frames, edges_m, baselines["best_constant"]["depth_m"]),
    }
    of_paper = [frame.paper for frame in frames if frame.paper is not None]
    if of_paper:
        result["paper"] = mean_scores(of_paper)
    return result


def summarize_each(
    evaluations: Sequence[BagEvaluation], subject: Subject, options: EvaluationOptions
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The frames of all bags together, and each bag by itself."""
    together = summarize(evaluations, subject, options)
    if len(evaluations) == 1:  # what takes long is the same
        return together, [_bag_entry(evaluations[0], subject, options, together)]
    return together, [summarize_bag(one, subject, options) for one in evaluations]


def summarize_bag(evaluation: BagEvaluation, subject: Subject, options: EvaluationOptions) -> dict[str, Any]:
    """One bag by itself: what it is, its scores, and under "per_frame" those of each frame, as columns."""
    return _bag_entry(evaluation, subject, options, summarize([evaluation], subject, options))


def _bag_entry(
    evaluation: BagEvaluation, subject: Subject, options: EvaluationOptions, scores: dict[str, Any]
) -> dict[str, Any]:
    first_ns, last_ns = evaluation.stamps_ns or (0, 0)
    return {
        "bag": str(evaluation.path),
        "label": evaluation.label,
        "topics": evaluation.topics,
        "sizes": _sizes(evaluation),
        "duration_s": max(last_ns - first_ns, 0) / 1e9,
        "damage": evaluation.part,
        "warnings": _warnings(evaluation, options),
        **scores,
        "unscored": [{"time_s": (stamp - first_ns) / 1e9, "reason": reason} for stamp, reason in evaluation.unscored],
        "per_frame": per_frame(evaluation, subject),
    }


def _warnings(evaluation: BagEvaluation, options: EvaluationOptions) -> list[str]:
    found = [
        *evaluation.warnings,
        truth_warning(evaluation.typical_depths_m, options.min_depth_m, options.max_depth_m),
        prediction_warning([frame.depth.scale for frame in evaluation.frames]) if evaluation.frames else None,
        f"the stamps go back {evaluation.clock_jumps} times: the clock was set" if evaluation.clock_jumps else None,
        f"the size of the images changes within the bag: {len(evaluation.sizes)} sizes"
        if len(evaluation.sizes) > 1
        else None,
    ]
    return [warning for warning in found if warning]


def per_frame(evaluation: BagEvaluation, subject: Subject) -> dict[str, list[Any]]:
    """Columns over the frames: stamp_ns, time_s since the first pair, every score, class_scores; None where missing."""
    frames, of_depth = all_frames(evaluation), evaluation.frames
    first_ns = evaluation.stamps_ns[0] if evaluation.stamps_ns else 0
    names = dict.fromkeys(name for frame in of_depth for name in frame.depth.raw)
    columns: dict[str, list[Any]] = {
        "stamp_ns": [frame.stamp_ns for frame in frames],
        "time_s": [(frame.stamp_ns - first_ns) / 1e9 for frame in frames],
    }
    columns |= {name: [_short(frame.depth.raw.get(name)) for frame in of_depth] for name in names}
    if subject.timed:
        columns["latency_ms"] = [_short(frame.latency_ms) for frame in frames]
    columns["class_scores"] = [[_short(float(score)) for score in frame.class_scores] for frame in frames]
    return columns


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.7g}")


def _sizes(evaluation: BagEvaluation) -> list[dict[str, Any]]:
    return [
        {"color": list(color), "depth": None if evaluation.depth_not_scored else list(depth), "frames": count}
        for (color, depth), count in evaluation.sizes.most_common()
    ]


def _baselines(truths: list[DepthHistogram], training_median_m: float | None) -> dict[str, dict[str, float]]:
    """Scores of the best constant depth (of these frames) and of the training data's median, with the depth itself."""
    constants = {"best_constant": best_constant_m(truths)}
    if training_median_m is not None:
        constants["training_median"] = training_median_m
    return {name: {"depth_m": depth_m, **constant_scores(depth_m, truths)} for name, depth_m in constants.items()}


def _by_distance(frames: Sequence[FrameScores], edges_m: Sequence[float], constant_m: float) -> list[dict[str, float]]:
    """Errors by true distance, over all pixels of all frames alike; bins without a pixel are left out.

    `constant_abs_rel` is that of the best constant depth, on all valid pixels.
    """
    sums = np.sum([frame.depth.by_distance for frame in frames], axis=0)
    constants = _constant_by_distance([frame.truth for frame in frames], edges_m, constant_m)
    rows = []
    for index, (pixels, *errors) in enumerate(sums.tolist()):
        if pixels:
            mae, abs_rel, bias_m = (error / pixels for error in errors)
            row = {"from_m": edges_m[index], "to_m": edges_m[index + 1], "share": pixels / float(sums[:, 0].sum())}
            rows.append(row | {"mae": mae, "abs_rel": abs_rel, "bias_m": bias_m, "constant_abs_rel": constants[index]})
    return rows


def _constant_by_distance(truths: list[DepthHistogram], edges_m: Sequence[float], constant_m: float) -> list[float]:
    depth_m = np.concatenate([truth.depths_mm for truth in truths]) / 1000.0
    count = np.concatenate([truth.counts for truth in truths]).astype(float)
    index = np.digitize(depth_m, edges_m[1:-1])
    pixels = np.bincount(index, count, len(edges_m) - 1)
    error = np.bincount(index, count * np.abs(constant_m - depth_m) / depth_m, len(edges_m) - 1)
    return [float(value) for value in error / np.maximum(pixels, 1)]


def _classes(evaluations: Sequence[BagEvaluation], subject: Subject) -> dict[str, Any]:
    labelled = [(frame, one.label) for one in evaluations if one.label is not None for frame in all_frames(one)]
    if not labelled:
        return {}
    scores = np.stack([frame.class_scores for frame, _ in labelled])
    labels = [label for _, label in labelled]
    return {"class": class_results(scores, labels, subject.classes, subject.class_threshold)}
