"""Frames of a Redwood scan as the messages an RGB-D driver would publish. Needs `rosbags`, no ROS."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bags.message_types import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE, typestore
from redwood_depth.camera import Intrinsics

# As realsense2_camera names them with align_depth: its depth topic says which camera the depth is registered to, and a
# bag that uses one driver's names throughout needs no remapping in launch files written for that driver.
COLOR_TOPIC = "/camera/color/image_raw"
COLOR_INFO_TOPIC = "/camera/color/camera_info"
DEPTH_TOPIC = "/camera/aligned_depth_to_color/image_raw"
DEPTH_INFO_TOPIC = "/camera/aligned_depth_to_color/camera_info"
FRAME_ID = "camera_color_optical_frame"

# compressed_depth_image_transport begins its data with (format, two parameters), all zero for 16UC1.
_COMPRESSED_DEPTH_HEADER = struct.pack("<iff", 0, 0.0, 0.0)


def header(stamp_us: int) -> Any:
    """std_msgs/Header of the color camera's optical frame."""
    types = typestore().types
    seconds, microseconds = divmod(stamp_us, 1_000_000)
    stamp = types["builtin_interfaces/msg/Time"](seconds, microseconds * 1000)
    return types["std_msgs/msg/Header"](stamp, FRAME_ID)


def image(pixels: NDArray[Any], encoding: str, stamp_us: int) -> Any:
    """sensor_msgs/Image of `pixels` (H, W) or (H, W, C)."""
    little = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    height, width = little.shape[:2]
    data = little.reshape(-1).view(np.uint8)
    return typestore().types[IMAGE](header(stamp_us), height, width, encoding, 0, data.size // height, data)


def compressed_color(jpeg: bytes, stamp_us: int) -> Any:
    """sensor_msgs/CompressedImage with a JPEG as it is."""
    data = np.frombuffer(jpeg, np.uint8)
    return typestore().types[COMPRESSED_IMAGE](header(stamp_us), "rgb8; jpeg compressed bgr8", data)


def compressed_depth(png: bytes, stamp_us: int) -> Any:
    """sensor_msgs/CompressedImage with a 16-bit PNG in millimeters as it is, as compressedDepth wraps it."""
    data = np.frombuffer(_COMPRESSED_DEPTH_HEADER + png, np.uint8)
    return typestore().types[COMPRESSED_IMAGE](header(stamp_us), "16UC1; compressedDepth png", data)


def camera_info(camera: Intrinsics, stamp_us: int) -> Any:
    """sensor_msgs/CameraInfo of an ideal pinhole camera."""
    types = typestore().types
    k = np.array([camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1], float)
    p = np.array([camera.fx, 0, camera.cx, 0, 0, camera.fy, camera.cy, 0, 0, 0, 1, 0], float)
    return types[CAMERA_INFO](
        header=header(stamp_us),
        height=camera.height,
        width=camera.width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=k,
        r=np.eye(3).reshape(-1),
        p=p,
        binning_x=0,
        binning_y=0,
        roi=types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False),
    )
