"""How well the class of labeled frames is found: accuracy, precision, recall, confusion."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bundle import NO_CLASS
from redwood_depth.evaluation.class_result import ClassScores, Confusion, OneClass


def class_results(
    scores: NDArray[np.float32], labels: Sequence[str], classes: Sequence[str], threshold: float
) -> ClassScores:
    """Results of N frames whose class is known.

    A frame is answered with its best class where that reaches `threshold`, which is when the node publishes it, else
    with "none", which is right where the label is "none". `top1` and `mean_score` ignore the threshold, and frames
    with that label; None where there are no others. `answered` is the share of frames with a class at or above the
    threshold, whichever. A class that no frame shows has neither precision nor recall, one that was never answered has
    no precision; the macro means are over those that have one. (torchmetrics counts 0 in all these cases, but for a
    class that is neither shown nor answered, which it skips.)

    Args:
        scores: (N, C), N at least 1.
        labels: N names, each of `classes` or "none".
        classes: the names of the C classes.
        threshold: least score of an answer.
    """
    names = [*classes, NO_CLASS]
    true = np.array([names.index(label) for label in labels])
    shown = true < len(classes)
    best = scores.argmax(axis=1)
    answer = np.where(scores[np.arange(len(best)), best] >= threshold, best, len(classes))
    confusion = np.zeros((len(names), len(names)), np.int64)  # true, answered
    np.add.at(confusion, (true, answer), 1)
    per_class = {name: _one_class(confusion, index) for index, name in enumerate(classes)}
    return ClassScores(
        frames=len(labels),
        threshold=threshold,
        accuracy=float(np.mean(answer == true)),
        answered=float(np.mean(answer < len(classes))),
        top1=float(np.mean(best[shown] == true[shown])) if shown.any() else None,
        mean_score=float(scores[shown, true[shown]].mean()) if shown.any() else None,
        macro_precision=_mean([row.precision for row in per_class.values()]),
        macro_recall=_mean([row.recall for row in per_class.values()]),
        per_class=per_class,
        confusion=Confusion(names, names, confusion.tolist()),
    )


def _one_class(confusion: NDArray[np.int64], index: int) -> OneClass:
    right = int(confusion[index, index])
    answered, shown = int(confusion[:, index].sum()), int(confusion[index].sum())
    return OneClass(
        frames=shown,
        precision=right / answered if answered and shown else None,
        recall=right / shown if shown else None,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
