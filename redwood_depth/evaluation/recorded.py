"""Predictions that were recorded as a depth topic, ours or another network's, read in step with the ground truth."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.bags.message_types import COMPRESSED_IMAGE, IMAGE, RawMessage, deserialize, header_stamp_ns
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import list_topics
from redwood_depth.errors import BagError, EngineError, ImageError
from redwood_depth.images.decode import depth_from_message
from redwood_depth.prediction import Prediction
from redwood_depth.rgbd import RgbdFrame

_LEAST_KEPT_NS = 1_000_000_000  # predictions may have been recorded a little out of order


class RecordedPredictions:
    """`evaluate.Predict` over a recorded depth topic, called with pairs in order of time.

    A frame's prediction is the one nearest to the stamp of its color image, at most `max_gap_ns` away; 0 takes only
    the same stamp, which a node that copies stamps gives; `offset_ns` is how much later the predictions' stamps are. It
    is brought to the ground truth's size by nearest neighbor, so that holes stay holes. Without a `class_topic` there
    are not class scores.
    """

    def __init__(
        self,
        bag: Bag,
        depth_topic: str,
        class_topic: str | None = None,
        classes: Sequence[str] = (),
        max_gap_ns: int = 0,
        offset_ns: int = 0,
    ) -> None:
        """Raises BagError where the bag has no such depth topic; the message lists what it has."""
        if depth_topic not in {topic.name for topic in bag.topics if topic.type in (IMAGE, COMPRESSED_IMAGE)}:
            raise BagError(f"{bag.path} has no depth topic {depth_topic}; it has: {list_topics(bag.topics)}")
        self._depths = _Stream(bag, depth_topic)
        self._classes_found = _Stream(bag, class_topic) if class_topic else None
        self._classes = list(classes)
        self._max_gap_ns, self._offset_ns = max_gap_ns, offset_ns

    def __call__(self, pair: RgbdFrame) -> Prediction | None:
        """Raises EngineError where the recorded image cannot be read or shows another view."""
        stamp_ns = pair.color_stamp_ns + self._offset_ns
        message = self._depths.nearest(stamp_ns, self._max_gap_ns)
        if message is None:
            return None
        try:
            depth_m = depth_from_message(deserialize(message))
        except (BagError, ImageError) as error:
            raise EngineError(f"{message.topic}: {error}") from error
        found = self._classes_found.nearest(stamp_ns, self._max_gap_ns) if self._classes_found else None
        return Prediction(_at_size(depth_m, pair.depth_m.shape), self._scores(found))

    def _scores(self, classification: RawMessage | None) -> NDArray[np.float32]:
        """Scores in the model's order; 0 for a class that stayed under the node's threshold."""
        scores = np.zeros(len(self._classes), np.float32)
        if classification is not None:
            for result in deserialize(classification).results:
                if result.class_id not in self._classes:
                    raise EngineError(f"the recorded class {result.class_id!r} is none of {', '.join(self._classes)}")
                scores[self._classes.index(result.class_id)] = result.score
        return scores


def some_predictions(bag: Bag, topic: str, count: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Stamp and depth (H, W) in m of about `count` of a topic's messages, spread evenly; none that cannot be read."""
    total = sum(one.count for one in bag.topics if one.name == topic)
    for message in itertools.islice(bag.messages((topic,)), 0, None, max(1, total // count)):
        with contextlib.suppress(BagError, ImageError):
            yield header_stamp_ns(message), depth_from_message(deserialize(message))


class _Stream:
    """The messages of a topic near the time that is asked for; time must not go back."""

    def __init__(self, bag: Bag, topic: str) -> None:
        self._messages = bag.messages((topic,))
        self._near: dict[int, RawMessage] = {}
        self._newest_ns = -1

    def nearest(self, stamp_ns: int, max_gap_ns: int) -> RawMessage | None:
        while self._newest_ns <= stamp_ns + max_gap_ns:
            message = next(self._messages, None)
            if message is None:
                break
            at_ns = header_stamp_ns(message)
            self._newest_ns = max(self._newest_ns, at_ns)
            self._near[at_ns] = message
        oldest_ns = stamp_ns - max(max_gap_ns, _LEAST_KEPT_NS)
        self._near = {at_ns: message for at_ns, message in self._near.items() if at_ns >= oldest_ns}
        best_ns = min(self._near, key=lambda at_ns: abs(at_ns - stamp_ns), default=None)
        return self._near[best_ns] if best_ns is not None and abs(best_ns - stamp_ns) <= max_gap_ns else None


def _at_size(depth_m: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.float32]:
    if depth_m.shape == size:
        return depth_m
    height, width = size
    if abs(depth_m.shape[1] * height / (depth_m.shape[0] * width) - 1.0) > 0.02:
        sizes = f"{depth_m.shape[1]}x{depth_m.shape[0]}, ground truth {width}x{height}"
        raise EngineError(f"the recorded prediction shows another view than the ground truth: {sizes}")
    return np.asarray(cv2.resize(depth_m, (width, height), interpolation=cv2.INTER_NEAREST), np.float32)
