"""Depth and color -> PointCloud2 (sensor_msgs_py where it is installed). No rclpy."""

import array
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from redwood_depth.node.lens import Rays

_POINT = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4"), ("rgb", "f4")])


def points_from_depth(depth_m: NDArray[np.float32], image_rgb: NDArray[np.uint8], rays: Rays) -> NDArray[Any]:
    """Organized points (H, W) with fields x, y, z in meters (REP 103 optical frame) and rgb packed as ROS does.

    Args:
        depth_m: float32 (H, W), NaN where there is none: such a point has NaN in x, y and z.
        image_rgb: uint8 (H, W, 3) of the same size.
        rays: of an image of that size.
    """
    height, width = depth_m.shape
    points = np.empty((height, width), _POINT)
    points["x"] = depth_m * rays.x
    points["y"] = depth_m * rays.y
    points["z"] = depth_m
    red, green, blue = (image_rgb[..., channel].astype(np.uint32) for channel in range(3))
    points["rgb"] = (red << 16 | green << 8 | blue).view(np.float32)
    return points


def point_cloud_message(header: Header, points: NDArray[Any]) -> PointCloud2:
    """Organized PointCloud2 of `points` (H, W) from `points_from_depth`."""
    height, width = points.shape
    fields = [
        PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
        for index, name in enumerate(_POINT.names or ())
    ]
    cloud = _create_cloud(header, fields, points.ravel())
    # sensor_msgs_py takes the first axis of a 2D array for the width: give it the flat cloud and set the shape here.
    cloud.height, cloud.width = height, width
    cloud.row_step = cloud.point_step * width
    return cloud


def _create_cloud(header: Header, fields: list[PointField], points: NDArray[Any]) -> PointCloud2:
    try:
        from sensor_msgs_py.point_cloud2 import create_cloud
    except ImportError:  # not to be had as a wheel
        data = array.array("B")
        data.frombytes(points.tobytes())
        cloud = PointCloud2(header=header, is_dense=False, is_bigendian=sys.byteorder != "little", fields=fields)
        cloud.point_step = points.dtype.itemsize
        cloud.data = data
        return cloud
    return create_cloud(header, fields, points)
