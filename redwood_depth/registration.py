"""Depth and color of one view: the rule that tells whether they are, and bringing one camera's depth into another's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redwood_depth.camera import Intrinsics

_MAX_ASPECT_ERROR = 0.02
_MAX_FOCAL_ERROR = 0.1
_MAX_SPLAT_PX = 16
_ROUNDING_PX = 1e-3


@dataclass(frozen=True)
class View:
    """What is known of an image: `name` for messages, frame_id ("": unknown), size (height, width), intrinsics."""

    name: str
    frame_id: str = ""
    size: tuple[int, int] | None = None
    intrinsics: Intrinsics | None = None


def same_aspect(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two sizes (height, width) can be one view in two resolutions."""
    return abs(one[1] * other[0] / (one[0] * other[1]) - 1.0) <= _MAX_ASPECT_ERROR


def why_unregistered(color: View, depth: View) -> str | None:
    """Why depth is not of the color image, with the values of both; None: nothing speaks against it.

    The one rule for bags, scans and what is made of them: frame_id, aspect ratio, and focal length over the size.
    """
    if color.frame_id and depth.frame_id and color.frame_id != depth.frame_id:
        return f"{depth.name} is of frame {depth.frame_id}, {color.name} of {color.frame_id}"
    if color.size and depth.size and not same_aspect(color.size, depth.size):
        sizes = f"{depth.name} is {_words(depth.size)}, {color.name} is {_words(color.size)}"
        return f"{sizes}: the aspect ratios differ"
    if color.intrinsics and depth.intrinsics:
        ours, theirs = color.intrinsics, depth.intrinsics
        at_color = theirs.scaled(ours.height, ours.width)
        if max(abs(at_color.fx / ours.fx - 1), abs(at_color.fy / ours.fy - 1)) > _MAX_FOCAL_ERROR:
            focal = f"fx {at_color.fx:.0f} px (at the color image's size), {color.name} of {ours.fx:.0f}"
            return f"{depth.name} is of a camera of {focal}"
    return None


@dataclass(frozen=True)
class Registration:
    """How one camera's depth is brought into another's image.

    `rotation` (3, 3) and `translation_m` (3,) take a point from the depth camera's optical frame to the color camera's.
    """

    depth: Intrinsics
    color: Intrinsics
    rotation: NDArray[np.float64]
    translation_m: NDArray[np.float64]

    def target(self) -> Intrinsics:
        """The color camera at the resolution of the depth: no more pixels than there is depth for."""
        share = min(1.0, self.depth.fx / self.color.fx)
        return self.color.scaled(max(round(self.color.height * share), 1), max(round(self.color.width * share), 1))

    def apply(self, depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """Depth (H, W) of the depth camera as depth (h, w) of `target()`; NaN where nothing was seen."""
        camera = self.depth.fitted(*depth_m.shape)
        return reproject(depth_m, camera, self.target(), self.rotation, self.translation_m)


def reproject(
    depth_m: NDArray[np.float32],
    source: Intrinsics,
    target: Intrinsics,
    rotation: NDArray[np.float64],
    translation_m: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Depth of one pinhole camera as another one sees it: float32 (target.height, target.width), NaN where nothing is.

    Each pixel of the source is a small square facing the camera; in the target it covers the pixels whose centers it
    holds, the nearest one at least, and the nearer surface stays (z-buffer). So enlarging leaves no holes.

    Args:
        depth_m: float32 (H, W) Z in meters, NaN where there is none.
        source: intrinsics at that size.
        target: intrinsics of the result.
        rotation: (3, 3), of points from the source's optical frame to the target's.
        translation_m: (3,), the same.
    """
    v, u = np.nonzero(np.isfinite(depth_m) & (depth_m > 0))
    z = depth_m[v, u].astype(np.float64)
    points = np.stack([(u - source.cx) / source.fx * z, (v - source.cy) / source.fy * z, z])
    x, y, far = rotation @ points + np.reshape(translation_m, (3, 1))
    before = far > 0
    x, y, far, z = x[before], y[before], far[before], z[before]
    columns = _covered(x / far * target.fx + target.cx, 0.5 * target.fx / source.fx * z / far)
    rows = _covered(y / far * target.fy + target.cy, 0.5 * target.fy / source.fy * z / far)
    nearest = np.full(target.height * target.width, np.inf)
    for row in _steps(*rows):
        for column in _steps(*columns):
            at_v, at_u = rows[0] + row, columns[0] + column
            hit = (at_v <= rows[1]) & (at_u <= columns[1])
            hit &= (at_v >= 0) & (at_v < target.height) & (at_u >= 0) & (at_u < target.width)
            np.minimum.at(nearest, (at_v * target.width + at_u)[hit], far[hit])
    result = np.where(np.isfinite(nearest), nearest, np.nan)
    return result.reshape(target.height, target.width).astype(np.float32)


def _covered(center: NDArray[np.float64], half: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last pixel whose center lies within `half` of `center`, the nearest one where there is none."""
    center = np.clip(center, -1e6, 1e6)
    half = np.minimum(half, _MAX_SPLAT_PX / 2) + _ROUNDING_PX
    first, last = np.ceil(center - half).astype(np.int64), np.floor(center + half).astype(np.int64)
    nearest = np.rint(center).astype(np.int64)
    none = last < first
    return np.where(none, nearest, first), np.where(none, nearest, last)


def _steps(first: NDArray[np.int64], last: NDArray[np.int64]) -> range:
    return range(int((last - first).max(initial=-1)) + 1)


def _words(size: tuple[int, ...]) -> str:
    return f"{size[1]}x{size[0]}"
