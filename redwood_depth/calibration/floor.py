"""The floor as an anchor: the camera's height above it is known, the predicted cloud says how far below it lies."""

import math

import numpy as np
from numpy.typing import NDArray

from redwood_depth.calibration.anchors import AnchorPoints, within_limits
from redwood_depth.camera import Intrinsics

_TRIALS = 100
_TILT = math.cos(math.radians(15.0))  # how far the floor's normal may be from where down is expected
_THICK = 0.03  # a point is of the floor within this share of the height
_LEAST_SHARE = 0.1  # of the sampled points
_SAMPLE = 2000


def anchor_of_floor(
    pred_m: NDArray[np.float32],
    intrinsics: Intrinsics,
    *,
    camera_height_m: float,
    down: NDArray[np.floating],
    seed: int = 0,
) -> AnchorPoints:
    """The factor that puts the floor of predicted depth (H, W) `camera_height_m` below the camera.

    Args:
        pred_m: predicted depth of an image of the camera `intrinsics`, in meters.
        intrinsics: for an image of the size of `pred_m`.
        camera_height_m: of the optical center above the floor.
        down: (3,), the direction of gravity in the optical frame; (0, 1, 0) for a level camera.
        seed: of the sample and of RANSAC.
    """
    rng = np.random.default_rng(seed)
    points = _sample(pred_m, intrinsics, rng)
    if len(points) < 3:
        return AnchorPoints(0.0, len(points), "no predicted depth to find a floor in")
    direction = np.asarray(down, np.float64)
    height, count = _level_plane(points, direction / np.linalg.norm(direction), rng)
    if height is None:
        return AnchorPoints(0.0, count, "no floor in view")
    return within_limits(math.log(camera_height_m / height), count)


def _sample(pred_m: NDArray[np.float32], camera: Intrinsics, rng: np.random.Generator) -> NDArray[np.float64]:
    step = max(1, int(math.sqrt(pred_m.size / (4 * _SAMPLE))))
    some_m = pred_m[::step, ::step]
    rows, columns = np.nonzero(np.isfinite(some_m) & (some_m > 0))
    chosen = rng.permutation(rows.size)[:_SAMPLE]
    v, u = step * rows[chosen], step * columns[chosen]
    z = pred_m[v, u].astype(np.float64)
    return np.stack([(u - camera.cx) / camera.fx * z, (v - camera.cy) / camera.fy * z, z], axis=1)


def _level_plane(
    points: NDArray[np.float64], down: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float | None, int]:
    """How far below the camera the best plane lies that is level enough, and how many points it has. RANSAC."""
    triples = points[rng.integers(0, len(points), (_TRIALS, 3))]
    normals = np.cross(triples[:, 1] - triples[:, 0], triples[:, 2] - triples[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    normals = normals[lengths > 1e-9] / lengths[lengths > 1e-9, None]
    normals *= np.sign(normals @ down)[:, None]
    heights = np.einsum("ij,ij->i", normals, triples[lengths > 1e-9, 0])
    level = (normals @ down > _TILT) & (heights > 0)
    if not level.any():
        return None, 0
    normals, heights = normals[level], heights[level]
    near = np.abs(points @ normals.T - heights) < _THICK * heights
    counts = np.count_nonzero(near, axis=0)
    best = int(np.argmax(counts))
    if counts[best] < _LEAST_SHARE * len(points):
        return None, int(counts[best])
    return _refined(points, normals[best], heights[best]), int(counts[best])


def _refined(points: NDArray[np.float64], normal: NDArray[np.float64], height: float) -> float:
    """How far below the camera the plane lies after fitting it to its own points, twice."""
    for _ in range(2):
        of_plane = points[np.abs(points @ normal - height) < _THICK * height]
        center = of_plane.mean(axis=0)
        fitted = np.linalg.svd(of_plane - center, full_matrices=False)[2][2]
        normal = fitted * np.sign(fitted @ normal)
        height = float(center @ normal)
    return height
