"""A bundle's model as what evaluate_bag scores: on a CPU one engine a thread, so that frames run side by side."""

import os
import threading
from types import TracebackType

from redwood_depth.bag_pairs import RgbdPair
from redwood_depth.bundle import ModelBundle
from redwood_depth.engines import open_engine
from redwood_depth.estimator import Estimator
from redwood_depth.prediction import Prediction


class ModelPredictor:
    """A context manager and `evaluate.Predict`: depth at the ground truth's size, corrected for the focal length.

    `threads` is how many threads may call it at once. On a CPU that is one a core, each with an engine of one thread:
    two frames side by side take less time than one after the other on two cores each. Any other device has one engine,
    which stays on the thread that opened it.
    """

    def __init__(self, bundle: ModelBundle, backend: str = "auto", threads: int = 0) -> None:
        """Opens the first engine, on the calling thread; `threads` at most, 0: one a core. Raises EngineError."""
        self._bundle, self._backend = bundle, backend
        first = Estimator(bundle, open_engine(bundle, backend, 1))
        self.description = str(first.engine.description)
        cores = threads or len(os.sched_getaffinity(0))
        self.threads = cores if first.engine.description.device == "CPU" else 1
        self._own = threading.local()
        self._opened, self._spare = [first], [first]

    def __call__(self, pair: RgbdPair) -> Prediction:
        if not hasattr(self._own, "estimator"):
            self._own.estimator = self._one_more()
        estimator: Estimator = self._own.estimator
        return estimator.predict(pair.color, pair.intrinsics, pair.depth_m.shape)

    def _one_more(self) -> Estimator:
        """For a further thread; the first engine of a CPU goes to whichever thread comes first."""
        try:
            return self._spare.pop()
        except IndexError:
            self._opened.append(Estimator(self._bundle, open_engine(self._bundle, self._backend, 1)))
            return self._opened[-1]

    def __enter__(self) -> "ModelPredictor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for estimator in self._opened:
            estimator.close()
