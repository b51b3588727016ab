"""Rays of a raw image: each leads back to its pixel through the lens, by OpenCV's own projection."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from sensor_msgs.msg import CameraInfo

from bench.harness.ros import Client, NodeProcess, camera_info, gray_image, header_at
from redwood_depth.bundle import ModelBundle
from redwood_depth.camera import Intrinsics
from redwood_depth.node.lens import Lens, Rays, lens_of, pinhole_rays, rays_through

VGA = Intrinsics(640, 480, 520.0, 515.0, 322.0, 236.0)
GOPRO = Lens("equidistant", (0.05, 0.01, 0.0, 0.0))


def pixels_of(rays: Rays, intrinsics: Intrinsics, lens: Lens) -> np.ndarray:
    """Where the points at 2 m along the rays are seen, (H, W, 2)."""
    x, y = np.broadcast_arrays(rays.x, rays.y)
    points = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3).astype(np.float64) * 2.0
    camera = np.array([[intrinsics.fx, 0, intrinsics.cx], [0, intrinsics.fy, intrinsics.cy], [0, 0, 1]])
    project = cv2.fisheye.projectPoints if lens.model == "equidistant" else cv2.projectPoints
    rotation = np.zeros((1, 1, 3)) if lens.model == "equidistant" else np.zeros(3)
    seen = project(points[:, None], rotation, rotation, camera, np.array(lens.coefficients))[0]
    return np.asarray(seen).reshape(*x.shape, 2)


def off_px(rays: Rays, intrinsics: Intrinsics, lens: Lens) -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(intrinsics.width), np.arange(intrinsics.height))
    return np.linalg.norm(pixels_of(rays, intrinsics, lens) - np.stack([columns, rows], -1), axis=-1)


@pytest.mark.parametrize(
    "lens",
    [
        Lens("plumb_bob", (-0.35, 0.12, 0.001, -0.0005, 0.0)),
        Lens("plumb_bob", (0.12, -0.2, 0.0, 0.0)),
        Lens("rational_polynomial", (0.6, -2.0, 0.0001, 0.0, 1.6, 0.5, -1.9, 1.5)),
        GOPRO,
    ],
)
def test_rays_lead_back_to_their_pixels(lens: Lens) -> None:
    rays = rays_through(VGA, lens)
    assert np.isfinite(rays.x).all()
    assert off_px(rays, VGA, lens).max() < 0.2
    assert off_px(pinhole_rays(VGA), VGA, lens).max() == pytest.approx(rays.bent_px, rel=0.6)


@given(st.floats(-0.3, 0.3), st.floats(-0.1, 0.1), st.floats(-0.003, 0.003), st.sampled_from([0.6, 0.9, 1.4]))
@settings(max_examples=15, deadline=None)
def test_any_lens_leads_back_or_gives_no_ray(k1: float, k2: float, p1: float, f: float) -> None:
    small = Intrinsics(160, 120, 160 * f, 160 * f, 81.0, 58.5)
    lens = Lens("plumb_bob", (k1, k2, p1, 0.0, 0.0))
    rays = rays_through(small, lens)
    seen = off_px(rays, small, lens)
    assert np.nanmax(seen) < 0.2
    x = np.broadcast_to(rays.x, seen.shape)
    assert np.isfinite(x[50:70, 70:90]).all()  # the middle is never lost


def test_where_the_model_folds_there_is_no_ray() -> None:
    rays = rays_through(VGA, Lens("plumb_bob", (-0.6, 0.1, 0.0, 0.0, 0.0)))
    assert np.isnan(rays.x[0, 0])
    assert np.isnan(rays.y[0, 0])
    assert np.isfinite(rays.x[200:280, 280:360]).all()


@pytest.mark.parametrize("lens", [None, Lens("plumb_bob", (1e-6, 0.0, 0.0, 0.0, 0.0)), Lens("thin_prism", (0.4, 1.0))])
def test_no_lens_a_negligible_and_an_unknown_one_are_a_pinhole(lens: Lens | None) -> None:
    rays = rays_through(VGA, lens)
    assert (rays.x.shape, rays.y.shape, rays.bent_px) == ((640,), (480, 1), 0.0)


@pytest.mark.parametrize(
    ("topic", "is_raw"),
    [
        ("/cam/image_raw", True),
        ("/cam/image_rect", False),
        ("/cam/image_rect_color/compressed", False),
        ("/zed/zed_node/rgb/image_rect_color", False),
        ("/stereo/left/rect/image", False),
        ("/camera/rectified/image", False),
        ("/camera/direct/image", True),
        ("/rectory/front/image_raw", True),
    ],
)
def test_rectified_topics_have_no_lens(topic: str, is_raw: bool) -> None:
    info = CameraInfo(distortion_model="plumb_bob", d=[0.1, 0.0, 0.0, 0.0, 0.0])
    assert (lens_of(info, topic) is not None) == is_raw
    assert lens_of(CameraInfo(distortion_model="plumb_bob", d=[0.0] * 5), topic) is None
    assert lens_of(None, topic) is None


@pytest.mark.usefixtures("ros_domain")
def test_the_nodes_cloud_of_a_raw_image_follows_the_lens_and_that_is_said_once(tiny_bundle: ModelBundle) -> None:
    lens = Lens("plumb_bob", (-0.3, 0.1, 0.0, 0.0, 0.0))
    info = camera_info(header_at(1), f_px=40.0)
    info.d = list(lens.coefficients)
    with NodeProcess("lens", model=tiny_bundle.folder) as process, Client("lens", pictures=True) as client:
        client.wait_for_node()
        for index in range(3):
            client.ask(gray_image(header_at(index), 100), info)
        cloud = client.wait_for_count("depth/points", 3)[-1]
        process.wait_for("depth/points follows the lens")
    x, y, z, _ = np.frombuffer(cloud.data, np.float32).reshape(cloud.height, cloud.width, 4).transpose(2, 0, 1)
    assert off_px(Rays(x / z, y / z), Intrinsics(64, 48, 40.0, 40.0, 32.0, 24.0), lens).max() < 0.2
    assert process.output.count("depth/points follows the lens") == 1
