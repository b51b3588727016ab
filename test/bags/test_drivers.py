"""The topics of RGB-D drivers as they publish them, and which of them are the camera; names without options.

Names, encodings and frames as the drivers' documentation has them: "Available Topics" of OrbbecSDK_ROS2, "Published
topics" of astra_camera and realsense2_camera, the usage pages of azure_kinect_ros_driver, iai_kinect2, zed_wrapper
(both of its naming schemes), depthai_ros_driver, openni2_camera, gazebo_ros_camera and ros_gz. librealsense's
recorder: as 2.57.7 and 2.59.1 wrote it (findings/realsense_recorder_changed_format.sh). No driver was run for these.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import write_bag

from redwood_depth.bags import driver_messages
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import RgbdTopics, choose_camera
from redwood_depth.camera import Intrinsics

VGA, WIDE, DEPTH_VIEW = (48, 64), (72, 128), (58, 64)
Row = tuple[str, str, str, tuple[int, int]]  # topic, encoding, frame, (height, width)


def image(topic: str, encoding: str, frame_id: str, size: tuple[int, int]) -> tuple[str, Any]:
    if encoding == "info":
        camera = Intrinsics(size[1], size[0], 0.9 * size[1], 0.9 * size[1], size[1] / 2, size[0] / 2)
        message = driver_messages.camera_info(camera, 1_000_000)
    elif encoding == "png depth":
        message = driver_messages.compressed_depth(b"not decoded here", 1_000_000)
    elif encoding == "jpeg":
        message = driver_messages.compressed_color(b"not decoded here", 1_000_000)
    else:
        kind = {"16UC1": np.uint16, "mono16": np.uint16, "32FC1": np.float32}.get(encoding, np.uint8)
        channels = {"rgb8": (3,), "bgr8": (3,), "bgra8": (4,)}.get(encoding, ())
        message = driver_messages.image(np.ones((*size, *channels), kind), encoding, 1_000_000)
    message.header.frame_id = frame_id
    return topic, message


def camera(*rows: Row) -> list[Row]:
    """Image topics with a camera_info beside each."""
    infos = [(f"{topic.rsplit('/', 1)[0]}/camera_info", "info", frame, size) for topic, _, frame, size in rows]
    return [*rows, *dict.fromkeys(infos)]


def realsense(place: str, aligned: bool) -> list[Row]:
    name = place.strip("/").replace("/", "_")
    color, depth = f"{name}_color_optical_frame", f"{name}_depth_optical_frame"
    rows: list[Row] = [
        (f"{place}/color/image_raw", "rgb8", color, WIDE),
        (f"{place}/depth/image_rect_raw", "16UC1", depth, VGA),
        (f"{place}/infra1/image_rect_raw", "mono8", f"{name}_infra1_optical_frame", VGA),
        (f"{place}/infra2/image_rect_raw", "mono8", f"{name}_infra2_optical_frame", VGA),
    ]
    return camera(*rows, *([(f"{place}/aligned_depth_to_color/image_raw", "16UC1", color, WIDE)] if aligned else []))


AZURE = camera(
    ("/rgb/image_raw", "bgra8", "rgb_camera_link", WIDE),
    ("/depth/image_raw", "16UC1", "depth_camera_link", DEPTH_VIEW),
    ("/depth_to_rgb/image_raw", "16UC1", "rgb_camera_link", WIDE),
    ("/rgb_to_depth/image_raw", "bgra8", "depth_camera_link", DEPTH_VIEW),
    ("/ir/image_raw", "mono16", "depth_camera_link", DEPTH_VIEW),
)
KINECT2 = [
    row
    for place, frame, size in (
        ("hd", "kinect2_rgb_optical_frame", WIDE),
        ("qhd", "kinect2_rgb_optical_frame", (36, 64)),
        ("sd", "kinect2_ir_optical_frame", (42, 51)),
    )
    for row in camera(
        (f"/kinect2/{place}/image_color_rect", "bgr8", frame, size),
        (f"/kinect2/{place}/image_depth_rect", "16UC1", frame, size),
        (f"/kinect2/{place}/image_mono_rect", "mono8", frame, size),
        *([("/kinect2/sd/image_ir_rect", "mono16", frame, size)] if place == "sd" else []),
    )
]
ZED_LEFT, ZED_RIGHT = "zed_left_camera_optical_frame", "zed_right_camera_optical_frame"
ZED_4 = camera(
    ("/zed/zed_node/rgb/image_rect_color", "bgra8", ZED_LEFT, WIDE),
    ("/zed/zed_node/rgb_raw/image_raw_color", "bgra8", ZED_LEFT, WIDE),
    ("/zed/zed_node/left/image_rect_color", "bgra8", ZED_LEFT, WIDE),
    ("/zed/zed_node/right/image_rect_color", "bgra8", ZED_RIGHT, WIDE),
    ("/zed/zed_node/stereo/image_rect_color", "bgra8", ZED_LEFT, (72, 256)),
    ("/zed/zed_node/depth/depth_registered", "32FC1", ZED_LEFT, WIDE),
    ("/zed/zed_node/confidence/confidence_map", "32FC1", ZED_LEFT, WIDE),
)
ZED_5 = camera(
    ("/zed/zed_node/rgb/color/rect/image", "bgra8", ZED_LEFT, WIDE),
    ("/zed/zed_node/left/color/rect/image", "bgra8", ZED_LEFT, WIDE),
    ("/zed/zed_node/right/color/rect/image", "bgra8", ZED_RIGHT, WIDE),
    ("/zed/zed_node/depth/depth_registered", "32FC1", ZED_LEFT, WIDE),
    ("/zed/zed_node/disparity/disparity_image", "32FC1", ZED_LEFT, WIDE),
)
OAK = camera(
    ("/oak/rgb/image_raw", "bgr8", "oak_rgb_camera_optical_frame", WIDE),
    ("/oak/stereo/image_raw", "16UC1", "oak_rgb_camera_optical_frame", WIDE),
    ("/oak/left/image_rect", "mono8", "oak_left_camera_optical_frame", VGA),
    ("/oak/right/image_rect", "mono8", "oak_right_camera_optical_frame", VGA),
)
ORBBEC = camera(
    ("/camera/color/image_raw", "rgb8", "camera_color_optical_frame", WIDE),
    ("/camera/depth/image_raw", "16UC1", "camera_color_optical_frame", WIDE),
    ("/camera/left_ir/image_raw", "mono8", "camera_left_ir_optical_frame", VGA),
    ("/camera/ir/image_raw", "mono16", "camera_ir_optical_frame", VGA),
)
OPENNI2 = camera(
    ("/camera/rgb/image_raw", "rgb8", "camera_rgb_optical_frame", VGA),
    ("/camera/depth/image_raw", "16UC1", "camera_depth_optical_frame", VGA),
    ("/camera/depth_registered/image_raw", "16UC1", "camera_rgb_optical_frame", VGA),
    ("/camera/ir/image", "mono16", "camera_ir_optical_frame", VGA),
)
ASTRA = camera(
    ("/camera/color/image_raw", "rgb8", "camera_color_optical_frame", VGA),
    ("/camera/depth/image_raw", "16UC1", "camera_color_optical_frame", VGA),
    ("/camera/d2c_overlay", "rgb8", "camera_color_optical_frame", VGA),
)
GAZEBO_CLASSIC = camera(
    ("/camera/image_raw", "rgb8", "camera_link_optical", VGA),
    ("/camera/depth/image_raw", "32FC1", "camera_link_optical", VGA),
)
ROS_GZ = camera(
    ("/rgbd_camera/image", "rgb8", "robot/base/rgbd_camera", VGA),
    ("/rgbd_camera/depth_image", "32FC1", "robot/base/rgbd_camera", VGA),
)
RECORDER: list[Row] = [
    ("/device_0/sensor_0/Depth_0/image/data/compressedDepth", "png depth", "Depth", VGA),
    ("/device_0/sensor_0/Depth_0/image/camera_info", "info", "Depth", VGA),
    ("/device_0/sensor_1/Color_0/image/data/compressed", "jpeg", "Color", VGA),
    ("/device_0/sensor_1/Color_0/image/camera_info", "info", "Color", VGA),
]
OLD_RECORDER: list[Row] = [
    ("/device_0/sensor_0/Depth_0/image/data", "mono16", "1", VGA),
    ("/device_0/sensor_0/Depth_0/info/camera_info", "info", "", VGA),
    ("/device_0/sensor_1/Color_0/image/data", "rgb8", "1", VGA),
    ("/device_0/sensor_1/Color_0/info/camera_info", "info", "", VGA),
]
DRIVERS = {
    "librealsense recorder to 2.57": (
        OLD_RECORDER,
        "/device_0/sensor_1/Color_0/image/data",
        "/device_0/sensor_0/Depth_0/image/data",
        "/device_0/sensor_1/Color_0/info/camera_info",
    ),
    "realsense2_camera, aligned": (
        realsense("/camera/camera", True),
        "/camera/camera/color/image_raw",
        "/camera/camera/aligned_depth_to_color/image_raw",
        "/camera/camera/color/camera_info",
    ),
    "realsense2_camera, not aligned": (
        realsense("/camera", False),
        "/camera/color/image_raw",
        "/camera/depth/image_rect_raw",
        "/camera/color/camera_info",
    ),
    "azure_kinect_ros_driver": (AZURE, "/rgb/image_raw", "/depth_to_rgb/image_raw", "/rgb/camera_info"),
    "iai_kinect2": (
        KINECT2,
        "/kinect2/hd/image_color_rect",
        "/kinect2/hd/image_depth_rect",
        "/kinect2/hd/camera_info",
    ),
    "zed_wrapper 4": (
        ZED_4,
        "/zed/zed_node/rgb/image_rect_color",
        "/zed/zed_node/depth/depth_registered",
        "/zed/zed_node/rgb/camera_info",
    ),
    "zed_wrapper 5": (
        ZED_5,
        "/zed/zed_node/rgb/color/rect/image",
        "/zed/zed_node/depth/depth_registered",
        "/zed/zed_node/rgb/color/rect/camera_info",
    ),
    "depthai_ros_driver": (OAK, "/oak/rgb/image_raw", "/oak/stereo/image_raw", "/oak/rgb/camera_info"),
    "orbbec_camera": (ORBBEC, "/camera/color/image_raw", "/camera/depth/image_raw", "/camera/color/camera_info"),
    "openni2_camera": (
        OPENNI2,
        "/camera/rgb/image_raw",
        "/camera/depth_registered/image_raw",
        "/camera/rgb/camera_info",
    ),
    "astra_camera": (ASTRA, "/camera/color/image_raw", "/camera/depth/image_raw", "/camera/color/camera_info"),
    "gazebo_ros_camera": (GAZEBO_CLASSIC, "/camera/image_raw", "/camera/depth/image_raw", "/camera/camera_info"),
    "ros_gz rgbd_camera": (
        ROS_GZ,
        "/rgbd_camera/image",
        "/rgbd_camera/depth_image",
        "/rgbd_camera/camera_info",
    ),
    "librealsense recorder": (
        RECORDER,
        "/device_0/sensor_1/Color_0/image/data/compressed",
        "/device_0/sensor_0/Depth_0/image/data/compressedDepth",
        "/device_0/sensor_1/Color_0/image/camera_info",
    ),
}


def choice_of(path: Path, rows: list[Row], **given: str) -> tuple[RgbdTopics, tuple[str, ...]]:
    with Bag.open(write_bag(path, [image(*row) for row in rows])) as bag:
        choice = choose_camera(bag, **given)
        return choice.topics, choice.warnings


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_drivers_topics_are_understood_without_a_word(driver: str, tmp_path: Path) -> None:
    rows, *expected = DRIVERS[driver]
    assert choice_of(tmp_path / "bag", rows) == (RgbdTopics(*expected), ())


@pytest.mark.parametrize(
    ("places", "first", "other"),
    [
        (("/front", "/rear"), "/front", "/rear"),
        (("/robot/left_arm", "/robot/head"), "/robot/head", "/robot/left_arm"),
    ],
)
def test_of_two_cameras_the_first_is_taken_and_the_other_named(
    tmp_path: Path, places: tuple[str, str], first: str, other: str
) -> None:
    rows = [row for place in places for row in realsense(place, True)]
    topics, warnings = choice_of(tmp_path / "bag", rows)
    assert topics == RgbdTopics(
        f"{first}/color/image_raw", f"{first}/aligned_depth_to_color/image_raw", f"{first}/color/camera_info"
    )
    (warning,) = warnings
    assert (
        f"several cameras: {first}/color/image_raw is taken, --image-topic chooses {other}/color/image_raw" in warning
    )


@pytest.mark.parametrize(
    "given", [{"color": "/rear/color/image_raw"}, {"depth": "/rear/aligned_depth_to_color/image_raw"}]
)
def test_a_topic_that_is_given_decides_on_the_others(tmp_path: Path, given: dict[str, str]) -> None:
    rows = [*realsense("/front", True), *realsense("/rear", True)]
    topics, _ = choice_of(tmp_path / "bag", rows, **given)
    assert topics == RgbdTopics(
        "/rear/color/image_raw", "/rear/aligned_depth_to_color/image_raw", "/rear/color/camera_info"
    )


def test_a_camera_info_of_another_camera_is_not_taken_and_that_is_said(tmp_path: Path) -> None:
    rows: list[Row] = [
        ("/tug/image_raw", "rgb8", "tug_optical", VGA),
        ("/tug/depth/image_raw", "16UC1", "tug_optical", VGA),
        ("/dock/fisheye/camera_info", "info", "dock_fisheye", VGA),
    ]
    topics, (warning,) = choice_of(tmp_path / "bag", rows)
    assert topics.camera_info is None
    assert "no camera_info is of /tug/image_raw (frame 'tug_optical'): /dock/fisheye/camera_info" in warning


@pytest.mark.parametrize("network", ["vision_msgs/msg/LabelInfo", "vision_msgs/msg/Classification"])
def test_what_lies_beside_a_networks_classes_is_no_ground_truth(tmp_path: Path, network: str) -> None:
    """Two depth images of the same frame and size as color: the sensor's, and a network's in its own namespace."""
    rows: list[Row] = [
        ("/head/rgb/image_raw", "rgb8", "head", VGA),
        ("/head/rgb/camera_info", "info", "head", VGA),
        ("/ai/depth_registered", "32FC1", "head", VGA),
        ("/sensor/depth", "16UC1", "head", VGA),
    ]
    messages = [image(*row) for row in rows]
    types = driver_messages.typestore().types
    said = types[network](driver_messages.header(1_000_000), [], *([0.5] if network.endswith("LabelInfo") else []))
    with Bag.open(write_bag(tmp_path / "bag", [*messages, ("/ai/classes", said)])) as bag:
        assert choose_camera(bag).topics.depth == "/sensor/depth"


def test_two_depths_that_fit_as_well_are_named(tmp_path: Path) -> None:
    rows: list[Row] = [
        ("/cam/rgb/image_raw", "rgb8", "cam", VGA),
        ("/cam/filtered/depth", "16UC1", "cam", VGA),
        ("/cam/smoothed/depth", "16UC1", "cam", VGA),
    ]
    topics, (warning,) = choice_of(tmp_path / "bag", rows)
    assert topics.depth == "/cam/filtered/depth"
    assert "as good would be /cam/smoothed/depth" in warning
