"""Predictions that the node published, read back from a bag in step with the ground truth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bag_pairs import RgbdPair
from redwood_depth.bag_types import RawMessage, deserialize, header_stamp_ns
from redwood_depth.bags import Bag
from redwood_depth.images import depth_from_message
from redwood_depth.prediction import Prediction


class RecordedPredictions:
    """`evaluate.Predict` over a recording of `depth/image` and `classification`, both in order of their stamps.

    A frame's prediction is the one with exactly the stamp of its colour image: the node copies stamps.
    """

    def __init__(self, bag: Bag, namespace: str, classes: Sequence[str]) -> None:
        self._depth_topic, self._class_topic = f"{namespace}/depth/image", f"{namespace}/classification"
        self._messages = bag.messages((self._depth_topic, self._class_topic))
        self._classes = list(classes)
        self._waiting: dict[int, dict[str, RawMessage]] = {}
        self._newest_ns = -1

    def __call__(self, pair: RgbdPair) -> Prediction | None:
        while self._newest_ns <= pair.color_stamp_ns:
            message = next(self._messages, None)
            if message is None:
                break
            self._newest_ns = header_stamp_ns(message)
            self._waiting.setdefault(self._newest_ns, {})[message.topic] = message
        found = self._waiting.get(pair.color_stamp_ns, {})
        self._waiting = {stamp: messages for stamp, messages in self._waiting.items() if stamp > pair.color_stamp_ns}
        if self._depth_topic not in found:
            return None
        depth_m = depth_from_message(deserialize(found[self._depth_topic]))
        return Prediction(depth_m, self._scores(found.get(self._class_topic)))

    def _scores(self, classification: RawMessage | None) -> NDArray[np.float32]:
        """Scores in the model's order; 0 for a class that stayed under the node's threshold."""
        scores = np.zeros(len(self._classes), np.float32)
        if classification is not None:
            for result in deserialize(classification).results:
                scores[self._classes.index(result.class_id)] = result.score
        return scores
