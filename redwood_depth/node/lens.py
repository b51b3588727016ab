"""The ray of each pixel, through the lens as camera_info describes it: what turns a raw image's depth into points.

No rclpy. A rectified image's rays are a pinhole's.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.camera import Intrinsics, is_rectified

_FISHEYE = ("equidistant", "fisheye", "kannala_brandt")  # the first is ROS's name for it
_POLYNOMIAL = {"plumb_bob": (4, 5), "rational_polynomial": (8, 12, 14)}
_ROUNDS = 40  # of the inversion, in which only pixels that are still off take part
_COLUMNS, _ROWS = 161, 121
_NEGLIGIBLE_PX, _TOLERANCE_PX = 0.1, 0.05


@dataclass(frozen=True)
class Lens:
    """Distortion of a raw image: the model's name and its coefficients as in camera_info."""

    model: str
    coefficients: tuple[float, ...]


@dataclass(frozen=True)
class Rays:
    """x / z and y / z of each pixel, float32, to be broadcast to (H, W); NaN where the lens cannot be inverted.

    `bent_px` is how far the lens moves a pixel at most.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    bent_px: float = 0.0


def lens_of(camera_info: Any, image_topic: str) -> Lens | None:
    """The lens of the images on this topic; None where they are rectified (by the topic's name) or not distorted."""
    if camera_info is None or not any(camera_info.d) or is_rectified(image_topic):
        return None
    return Lens(camera_info.distortion_model or "plumb_bob", tuple(map(float, camera_info.d)))


def is_known(lens: Lens) -> bool:
    """Whether rays can be computed of it."""
    count = len(lens.coefficients)
    return count in _POLYNOMIAL.get(lens.model, ()) or (lens.model in _FISHEYE and count == 4)


def pinhole_rays(intrinsics: Intrinsics) -> Rays:
    """Of a rectified image: a row and a column."""
    u = (np.arange(intrinsics.width, dtype=np.float32) - np.float32(intrinsics.cx)) / np.float32(intrinsics.fx)
    v = (np.arange(intrinsics.height, dtype=np.float32) - np.float32(intrinsics.cy)) / np.float32(intrinsics.fy)
    return Rays(u, v[:, None])


def rays_through(intrinsics: Intrinsics, lens: Lens | None) -> Rays:
    """The rays of an image with these intrinsics; a lens that is not known, or bends next to nothing, is a pinhole.

    To be done once a calibration: computed at 20 000 places, and linear between them (within 0.05 px in VGA).
    """
    pinhole = pinhole_rays(intrinsics)
    if lens is None or not is_known(lens):
        return pinhole
    columns = np.linspace(0, intrinsics.width - 1, _COLUMNS)
    rows = np.linspace(0, intrinsics.height - 1, _ROWS)
    seen = np.stack(np.meshgrid((columns - intrinsics.cx) / intrinsics.fx, (rows - intrinsics.cy) / intrinsics.fy), -1)
    straight, is_inverted = _inverted(seen.reshape(-1, 2), lens, tolerance=_TOLERANCE_PX / intrinsics.fx)
    straight[~is_inverted] = np.nan
    x, y = straight.reshape(*seen.shape).transpose(2, 0, 1)
    folded = ~((np.gradient(x, axis=1) > 0) & (np.gradient(y, axis=0) > 0))  # beyond where the model holds
    bent = np.hypot(x - seen[..., 0], y - seen[..., 1])[~folded] * intrinsics.fx
    bent_px = float(bent.max()) if bent.size else float("inf")
    if bent_px < _NEGLIGIBLE_PX:
        return pinhole
    x, y = (_stretched(np.where(folded, np.nan, part), intrinsics.height, intrinsics.width) for part in (x, y))
    return Rays(x, y, bent_px)


def _stretched(coarse: NDArray[Any], height: int, width: int) -> NDArray[np.float32]:
    """`coarse`, whose borders are those of the result, to (height, width), linear between its values."""
    for axis, size in enumerate((height, width)):
        position = np.linspace(0, coarse.shape[axis] - 1, size)
        before = np.minimum(position.astype(int), coarse.shape[axis] - 2)
        share = (position - before).reshape((-1, 1) if axis == 0 else (1, -1))
        coarse = coarse.take(before, axis) * (1 - share) + coarse.take(before + 1, axis) * share
    return coarse.astype(np.float32)


def _inverted(seen: NDArray[Any], lens: Lens, *, tolerance: float) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Undistorted normalized points (N, 2) of distorted ones, and which of them lead back to where they came from."""
    straight = _undistorted(seen, lens)
    off = np.full(len(seen), True)
    for _ in range(_ROUNDS):  # OpenCV's own five are not enough for strong lenses
        error = seen[off] - _distorted(straight[off], lens)
        is_off = ~(np.abs(error).max(axis=1) < tolerance)
        off[off] = is_off
        if not is_off.any():
            break
        straight[off] += error[is_off]
    return straight, ~off


def _undistorted(points: NDArray[Any], lens: Lens) -> NDArray[Any]:
    undistort = cv2.fisheye.undistortPoints if lens.model in _FISHEYE else cv2.undistortPoints
    found = undistort(points[:, None], np.eye(3), np.array(lens.coefficients))
    return np.asarray(found, np.float64).reshape(-1, 2)


def _distorted(points: NDArray[Any], lens: Lens) -> NDArray[Any]:
    coefficients, none = np.array(lens.coefficients), np.zeros(3)
    if lens.model in _FISHEYE:
        return np.asarray(cv2.fisheye.distortPoints(points[:, None], np.eye(3), coefficients)).reshape(-1, 2)
    rays = np.column_stack([points, np.ones(len(points))])
    return np.asarray(cv2.projectPoints(rays, none, none, np.eye(3), coefficients)[0]).reshape(-1, 2)
