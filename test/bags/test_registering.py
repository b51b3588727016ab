"""Bags whose depth is the depth camera's own: refused with both values named, or registered where the bag says how."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import write_scan
from rosbags.rosbag2 import StoragePlugin, Writer

from redwood_depth.bags import driver_messages
from redwood_depth.bags.bag_source import BagSource
from redwood_depth.bags.message_types import typestore
from redwood_depth.bags.transforms import rotation_of
from redwood_depth.camera import Intrinsics
from redwood_depth.errors import BagError, ScanError
from redwood_depth.evaluation.recordings import open_recording

COLOR, DEPTH = Intrinsics(64, 36, 45.0, 45.0, 31.5, 17.5), Intrinsics(53, 30, 26.0, 26.0, 26.0, 14.5)
BASELINE_M = 0.1
COLOR_FRAME, DEPTH_FRAME = "camera_color_optical_frame", "camera_depth_optical_frame"
EXTRINSICS = "realsense2_camera_msgs/msg/Extrinsics"


def of_frame(message: Any, frame_id: str) -> Any:
    message.header.frame_id = frame_id
    return message


def images(at_us: int = 0, depth_frame: str = DEPTH_FRAME) -> list[tuple[str, Any]]:
    """A wall 2 m away, a post 1 m away in the middle of the depth image."""
    depth = np.full((30, 53), 2000, np.uint16)
    depth[:, 25:28] = 1000
    color = np.zeros((36, 64, 3), np.uint8)
    return [
        ("/camera/color/image_raw", of_frame(driver_messages.image(color, "rgb8", at_us), COLOR_FRAME)),
        ("/camera/depth/image_rect_raw", of_frame(driver_messages.image(depth, "16UC1", at_us), depth_frame)),
    ]


def infos(depth_frame: str = DEPTH_FRAME) -> list[tuple[str, Any]]:
    return [
        ("/camera/color/camera_info", of_frame(driver_messages.camera_info(COLOR, 0), COLOR_FRAME)),
        ("/camera/depth/camera_info", of_frame(driver_messages.camera_info(DEPTH, 0), depth_frame)),
    ]


def static(child: str, parent: str, move: tuple[float, float, float], turn: tuple[float, ...] = (0, 0, 0, 1)) -> Any:
    types = typestore().types
    transform = types["geometry_msgs/msg/Transform"](
        types["geometry_msgs/msg/Vector3"](*move), types["geometry_msgs/msg/Quaternion"](*map(float, turn))
    )
    stamped = types["geometry_msgs/msg/TransformStamped"](
        of_frame(driver_messages.image(np.zeros((1, 1), np.uint8), "mono8", 0), parent).header, child, transform
    )
    return types["tf2_msgs/msg/TFMessage"]([stamped])


def write(path: Path, messages: list[tuple[str, Any]], extrinsics: bytes | None = None) -> Path:
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections: dict[str, Any] = {}
        for topic, message in messages:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=typestore())
            stamp = message.header.stamp if hasattr(message, "header") else None
            at_ns = stamp.sec * 10**9 + stamp.nanosec if stamp else 0
            writer.write(connections[topic], at_ns, bytes(typestore().serialize_cdr(message, kind)))
        if extrinsics is not None:
            place = writer.add_connection(
                "/camera/extrinsics/depth_to_color", EXTRINSICS, msgdef="float64[9] rotation\nfloat64[3] translation\n",
                rihs01="RIHS01_" + "0" * 64,
            )  # fmt: skip
            writer.write(place, 0, extrinsics)
    return path


def posts(path: Path) -> tuple[np.ndarray, list[str]]:
    """Columns of the registered depth in which the post is seen, and the warnings."""
    with BagSource(path) as source:
        (frame,) = list(source)
        warnings = list(source.warnings)
    seen = np.nonzero((frame.depth_m == 1.0).any(0))[0]
    assert frame.depth_m.shape[1] / frame.depth_m.shape[0] == pytest.approx(64 / 36, rel=0.05)
    return seen, warnings


# A point 1 m away in the middle of the depth image lies 0.1 m to the right of color's axis: 26 px / 10 = 2.6 px.
EXPECTED = 31.5 * 26 / 45 + 2.6


def test_depth_is_registered_with_static_transforms(tmp_path: Path) -> None:
    """Through the tree, against the direction in which it is written, with the optical frames' turn in it."""
    optical = (-0.5, 0.5, -0.5, 0.5)
    tree = [
        static("camera_depth_frame", "camera_link", (0, 0, 0)),
        static(DEPTH_FRAME, "camera_depth_frame", (0, 0, 0), optical),
        static("camera_color_frame", "camera_link", (0, BASELINE_M, 0)),  # to the left
        static(COLOR_FRAME, "camera_color_frame", (0, 0, 0), optical),
    ]
    seen, warnings = posts(write(tmp_path / "bag", [*[("/tf_static", one) for one in tree], *infos(), *images()]))
    assert seen.mean() == pytest.approx(EXPECTED, abs=1.0)
    assert any("/tf_static" in word and DEPTH_FRAME in word and COLOR_FRAME in word for word in warnings)


