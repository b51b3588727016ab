"""The part of a result that is about the class of labeled frames."""

from dataclasses import dataclass

from redwood_depth.evaluation.records import entry


@dataclass(frozen=True)
class OneClass:
    """How well one class is found."""

    frames: int = entry("labeled frames that show it")
    precision: float | None = entry("share of the frames predicted as it that show it; null: no frame shows it")
    recall: float | None = entry("share of the frames that show it that are predicted as it; null: none shows it")


@dataclass(frozen=True)
class Confusion:
    """Counts of frames by true and predicted class."""

    true: list[str] = entry("names of the rows")
    answered: list[str] = entry("names of the columns")
    frames: list[list[int]] = entry("counts, a list a row")


@dataclass(frozen=True)
class ClassScores:
    """How well the class of labeled frames is found."""

    frames: int = entry("labeled frames")
    threshold: float = entry("least score of an answer")
    accuracy: float = entry("share of right answers")
    answered: float = entry("share of frames with a class at or above the threshold, whichever")
    top1: float | None = entry("share of frames whose true class comes first, whatever its score; null: all show none")
    mean_score: float | None = entry("mean score of the true class; null: all show none")
    macro_precision: float | None = entry("mean over the classes that have one")
    macro_recall: float | None = entry("mean over the classes that have one")
    per_class: dict[str, OneClass] = entry("by name")
    confusion: Confusion = entry("frames by true and predicted class, the last of both being `none`")
