"""Distances along the ray: told by the topic's name, turned into depth on request; and swapped bytes."""

import json
from pathlib import Path

import numpy as np
import pytest
from bag_samples import CAMERA, color_pixels, write_bag
from hypothesis import given
from hypothesis import strategies as st

from redwood_depth.bags import driver_messages
from redwood_depth.bundle import ModelBundle
from redwood_depth.camera import Intrinsics
from redwood_depth.commands.evaluate_bag import main
from redwood_depth.errors import CameraError
from redwood_depth.evaluation.ray_distance import along_axis, ray_warnings
from redwood_depth.evaluation.truth_checks import TruthChecks
from redwood_depth.images.decode import ColorImage
from redwood_depth.rgbd import RgbdFrame


def frame(depth_m: np.ndarray, camera: Intrinsics | None = CAMERA) -> RgbdFrame:
    return RgbdFrame(ColorImage(color_pixels(90)), depth_m.astype(np.float32), camera, 0, 0)


def stretch_of(camera: Intrinsics) -> np.ndarray:
    """Length of each pixel's ray to Z = 1, point by point."""
    rays = [
        [((u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, 1.0) for u in range(camera.width)]
        for v in range(camera.height)
    ]
    return np.linalg.norm(rays, axis=-1)


@given(st.floats(0.2, 9.0), st.floats(15.0, 80.0))
def test_a_wall_along_the_ray_is_flat_along_the_axis(distance_m: float, f_px: float) -> None:
    camera = Intrinsics(32, 24, f_px, 1.1 * f_px, 15.5, 11.5)
    found = along_axis(frame(distance_m * stretch_of(camera), camera)).depth_m
    np.testing.assert_allclose(found, distance_m, rtol=1e-5)


def test_without_calibration_there_is_no_ray() -> None:
    with pytest.raises(CameraError, match="--depth-kind ray needs the calibration"):
        along_axis(frame(np.ones((24, 32)), None))


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("/sim/distance_to_camera", True),
        ("/airsim/front/DepthPerspective", True),
        ("/sim/distance_to_image_plane", False),
        ("/airsim/front/DepthPlanar", False),
        ("/camera/depth/image_raw", False),
        (None, False),
    ],
)
def test_the_name_tells(topic: str | None, said: bool) -> None:
    assert bool(ray_warnings(topic, ray=False)) == said


def test_evaluate_bag_turns_it_and_says_so(
    tiny_bundle: ModelBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = []
    for index in range(3):
        stamp_us = 1_000_000 + 33_333 * index
        ray_m = (2.0 * stretch_of(CAMERA)).astype(np.float32)
        messages += [
            ("/sim/camera_info", driver_messages.camera_info(CAMERA, stamp_us)),
            ("/sim/rgb", driver_messages.image(color_pixels(90), "rgb8", stamp_us)),
            ("/sim/distance_to_camera", driver_messages.image(ray_m, "32FC1", stamp_us)),
        ]
    bag = str(write_bag(tmp_path / "bag", messages))
    model = ["--model", str(tiny_bundle.folder), "--json", str(tmp_path / "result.json")]
    assert main([bag, *model]) == 0
    assert "--depth-kind ray turns it" in capsys.readouterr().err
    assert main([bag, *model, "--depth-kind", "ray"]) == 0
    assert "taken as the distance along each pixel's ray" in capsys.readouterr().err
    constant = json.loads((tmp_path / "result.json").read_text())["baselines"]["best_constant"]
    assert constant["abs_rel"] < 1e-3  # the wall is flat


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("noise_mm", [2, 12])
def test_swapped_bytes_are_told_by_their_roughness(swapped: bool, noise_mm: int) -> None:
    rng = np.random.default_rng(3)
    slope = np.linspace(900, 3500, 160 * 120).reshape(120, 160)
    checks = TruthChecks()
    for _ in range(20):
        depth_mm = (slope + rng.normal(0, noise_mm, slope.shape)).astype(np.uint16)
        depth_m = (depth_mm.byteswap() if swapped else depth_mm).astype(np.float32) / np.float32(1000)
        checks.add(frame(depth_m), np.full((120, 160), 2.0, np.float32))
    assert any("bytes in the other order" in word for word in checks.warnings()) == swapped