def test_depth_is_registered_with_what_the_realsense_driver_publishes(tmp_path: Path) -> None:
    """realsense-ros, realsense2_camera_msgs/msg/Extrinsics.msg: column-major rotation, translation in meters."""
    extrinsics = b"\0\1\0\0" + np.array([*np.eye(3).T.ravel(), BASELINE_M, 0.0, 0.0], "<f8").tobytes()
    seen, warnings = posts(write(tmp_path / "bag", [*infos(), *images()], extrinsics))
    assert seen.mean() == pytest.approx(EXPECTED, abs=1.0)
    assert any("/camera/extrinsics/depth_to_color" in word for word in warnings)


def test_one_frame_with_two_focal_lengths_needs_no_transform(tmp_path: Path) -> None:
    seen, warnings = posts(write(tmp_path / "bag", [*infos(COLOR_FRAME), *images(depth_frame=COLOR_FRAME)]))
    assert seen.mean() == pytest.approx(31.5 * 26 / 45 + 0.0, abs=1.0)
    assert any("fx" in word for word in warnings)


@pytest.mark.parametrize("without", ["transform", "calibration"])
def test_what_cannot_be_registered_is_refused_with_both_frames(tmp_path: Path, without: str) -> None:
    tf = [("/tf_static", static(DEPTH_FRAME, COLOR_FRAME, (0, 0, 0)))]
    path = write(tmp_path / "bag", [*(infos() if without == "transform" else tf), *images()])
    with pytest.raises(BagError, match=rf"frame {DEPTH_FRAME}.*{COLOR_FRAME}.*--registered"):
        BagSource(path)
    with BagSource(path, registered=True) as source:
        (frame,) = list(source)
    assert frame.depth_m.shape == (30, 53)


@pytest.mark.parametrize(
    "turn", [(0.0, 0.0, 0.0, 1.0), (0.5, -0.5, 0.5, -0.5), (0.0, 0.0, 2.0, 2.0), (1.0, 2.0, 3.0, 4.0)]
)
def test_quaternions_of_any_length_are_rotations(turn: tuple[float, float, float, float]) -> None:
    found = rotation_of(*turn)
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(found) == pytest.approx(1.0)


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    np.testing.assert_allclose(rotation_of(0, 0, 1, 1) @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_scans_follow_the_same_rule(tmp_path: Path) -> None:
    import cv2

    scan = write_scan(tmp_path / "scan", frames=2)
    for path in (scan / "depth").iterdir():
        cv2.imwrite(str(path), np.full((24, 42), 1000, np.uint16))
    with open_recording(scan) as source, pytest.raises(ScanError, match=r"42x24.*32x24.*--registered"):
        list(source)
    with open_recording(scan, registered=True) as source:
        assert len(list(source)) == 2
