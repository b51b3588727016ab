"""Where the predictions that are scored come from: a model, a node that plays along, or a topic of the bag itself."""

import contextlib
from collections.abc import Iterator
from typing import Protocol

from redwood_depth.bags.reader import Bag
from redwood_depth.bundle import ModelBundle
from redwood_depth.evaluation.live_result import LiveScores
from redwood_depth.evaluation.predictor import ModelPredictor
from redwood_depth.evaluation.recorded import RecordedPredictions, some_predictions
from redwood_depth.evaluation.result import ScoredModel
from redwood_depth.evaluation.result_files import model_entry, topic_entry
from redwood_depth.evaluation.scoring import Predict
from redwood_depth.evaluation.stamp_offset import PROBES, StampOffset
from redwood_depth.evaluation.summary import Subject
from redwood_depth.prediction import Prediction
from redwood_depth.rgbd import MAX_GAP_NS, FrameSource, RgbdFrame


class PredictionSource(Protocol):
    """One for all bags of an evaluation.

    `subject` is what the scores need to know of it, `threads` how many frames it predicts at once, `predicted_topic`
    the topic that is not ground truth.
    """

    subject: Subject
    threads: int
    predicted_topic: str | None

    def predictions(self, recording: FrameSource) -> contextlib.AbstractContextManager[Predict]:
        """What to score on a recording, in order of its frames. Raises BagError, EngineError."""

    def entry(self) -> ScoredModel:
        """What the result says of it."""

    def warnings(self) -> list[str]:
        """What a user must know of the predictions for the recording that was read last."""

    def live(self) -> LiveScores | None:
        """What a node that played along made of it, once all bags were scored; None: there was none."""


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

    def entry(self) -> ScoredModel:
        return model_entry(self._bundle, self._predictor.description)

    def warnings(self) -> list[str]:
        return []

    def live(self) -> LiveScores | None:
        return None


class TopicSource:
    """A depth topic recorded in the bag: another network's, or a node's at an earlier time."""

    threads = 1

    def __init__(self, topic: str, offset_s: float = 0.0) -> None:
        """`offset_s` is how much later its stamps are than those of the images that it was predicted from."""
        self.subject = Subject(timed=False)
        self.predicted_topic: str | None = topic
        self._topic, self._offset_ns = topic, round(1e9 * offset_s)
        self._better_ns: int | None = None

    @contextlib.contextmanager
    def predictions(self, recording: FrameSource) -> Iterator[Predict]:
        offset, self._better_ns = StampOffset(), None
        with Bag.open(recording.path) as again:
            recorded = RecordedPredictions(again, self._topic, max_gap_ns=MAX_GAP_NS, offset_ns=self._offset_ns)

            def predict(frame: RgbdFrame) -> Prediction | None:
                offset.add_truth(frame.color_stamp_ns, frame.depth_m)
                return recorded(frame)

            yield predict
            for stamp_ns, depth_m in some_predictions(again, self._topic, PROBES):
                offset.add_prediction(stamp_ns, depth_m)
        self._better_ns = offset.better_ns(self._offset_ns)

    def entry(self) -> ScoredModel:
        return topic_entry(self._topic)

    def warnings(self) -> list[str]:
        if self._better_ns is None:
            return []
        late_s = self._better_ns / 1e9
        return [
            f"the stamps of {self._topic} are not those of the images: it fits the images of {abs(late_s):.3f} s "
            f"{'before' if late_s > 0 else 'after'} them clearly better (a network that stamps when it sends?); "
            f"--prediction-offset {late_s:.3f} pairs them so"
        ]

    def live(self) -> LiveScores | None:
        return None


def bundle_subject(bundle: ModelBundle) -> Subject:
    """What the scores of a bundle's model need to know of it."""
    return Subject(bundle.classes, bundle.class_threshold, bundle.training_median_m)
