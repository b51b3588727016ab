"""A bundle's model as what evaluate_bag scores: on a CPU several frames at once, each on one core."""

import os
from types import TracebackType

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines import open_engine
from redwood_depth.estimator import Estimator
from redwood_depth.prediction import Prediction
from redwood_depth.rgbd import RgbdFrame


class ModelPredictor:
    """A context manager and `evaluate.Predict`: depth at the ground truth's size, corrected for the focal length.

    `threads` is how many threads may call it at once. On a CPU that is one a core, as frames side by side, each on one
    core, take less time than one after the other on all, and one more for when another waits for the interpreter; one
    session of ONNX Runtime serves them all. Any other device is used by the thread that opened it.
    """

    def __init__(self, bundle: ModelBundle, backend: str = "auto", threads: int = 0) -> None:
        """Opens the engine, on the calling thread; `threads` at most, 0: as many as help. Raises EngineError."""
        self._estimator = Estimator(bundle, open_engine(bundle, backend, 1))
        description = self._estimator.engine.description
        self.description = str(description)
        self.threads = (threads or len(os.sched_getaffinity(0)) + 1) if description.device == "CPU" else 1

    def __call__(self, pair: RgbdFrame) -> Prediction:
        return self._estimator.predict(pair.color, pair.intrinsics, pair.depth_m.shape)

    def __enter__(self) -> "ModelPredictor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._estimator.close()
