"""Metric depth and object class from one camera image, for ROS 2."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redwood_depth.estimator import Estimator

__all__ = ["Estimator"]
__version__ = "0.6.0"

# ONNX Runtime's wheels (1.32) report to their maker and keep an identifier of the machine, unless told not to before
# they are loaded. A robot must not do that unasked; who wants it sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> Any:
    """`Estimator` is imported when it is asked for: NumPy and OpenCV take a while, and not every command needs them."""
    if name == "Estimator":
        from redwood_depth.estimator import Estimator

        return Estimator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
