"""The result of an evaluation: these classes are the one definition of the JSON that evaluate_bag and demo write."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from redwood_depth.errors import BagError
from redwood_depth.evaluation.class_result import ClassScores
from redwood_depth.evaluation.depth_result import DepthSummary
from redwood_depth.evaluation.live_result import LiveScores
from redwood_depth.evaluation.records import entry, from_json, to_json


@dataclass(frozen=True)
class ScoredModel:
    """What was scored: a bundle's model, or a recorded topic (whose name is the topic; what is not known is empty)."""

    name: str = entry("of the bundle, or the topic")
    version: str = entry("of the bundle")
    sha256: str = entry("of model.onnx")
    precision: str = entry("fp32, fp16 or int8")
    input: str = entry("width x height of what the network sees, in pixels")
    classes: list[str] = entry("the classes that it knows, in the order of the scores")
    class_threshold: float = entry("score from which a class is an answer")
    trained_on: list[str] = entry("names of the data that it was trained on")
    engine: str = entry("what computed it")

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True)
class Summary:
    """Scores of some frames: those of one recording, or of all."""

    frames: int = entry("frames whose depth was scored")
    depth: DepthSummary | None = entry("where there was depth", flat=True)
    left_out: dict[str, int] = entry("frames and images that were not scored, by reason")
    focal_corrected: int = entry("frames whose depth was corrected for the focal length")
    depth_range_m: tuple[float, ...] = entry("range of ground truth that counts, [least, largest], in m")
    latency_ms: float | None = entry("median time that a prediction took, in ms; not of recorded ones", optional=True)
    depth_not_scored: str | None = entry("why the depth of a recording was not scored", optional=True)
    classes: ClassScores | None = entry("where frames are labeled", key="class", optional=True)

    @property
    def frames_scored(self) -> int:
        """Frames scored by depth, or else by class."""
        return self.frames or (self.classes.frames if self.classes else 0)


@dataclass(frozen=True)
class ImageSizes:
    """How many frames have images of these sizes."""

    color: list[int] = entry("[height, width] of the color images, in pixels")
    depth: list[int] | None = entry("[height, width] of the depth images, in pixels; null: there are none")
    frames: int = entry("frames")


@dataclass(frozen=True)
class Unscored:
    """A frame without a score."""

    time_s: float = entry("since the first frame, in s")
    reason: str = entry("a name in `left_out`")


@dataclass(frozen=True)
class PerFrame:
    """Columns over the scored frames."""

    stamp_ns: list[int] = entry("stamp of the color image, in ns")
    time_s: list[float] = entry("since the first frame, in s")
    scores: dict[str, list[float | None]] = entry("each score of depth by name, as above; null: not defined", flat=True)
    latency_ms: list[float | None] | None = entry("time that the prediction took, in ms", optional=True)
    class_scores: list[list[float]] = entry("scores of the classes", factory=list)


@dataclass(frozen=True)
class RecordingResult:
    """One bag, scan or prepared scan."""

    bag: str = entry("its path")
    label: str | None = entry("the class that every frame shows; null: not known")
    topics: dict[str, str | None] = entry("where `color`, `depth`, `camera_info` are from; `depth_code`: its steps")
    sizes: list[ImageSizes] = entry("sizes of the images")
    duration_s: float = entry("from the first frame to the last, in s")
    damage: str | None = entry("why only a part could be read; null: all of it was")
    warnings: list[str] = entry("what a user must know of these numbers")
    summary: Summary = entry("the scores", flat=True)
    unscored: list[Unscored] = entry("frames without a score")
    per_frame: PerFrame = entry("the scores of each frame, as columns")
    truth_digests: list[str] | None = entry(
        "digest of the ground truth of each scored frame: by it a recording is known again", optional=True
    )

    @property
    def name(self) -> str:
        """The last part of its path."""
        return Path(self.bag).name


@dataclass(frozen=True)
class EvaluationResult:
    """The whole result."""

    evaluated_at: str = entry("when, in UTC")
    command: str = entry("the command line")
    model: ScoredModel = entry("what was scored")
    versions: dict[str, str] = entry("of Python and the packages that decide about numbers")
    max_gap_ms: float = entry("how far color and depth of a frame may be apart, in ms")
    summary: Summary = entry("the scores of all recordings together", flat=True)
    live: LiveScores | None = entry("with `--live`", optional=True)
    warnings: list[str] = entry("those of all recordings, each with its recording's name", factory=list)
    bags: list[RecordingResult] = entry("each recording by itself", factory=list)

    @property
    def names(self) -> list[str]:
        """A name for each recording, no two the same."""
        return distinct_names([bag.bag for bag in self.bags])

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers."""
        return dict(to_json(self))

    @classmethod
    def from_json(cls, data: Any) -> "EvaluationResult":
        """Raises ValueError where `data` is not what `to_json` gives, of this or an earlier version."""
        return from_json(cls, data)


def distinct_names(paths: Sequence[str]) -> list[str]:
    """The last part of each path, with as many folders before it as tell it from the others."""
    parts = [PurePath(path).parts for path in paths]
    names = []
    for own in parts:
        others = [other for other in parts if other != own]
        count = next((n for n in range(1, len(own)) if all(other[-n:] != own[-n:] for other in others)), len(own))
        names.append(str(PurePath(*own[-count:])) if own else "")
    return names


def read_result(path: Path) -> EvaluationResult:
    """A result that was written as JSON, by this or an earlier version. Raises BagError."""
    try:
        return EvaluationResult.from_json(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BagError(f"cannot read the result {path}: {error.strerror}") from error
    except ValueError as error:
        raise BagError(f"{path} is not a result of evaluate_bag --json: {error}") from error
