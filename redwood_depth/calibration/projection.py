"""Points of a lidar, in the camera's image: sparse depth in meters, with what the camera cannot see skipped."""

import numpy as np
from numpy.typing import NDArray

from redwood_depth.camera import Intrinsics

_CELLS = 80  # over the width: what a lidar sees past an edge is told by nearer points in the cells beside its own
_BEHIND = 1.25  # a point is hidden where a neighbor is this many times nearer


def sparse_depth(
    points_m: NDArray[np.floating], intrinsics: Intrinsics, *, least_m: float = 0.05
) -> NDArray[np.float32]:
    """Depth image float32 (H, W) in meters of `points_m` (N, 3), NaN where no point falls.

    The points are in the camera's optical frame (x right, y down, z forward). Of several points in a pixel the nearest
    counts; points that lie behind nearer ones around them are skipped, because the lidar, which stands elsewhere, may
    see what the camera does not.
    """
    height, width = intrinsics.height, intrinsics.width
    x, y, z = points_m[np.isfinite(points_m).all(axis=1)].astype(np.float64).T
    ahead = z > least_m
    x, y, z = x[ahead], y[ahead], z[ahead]
    u = np.rint(intrinsics.fx * x / z + intrinsics.cx)
    v = np.rint(intrinsics.fy * y / z + intrinsics.cy)
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    column, row, z = u[inside].astype(np.intp), v[inside].astype(np.intp), z[inside]
    seen = _not_hidden(row, column, z, (height, width))
    depth_m = np.full((height, width), np.inf, np.float32)
    np.minimum.at(depth_m, (row[seen], column[seen]), z[seen].astype(np.float32))
    depth_m[np.isinf(depth_m)] = np.nan
    return depth_m


def _not_hidden(
    row: NDArray[np.intp], column: NDArray[np.intp], z: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Whether a point is not between much nearer ones: in the cells left and right of its own, or above and below.

    On a floor or along a wall nearer points lie on one side only.
    """
    cell_px = max(1, size[1] // _CELLS)
    nearest = np.full((size[0] // cell_px + 3, size[1] // cell_px + 3), np.inf)
    i, j = row // cell_px + 1, column // cell_px + 1
    np.minimum.at(nearest, (i, j), z)
    beside = np.maximum(nearest[i, j - 1], nearest[i, j + 1])
    above_and_below = np.maximum(nearest[i - 1, j], nearest[i + 1, j])
    return np.asarray(z <= _BEHIND * np.minimum(beside, above_and_below), np.bool_)
