"""Arrays -> messages: depth, camera_info, classification, labels, preview, diagnostics. No rclpy.

Every message carries the header that it is given: the stamp and frame of the camera's image, never the clock's.
"""

import copy
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from vision_msgs.msg import Classification, LabelInfo, ObjectHypothesis, VisionClass

_BIG_ENDIAN = sys.byteorder == "big"
_MAX_UINT16_MM = 65535
_COEFFICIENTS = {"plumb_bob": 5, "rational_polynomial": 8, "equidistant": 4}  # least of each distortion model


def image_message(header: Header, pixels: NDArray[Any], encoding: str) -> Image:
    """Image of `pixels` (H, W) or (H, W, C) in `encoding`."""
    height, width = pixels.shape[:2]
    message = Image(header=header, height=height, width=width, encoding=encoding, is_bigendian=_BIG_ENDIAN)
    message.step = pixels.nbytes // height
    # Into the array that is there: assigning one copies it again, and assigning anything else loops over every byte.
    message.data.frombytes(np.ascontiguousarray(pixels).data.cast("B"))
    return message


def blank_depth_message(height: int, width: int) -> Image:
    """A 32FC1 depth message of this size, to be filled through `depth_pixels`, as often as there are frames."""
    return image_message(Header(), np.zeros((height, width), np.float32), "32FC1")


def depth_pixels(message: Image) -> NDArray[np.float32]:
    """The pixels (H, W) of a 32FC1 message in meters: its own memory, so what is written there is in the message."""
    return np.frombuffer(message.data, np.float32).reshape(message.height, message.width)


def depth_message(header: Header, depth_m: NDArray[np.float32], encoding: str = "32FC1") -> Image:
    """Depth image (REP 118): 32FC1 in meters with NaN, or 16UC1 in millimeters with 0, where there is none."""
    if encoding == "32FC1":
        return image_message(header, depth_m, encoding)
    depth_mm = np.rint(depth_m * 1000.0)
    valid = (depth_mm > 0) & (depth_mm <= _MAX_UINT16_MM)
    return image_message(header, np.where(valid, depth_mm, 0).astype(np.uint16), encoding)


def camera_info_message(header: Header, info: CameraInfo | None, height: int, width: int) -> CameraInfo:
    """CameraInfo of an image of `height` x `width` with this header; K = 0 (uncalibrated) where `info` is None.

    Scaled are K and P; the result speaks of the image itself, so binning and region of interest are worked in. What the
    driver left empty is filled: distortion model and D (none), R (identity), P (K).
    """
    if info is None:
        return CameraInfo(header=header, height=height, width=width)
    roi = info.roi  # K speaks of the whole sensor, unbinned: the region first, then whatever size its image has now
    # A driver without a calibration may leave even the size at 0: it is the image's then.
    sx, sy = width / (roi.width or info.width or width), height / (roi.height or info.height or height)
    scaled = CameraInfo(header=header, height=height, width=width, distortion_model=info.distortion_model)
    scaled.d, scaled.r = copy.copy(info.d), copy.copy(info.r)
    k, p = np.array(info.k, np.float64).reshape(3, 3), np.array(info.p, np.float64).reshape(3, 4)
    for matrix in (k, p):
        matrix[0, 2] -= roi.x_offset
        matrix[1, 2] -= roi.y_offset
        matrix[0] *= sx
        matrix[1] *= sy
    scaled.k, scaled.p = k.ravel(), p.ravel()
    _complete(scaled)
    return scaled


def _complete(info: CameraInfo) -> None:
    """What a driver left empty, as consumers need it: image_geometry refuses to rectify without a model, and the clouds
    of depth_image_proc and RViz take P alone. A camera without a calibration (K = 0) stays without."""
    if not info.k[0]:
        return
    info.distortion_model = info.distortion_model or "plumb_bob"
    info.d = info.d if len(info.d) else [0.0] * _COEFFICIENTS.get(info.distortion_model, 5)
    info.r = info.r if any(info.r) else np.eye(3).ravel()
    if not info.p[0]:
        info.p = np.column_stack([np.reshape(info.k, (3, 3)), np.zeros(3)]).ravel()


def classification_message(
    header: Header, classes: Sequence[str], class_scores: NDArray[np.float32], threshold: float
) -> Classification:
    """The classes whose score reaches `threshold`, best first; empty when nothing known is in view."""
    order = np.argsort(-class_scores, kind="stable")
    results = [
        ObjectHypothesis(class_id=classes[index], score=float(class_scores[index]))
        for index in order
        if class_scores[index] >= threshold
    ]
    return Classification(header=header, results=results)


def label_info_message(header: Header, classes: Sequence[str], threshold: float) -> LabelInfo:
    """All classes that the model knows, by their index."""
    class_map = [VisionClass(class_id=index, class_name=name) for index, name in enumerate(classes)]
    return LabelInfo(header=header, class_map=class_map, threshold=threshold)


def diagnostic_status(
    name: str, level: int, summary: str, values: Mapping[str, object], hardware_id: str = ""
) -> DiagnosticStatus:
    """DiagnosticStatus with `values` as text. Levels: 0 ok, 1 warning, 2 error, 3 stale."""
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(name=name, level=bytes([level]), message=summary, hardware_id=hardware_id, values=pairs)
