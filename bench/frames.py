"""The frames that everything is measured with: the sample bag's color images at 640x480, as serialized messages."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from redwood_depth.bags.message_types import deserialize
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import find_rgbd_topics
from redwood_depth.commands.demo import SAMPLE_BAG
from redwood_depth.images.decode import color_from_message
from redwood_depth.node.messages import image_message

HEIGHT, WIDTH = 480, 640
FX_PX = 525.0


@cache
def frames_rgb(count: int = 15) -> list[NDArray[np.uint8]]:
    """uint8 (480, 640, 3), evenly spread over the sample bag."""
    with Bag.open(SAMPLE_BAG) as bag:
        messages = list(bag.messages([find_rgbd_topics(bag).color]))
    chosen = messages[:: max(1, len(messages) // count)][:count]
    images = [color_from_message(deserialize(message)).rgb() for message in chosen]
    return [np.ascontiguousarray(cv2.resize(image, (WIDTH, HEIGHT))) for image in images]


@cache
def serialized_frames() -> list[memoryview]:
    """The frames as rgb8 messages in CDR; bytes 4 to 12 hold the stamp."""
    return [
        memoryview(bytes(serialize_message(image_message(Header(frame_id="camera"), image, "rgb8"))))
        for image in frames_rgb()
    ]


def camera_info() -> CameraInfo:
    """A calibration that differs from the training camera's, so that depth is corrected."""
    cx, cy = WIDTH / 2, HEIGHT / 2
    info = CameraInfo(header=Header(frame_id="camera"), height=HEIGHT, width=WIDTH, distortion_model="plumb_bob")
    info.d = [0.0] * 5
    info.k = [FX_PX, 0.0, cx, 0.0, FX_PX, cy, 0.0, 0.0, 1.0]
    info.p = [FX_PX, 0.0, cx, 0.0, 0.0, FX_PX, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info
