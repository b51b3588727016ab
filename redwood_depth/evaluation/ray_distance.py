"""Ground truth that is the distance along a pixel's ray: told by its topic's name, turned into depth on request."""

import re
from dataclasses import replace

import numpy as np

from redwood_depth.errors import CameraError
from redwood_depth.rgbd import RgbdFrame

# Isaac Sim's distance_to_camera, AirSim's DepthPerspective; their Z is distance_to_image_plane and DepthPlanar.
_NAMES = re.compile(r"(distance_to_camera|depth_?perspective|ray_?distance|euclidean|radial_?(depth|distance))")


def ray_warnings(topic: str | None, ray: bool) -> list[str]:
    """A word where a depth topic's name and what is done with it do not go together, and on what is done."""
    if ray:
        return ["ground truth is taken as the distance along each pixel's ray (--depth-kind ray) and turned into depth"]
    if topic and _NAMES.search(topic.lower()):
        return [f"{topic} calls itself a distance to the camera, along the ray, not depth: --depth-kind ray turns it"]
    return []


def along_axis(frame: RgbdFrame) -> RgbdFrame:
    """The frame with Z along the optical axis instead of the distance along the ray.

    Z = distance / sqrt(1 + ((u - cx) / fx)² + ((v - cy) / fy)²).

    Raises:
        CameraError: the image has no calibration.
    """
    if frame.intrinsics is None:
        raise CameraError("--depth-kind ray needs the calibration of the images: the bag has no camera_info of them")
    height, width = frame.depth_m.shape
    camera = frame.intrinsics.scaled(height, width)
    x = (np.arange(width, dtype=np.float32) - np.float32(camera.cx)) / np.float32(camera.fx)
    y = (np.arange(height, dtype=np.float32) - np.float32(camera.cy)) / np.float32(camera.fy)
    stretch = np.sqrt(1 + x[None, :] ** 2 + y[:, None] ** 2)
    return replace(frame, depth_m=(frame.depth_m / stretch).astype(np.float32))
