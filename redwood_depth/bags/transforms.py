"""Where one camera of a bag is relative to another: from /tf_static, or from what the RealSense driver publishes."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bags.message_types import deserialize
from redwood_depth.bags.reader import Bag
from redwood_depth.errors import BagError

_TF = "tf2_msgs/msg/TFMessage"
_EXTRINSICS = "realsense2_camera_msgs/msg/Extrinsics"
_EXTRINSICS_BYTES = 96  # at the message's end: rotation (column-major) and translation, 12 float64


class Transform(NamedTuple):
    """Takes points of one optical frame to another: rotation (3, 3), translation (3,) in meters; `source` names it."""

    rotation: NDArray[np.float64]
    translation_m: NDArray[np.float64]
    source: str


def find_transform(bag: Bag, from_frame: str, to_frame: str) -> Transform | None:
    """The transform between two frames as the bag has it, None where it does not say."""
    return _of_tf(bag, from_frame, to_frame) or _of_driver(bag, from_frame, to_frame)


def _of_tf(bag: Bag, from_frame: str, to_frame: str) -> Transform | None:
    """Through the tree of static transforms, along the path of fewest steps."""
    steps: dict[str, list[tuple[str, NDArray[np.float64]]]] = {}
    for child, parent, matrix in _static(bag):
        steps.setdefault(child, []).append((parent, matrix))
        steps.setdefault(parent, []).append((child, np.asarray(np.linalg.inv(matrix), np.float64)))
    reached, waiting = {from_frame: np.eye(4)}, deque([from_frame])
    while waiting:
        frame = waiting.popleft()
        for other, matrix in steps.get(frame, ()):
            if other not in reached:
                reached[other] = matrix @ reached[frame]
                waiting.append(other)
    if to_frame not in reached:
        return None
    found = reached[to_frame]
    return Transform(found[:3, :3], found[:3, 3], "/tf_static")


def _static(bag: Bag) -> Iterator[tuple[str, str, NDArray[np.float64]]]:
    """(child, parent, 4x4 that takes points of the child to the parent)."""
    topics = [topic.name for topic in bag.topics if topic.type == _TF and topic.name.endswith("tf_static")]
    for message in bag.messages(topics) if topics else ():
        try:
            transforms = deserialize(message).transforms
        except BagError:
            continue
        for one in transforms:
            matrix = np.eye(4)
            turn, move = one.transform.rotation, one.transform.translation
            matrix[:3, :3] = rotation_of(turn.x, turn.y, turn.z, turn.w)
            matrix[:3, 3] = move.x, move.y, move.z
            yield one.child_frame_id.lstrip("/"), one.header.frame_id.lstrip("/"), matrix


def _of_driver(bag: Bag, from_frame: str, to_frame: str) -> Transform | None:
    """realsense2_camera's .../extrinsics/depth_to_color, where the frames are those of its depth and color cameras."""
    for topic in bag.topics:
        if topic.type != _EXTRINSICS or not topic.name.endswith("/depth_to_color"):
            continue
        if "depth" not in from_frame or "color" not in to_frame:
            continue
        for message in bag.messages((topic.name,)):
            values = np.frombuffer(message.data[-_EXTRINSICS_BYTES:], "<f8")
            rotation = values[:9].reshape(3, 3).T if values.size == 12 else np.zeros((3, 3))
            if np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3):
                return Transform(rotation, values[9:], topic.name)
    return None


def rotation_of(x: float, y: float, z: float, w: float) -> NDArray[np.float64]:
    """Rotation matrix (3, 3) of a quaternion, which need not be of length 1; the identity where all are 0."""
    length = x * x + y * y + z * z + w * w
    if not length:
        return np.eye(3)
    s = 2.0 / length
    return np.array(
        [
            [1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)],
            [s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w)],
            [s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y)],
        ]
    )
