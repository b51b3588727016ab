"""Where the predictions that are scored come from: a model, a node that plays along, or a topic of the bag itself."""

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

from redwood_depth.bags.reader import Bag
from redwood_depth.bundle import ModelBundle
from redwood_depth.evaluation.predictor import ModelPredictor
from redwood_depth.evaluation.recorded import RecordedPredictions
from redwood_depth.evaluation.result_files import model_entry, topic_entry
from redwood_depth.evaluation.scoring import Predict
from redwood_depth.evaluation.summary import Subject
from redwood_depth.rgbd import MAX_GAP_NS, FrameSource


class PredictionSource(Protocol):
    """One for all bags of an evaluation.

    `subject` is what the scores need to know of it, `threads` how many frames it predicts at once, `predicted_topic`
    the topic that is no ground truth.
    """

    subject: Subject
    threads: int
    predicted_topic: str | None

    def predictions(self, recording: FrameSource) -> contextlib.AbstractContextManager[Predict]:
        """What to score on a recording, in order of its frames. Raises BagError, EngineError."""

    def entry(self) -> dict[str, Any]:
        """What the result says of it, under "model"."""

    def results(self) -> dict[str, Any]:
        """What it measured besides, after all bags: further entries of the result."""


class ModelSource:
    """A bundle's model in this process, as fast as it goes."""

    predicted_topic: str | None = None

    def __init__(self, bundle: ModelBundle, predictor: ModelPredictor) -> None:
        self.subject = bundle_subject(bundle)
        self.threads = predictor.threads
        self._bundle, self._predictor = bundle, predictor

    @contextlib.contextmanager
    def predictions(self, recording: FrameSource) -> Iterator[Predict]:
        yield self._predictor

    def entry(self) -> dict[str, Any]:
        return model_entry(self._bundle, self._predictor.description)

    def results(self) -> dict[str, Any]:
        return {}


class TopicSource:
    """A depth topic recorded in the bag: another network's, or a node's at an earlier time."""

    threads = 1

    def __init__(self, topic: str) -> None:
        self.subject = Subject(timed=False)
        self.predicted_topic: str | None = topic
        self._topic = topic

    @contextlib.contextmanager
    def predictions(self, recording: FrameSource) -> Iterator[Predict]:
        with Bag.open(recording.path) as again:
            yield RecordedPredictions(again, self._topic, max_gap_ns=MAX_GAP_NS)

    def entry(self) -> dict[str, Any]:
        return topic_entry(self._topic)

    def results(self) -> dict[str, Any]:
        return {}


def bundle_subject(bundle: ModelBundle) -> Subject:
    """What the scores of a bundle's model need to know of it."""
    return Subject(bundle.classes, bundle.class_threshold, bundle.training_median_m)
