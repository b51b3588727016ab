"""Metric depth and object class from one camera image, for ROS 2."""

import os

__version__ = "0.6.0"

# ONNX Runtime's wheels (1.32) report to their maker and keep an identifier of the machine, unless told not to before
# they are loaded. A robot must not do that unasked; who wants it sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
