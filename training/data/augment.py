"""Augmentation that keeps depth true: a frame seen by another camera in the same place, and under other light.

Turning a camera about its own center and changing its focal length need no knowledge of the scene: every new pixel sees
along a known ray of the old image. So views can be made at any roll, pitch, yaw and zoom, with exact depth.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from redwood_depth.camera import Intrinsics, TrainingCamera

ZOOM = (0.8, 1.3)  # of the training camera's focal length; lopsided ranges teach distances that are too near or far
ROLL_DEG, PITCH_DEG, YAW_DEG = 8.0, 12.0, 15.0  # standard deviation of roll; largest pitch and yaw
SOFTNESS = (-0.8, 1.2)  # sigma in pixels of a blur; below 0.5, unsharp masking by as much as it is below
OVERSAMPLE = 2  # color is drawn at this multiple and averaged down, as the robot averages with INTER_AREA

Image = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]


def camera_view(
    color: Image, depth_m: Depth, source: Intrinsics, target: Intrinsics, rotation: npt.NDArray[np.float64]
) -> tuple[Image, Depth]:
    """What a camera with intrinsics `target`, turned by `rotation` (3, 3), would see of a frame of camera `source`.

    `rotation` takes points of the source camera to the new one. Returns color (h, w, 3) and depth (h, w) in meters of
    the new camera, 0 where the source has no measurement or does not look; color is mirrored in there.
    """
    u, v = np.meshgrid(np.arange(target.width), np.arange(target.height))
    rays = np.stack([(u - target.cx) / target.fx, (v - target.cy) / target.fy, np.ones(u.shape)], axis=-1) @ rotation
    along = rays[..., 2]  # Z in the source camera of the point at Z = 1 in the new one
    seen = along > 0.1
    along = np.where(seen, along, 1.0)
    column = np.rint(source.fx * rays[..., 0] / along + source.cx)
    row = np.rint(source.fy * rays[..., 1] / along + source.cy)
    seen &= (column >= 0) & (column < source.width) & (row >= 0) & (row < source.height)
    depth = depth_m[np.where(seen, row, 0).astype(int), np.where(seen, column, 0).astype(int)] / along
    finer = (target.width * OVERSAMPLE, target.height * OVERSAMPLE)
    homography = _matrix(source) @ rotation.T @ np.linalg.inv(_matrix(target, OVERSAMPLE))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    view = cv2.warpPerspective(color, homography, finer, flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    view = cv2.resize(view, (target.width, target.height), interpolation=cv2.INTER_AREA)
    return view.astype(np.uint8, copy=False), np.where(seen, depth, 0).astype(np.float32)


def random_view(
    color: Image,
    depth_m: Depth,
    source: Intrinsics,
    training_camera: TrainingCamera,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[Image, Depth]:
    """A random view of a frame as an image of `size` (height, width).

    Depth (h, w) is in meters of the training camera: divided by the new camera's `depth_scale`, the factor that the
    estimator multiplies with.
    """
    target = zoomed_camera(training_camera, size, math.exp(rng.uniform(*np.log(ZOOM))))
    angles = (rng.uniform(-PITCH_DEG, PITCH_DEG), rng.uniform(-YAW_DEG, YAW_DEG), rng.normal(0, ROLL_DEG))
    view, depth = camera_view(color, depth_m, source, target, rotation_matrix(*angles))
    return view, depth / np.float32(target.depth_scale(training_camera))


def zoomed_camera(training_camera: TrainingCamera, size: tuple[int, int], zoom: float) -> Intrinsics:
    """The training camera at `size` (height, width), its focal lengths multiplied by `zoom`."""
    height, width = size
    fx, fy = zoom * training_camera.fx_over_width * width, zoom * training_camera.fy_over_height * height
    return Intrinsics(width, height, fx, fy, (width - 1) / 2, (height - 1) / 2)


def rotation_matrix(pitch_deg: float, yaw_deg: float, roll_deg: float) -> npt.NDArray[np.float64]:
    """(3, 3) rotation: roll about the optical axis after yaw about the vertical after pitch about the horizontal."""
    axes = np.diag(np.radians([pitch_deg, yaw_deg, roll_deg]))
    pitch, yaw, roll = (cv2.Rodrigues(axis)[0] for axis in axes)
    return np.asarray(roll @ yaw @ pitch, np.float64)


def random_light(image: Image, rng: np.random.Generator) -> Image:
    """Other exposure, contrast, white balance, saturation, sharpness, sometimes noise; (H, W, 3) uint8 -> the same.

    Sharpness is as much a matter of camera and driver as the others: a network that saw one alone takes what is sharper
    for farther away.
    """
    levels = np.linspace(0, 1, 256)[:, None] ** math.exp(rng.normal(0, 0.25))  # gamma
    gains = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.06, 3))
    levels = (levels * gains - 0.5) * math.exp(rng.normal(0, 0.15)) + 0.5
    lit = cv2.LUT(image, np.clip(levels * 255, 0, 255).astype(np.uint8)[None])
    gray = cv2.cvtColor(cv2.cvtColor(lit, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    saturation = rng.uniform(0.0, 1.4)
    lit = cv2.addWeighted(lit, saturation, gray, 1 - saturation, 0)
    softness = rng.uniform(*SOFTNESS)
    blurred = cv2.GaussianBlur(lit, (0, 0), max(softness, 0.5))
    lit = blurred if softness > 0.5 else cv2.addWeighted(lit, 1.5 - softness, blurred, softness - 0.5, 0)
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(1, 8), lit.shape)
        lit = np.clip(lit + noise, 0, 255).astype(np.uint8)
    return lit.astype(np.uint8, copy=False)


def _matrix(camera: Intrinsics, oversample: int = 1) -> npt.NDArray[np.float64]:
    """(3, 3) camera matrix, of an image with `oversample` pixels for each; pixel centers lie at whole numbers."""
    cx, cy = (camera.cx + 0.5) * oversample - 0.5, (camera.cy + 0.5) * oversample - 0.5
    return np.array([[camera.fx * oversample, 0, cx], [0, camera.fy * oversample, cy], [0, 0, 1.0]])
