"""Opening a bundle's engine for the node, with its progress in the node's log. No rclpy."""

from collections.abc import Callable
from typing import Any

import numpy as np

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines import choose_backend, open_engine
from redwood_depth.engines.progress import Report
from redwood_depth.errors import EngineError
from redwood_depth.estimator import Estimator
from redwood_depth.images.decode import ColorImage
from redwood_depth.node.parameters import Parameters


def open_estimator(bundle: ModelBundle, parameters: Parameters, log: Any, cancelled: Callable[[], bool]) -> Estimator:
    """The estimator, warmed up. To be called on the thread that will run it: all CUDA work belongs to it.

    A TensorRT engine that is built first takes minutes; `cancelled` is asked meanwhile.

    Raises:
        EngineError: the engine cannot be made, or gives what cannot be used.
    """
    choice = choose_backend(parameters.backend)
    log.info(f"opening {bundle.name} {bundle.version} with {choice.backend} ({choice.reason})")
    report = Report(log.info, log.warning, cancelled=cancelled)
    engine = open_engine(bundle, choice, parameters.threads, parameters.precision, report)
    estimator = Estimator(bundle, engine)
    try:  # the first run is the slowest: here no frame waits for it, and an unusable output is found out now
        estimator.predict(ColorImage(np.zeros((bundle.height, bundle.width, 3), np.uint8)))
    except EngineError:
        estimator.close()
        raise
    return estimator
