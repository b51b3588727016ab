"""Metric depth and object class from one camera image, for ROS 2."""

__version__ = "0.1.0"
