"""`message.data` -> bytes as an array: the one place that knows what types it has, in rclpy, in rosbags, in a GPU."""

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import ImageError


def payload(data: Any) -> NDArray[np.uint8]:
    """uint8 (N,) of an image message's `data`: a view of what lies in this machine's memory, a copy of anything else.

    rclpy gives an array.array, rosbags a NumPy array. Since ROS 2 Lyrical it may be a rosidl::Buffer, which can lie in
    a GPU's memory; its `to_bytes()` copies.

    Raises:
        ImageError: a type that is none of these.
    """
    if isinstance(data, np.ndarray):
        return data.reshape(-1).view(np.uint8)
    if isinstance(data, (array, bytes, bytearray, memoryview)):
        return np.frombuffer(data, np.uint8)
    if not hasattr(data, "to_bytes"):
        raise ImageError(
            f"an image's data cannot be a {type(data).__name__}: neither bytes nor a buffer with to_bytes()"
        )
    return np.frombuffer(data.to_bytes(), np.uint8)
