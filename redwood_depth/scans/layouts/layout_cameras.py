"""Calibrations as data sets write them: matrices in text and JSON."""

import json
from pathlib import Path

import numpy as np

from redwood_depth.camera import Intrinsics
from redwood_depth.errors import ScanError


def matrix_file(path: Path, size: tuple[int, int]) -> Intrinsics:
    """Intrinsics of a text file of nine or sixteen numbers, row by row, for images of `size` (width, height).

    Raises:
        ScanError: not such a file, or no camera's matrix.
    """
    try:
        numbers = [float(word) for word in path.read_text("utf-8").replace(",", " ").split()]
    except (OSError, ValueError) as error:
        raise ScanError(f"cannot read {path}: {error}") from error
    if len(numbers) < 9:
        raise ScanError(f"{path} holds no matrix of 3x3 or 4x4 numbers")
    side = 4 if len(numbers) >= 16 else 3
    fx, cx, fy, cy = numbers[0], numbers[2], numbers[side + 1], numbers[side + 2]
    return _checked(path, Intrinsics(*size, fx, fy, cx, cy))


def open3d_json(path: Path) -> Intrinsics:
    """Intrinsics of Open3D's PinholeCameraIntrinsic: width, height, the matrix column by column. Raises ScanError."""
    try:
        content = json.loads(path.read_text("utf-8"))
        matrix = [float(value) for value in content["intrinsic_matrix"]]
        camera = Intrinsics(int(content["width"]), int(content["height"]), matrix[0], matrix[4], matrix[6], matrix[7])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ScanError(f"{path} is not Open3D's camera description: {error!r}") from error
    return _checked(path, camera)


def _checked(path: Path, camera: Intrinsics) -> Intrinsics:
    numbers = np.array([camera.fx, camera.fy, camera.cx, camera.cy])
    if not np.isfinite(numbers).all() or min(camera.fx, camera.fy, camera.width, camera.height) <= 0:
        raise ScanError(f"{path} describes an impossible camera: {camera}")
    return camera
