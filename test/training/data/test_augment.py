"""Augmented views: depth stays exact, and agrees with the focal correction on the robot."""

import cv2
import numpy as np
import pytest

from redwood_depth.camera import Intrinsics, TrainingCamera
from training.data.augment import ZOOM, camera_view, random_light, random_view, rotation_matrix, zoomed_camera

SOURCE = Intrinsics(640, 480, 544.47, 544.47, 320.0, 240.0)
CAMERA = TrainingCamera(525 / 640, 525 / 480)
SIZE = (96, 128)
COLOR = np.zeros((480, 640, 3), np.uint8)


def plane_depth(camera: Intrinsics, normal: np.ndarray, distance_m: float) -> np.ndarray:
    """Z of the plane normal . X = distance_m at every pixel of a camera."""
    u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(u.shape)], axis=-1)
    return (distance_m / (rays @ normal)).astype(np.float32)


@pytest.mark.parametrize("angles", [(0, 0, 0), (10, 0, 0), (0, -12, 0), (0, 0, 20), (7, -9, 15)])
@pytest.mark.parametrize("zoom", [1.0, 1.6])
def test_a_turned_and_zoomed_camera_measures_a_slanted_wall_right(angles: tuple[float, ...], zoom: float) -> None:
    normal = np.array([0.3, -0.2, 0.9])
    target, rotation = zoomed_camera(CAMERA, SIZE, zoom), rotation_matrix(*angles)
    _, depth_m = camera_view(COLOR, plane_depth(SOURCE, normal, 2.0), SOURCE, target, rotation)
    seen = depth_m > 0
    assert seen.mean() > 0.4
    np.testing.assert_allclose(depth_m[seen], plane_depth(target, rotation @ normal, 2.0)[seen], rtol=2e-3)


def test_color_and_depth_stay_aligned() -> None:
    color, depth_m = COLOR.copy(), np.full((480, 640), 2.0, np.float32)
    cv2.circle(color, (400, 200), 60, (255, 255, 255), -1)
    depth_m[color[..., 0] > 0] = 1.0
    view, depth = camera_view(color, depth_m, SOURCE, zoomed_camera(CAMERA, SIZE, 1.2), rotation_matrix(4, -6, 10))
    near = (depth > 0) & (depth < 1.5)
    assert near.sum() > 300
    assert (near == (view[..., 0] > 127))[depth > 0].mean() > 0.99


def test_depth_is_that_of_the_training_camera() -> None:
    """The estimator multiplies by depth_scale: on a zoomed view that must give back the meters that were measured."""
    depth_m = np.full((480, 640), 2.0, np.float32)
    rng = np.random.default_rng(3)
    zoom = np.exp(np.random.default_rng(3).uniform(*np.log(ZOOM)))
    _, normalized = random_view(COLOR, depth_m, SOURCE, CAMERA, SIZE, rng)
    scale = zoomed_camera(CAMERA, SIZE, zoom).depth_scale(CAMERA)
    assert scale == pytest.approx(zoom)
    middle = normalized[40:56, 56:72]
    assert np.median(middle[middle > 0]) * scale == pytest.approx(2.0, rel=0.08)  # the wall is seen at an angle


@pytest.mark.parametrize("share", [0.5, 0.75])
def test_a_crop_equals_a_zoom(share: float) -> None:
    """A crop of `share` of each side has fx / W larger by 1 / share; so has the zoomed camera of the same view."""
    cropped = Intrinsics(int(640 * share), int(480 * share), SOURCE.fx, SOURCE.fy, 160.0, 120.0)
    whole = SOURCE.depth_scale(CAMERA)
    assert cropped.depth_scale(CAMERA) == pytest.approx(whole / share)
    assert zoomed_camera(CAMERA, SIZE, whole / share).depth_scale(CAMERA) == pytest.approx(whole / share)


def test_missing_depth_stays_missing_and_outside_is_missing() -> None:
    depth_m = np.full((480, 640), 2.0, np.float32)
    depth_m[:, 320:] = 0
    target = zoomed_camera(CAMERA, SIZE, 1.0)
    _, straight = camera_view(COLOR, depth_m, SOURCE, target, np.eye(3))
    assert not straight[:, 66:].any()
    _, turned = camera_view(COLOR, depth_m, SOURCE, target, rotation_matrix(0, 15, 0))
    assert 0 < (turned > 0).mean() < 0.8


def test_light_keeps_shape_type_and_the_input() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    before = image.copy()
    for seed in range(20):
        changed = random_light(image, np.random.default_rng(seed))
        assert changed.shape == image.shape
        assert changed.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


def test_light_makes_edges_softer_and_sharper() -> None:
    """Or the network takes the sharper image for the farther scene."""
    edge = np.repeat(np.interp(np.arange(32), (14, 18), (100, 150))[None, :, None], 64, axis=0)
    image = np.repeat(edge, 3, axis=2).astype(np.uint8)

    def steepness(pixels: np.ndarray) -> float:
        profile = pixels.mean(axis=(0, 2))
        return float(np.abs(np.diff(profile)).max() / np.abs(profile[-4:].mean() - profile[:4].mean()))

    changed = [steepness(random_light(image, np.random.default_rng(seed))) for seed in range(60)]
    assert min(changed) < 0.95 * steepness(image)
    assert max(changed) > 1.1 * steepness(image)
