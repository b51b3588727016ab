"""Whether a bag's depth is of its color image, and how it is brought there where it is not."""

import numpy as np

from redwood_depth.bags.cameras import Pair
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import CameraChoice
from redwood_depth.bags.transforms import Transform, find_transform
from redwood_depth.bags.views import View
from redwood_depth.camera import Intrinsics, is_rectified
from redwood_depth.errors import BagError, CameraError
from redwood_depth.registration import Registration, why_unregistered
from redwood_depth.registration import View as CameraView

_REMEDY = (
    "record depth registered to color (realsense2_camera: align_depth.enable, orbbec_camera and openni2_camera: "
    "depth_registration), or /tf_static and both camera_info as well; evaluate_bag --registered takes it as it is"
)


def registration_of(bag: Bag, choice: CameraChoice) -> tuple[Registration | None, str | None]:
    """How the chosen depth is brought into the color image, and a word on it; (None, None) where it is there already.

    Raises:
        BagError: it is not, and the bag does not say how; the message names both frames, sizes or focal lengths.
    """
    if choice.depth is None:
        return None, None
    color, depth = _view(choice.color, choice.color_info), _view(choice.depth, choice.depth_info)
    pair = Pair(choice.color, choice.depth)
    if pair.says_registered and pair.of_one_camera:  # some drivers give registered depth a frame of its own
        depth = CameraView(depth.name, "", depth.size)
    why = why_unregistered(color, depth)
    if why is None:
        return None, None
    transform = _transform(bag, choice.depth.frame_id, choice.color.frame_id)
    if transform and color.intrinsics and depth.intrinsics:
        found = Registration(depth.intrinsics, color.intrinsics, transform.rotation, transform.translation_m)
        return found, f"{why}: depth was registered to color with {transform.source} and both camera_info"
    raise BagError(f"{bag.path}: depth is not of the color image: {why}; {_REMEDY}")


def _transform(bag: Bag, depth_frame: str, color_frame: str) -> Transform | None:
    if not depth_frame or not color_frame:
        return None
    if depth_frame == color_frame:
        return Transform(np.eye(3), np.zeros(3), f"the frame {color_frame} of both")
    return find_transform(bag, depth_frame, color_frame)


def _view(image: View, info: View | None) -> CameraView:
    return CameraView(image.name, image.frame_id, image.size, _intrinsics(image, info))


def _intrinsics(image: View, info: View | None) -> Intrinsics | None:
    if info is None or info.info is None:
        return None
    try:
        found = Intrinsics.from_camera_info(info.info, is_rectified(image.name))
        return found.fitted(*image.size) if found and image.size else found
    except CameraError:
        return None
