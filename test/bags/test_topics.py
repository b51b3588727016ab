"""Finding the color, depth and camera_info topics of a bag."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import (
    CAMERA,
    color_pixels,
    depth_pixels,
    rgbd_messages,
    write_bag,
)

from redwood_depth.bags import driver_messages
from redwood_depth.bags.driver_messages import COLOR_INFO_TOPIC, COLOR_TOPIC, DEPTH_TOPIC
from redwood_depth.bags.pairs import RgbdReader
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import RgbdTopics, find_rgbd_topics
from redwood_depth.errors import BagError
from redwood_depth.rgbd import RgbdFrame


def read_pairs(path: Path) -> tuple[list[RgbdFrame], RgbdReader, str | None]:
    with Bag.open(path) as bag:
        reader = RgbdReader(bag, find_rgbd_topics(bag))
        pairs = list(reader)
        return pairs, reader, bag.damage


@pytest.mark.parametrize(("missing", "what"), [(COLOR_TOPIC, "color image"), (DEPTH_TOPIC, "depth image")])
def test_a_missing_topic_is_an_error_that_lists_those_that_are_there(tmp_path: Path, missing: str, what: str) -> None:
    messages = [entry for entry in rgbd_messages(3) if entry[0] != missing]
    with Bag.open(write_bag(tmp_path / "bag", messages)) as bag:
        with pytest.raises(BagError, match=f"has no {what} topic") as caught:
            find_rgbd_topics(bag)
        assert f"{COLOR_INFO_TOPIC} (sensor_msgs/msg/CameraInfo, 3)" in str(caught.value)


@pytest.mark.parametrize(
    ("option", "what"), [("color", "color image"), ("depth", "depth image"), ("camera_info", "camera_info")]
)
def test_a_topic_that_is_asked_for_must_be_there(tmp_path: Path, option: str, what: str) -> None:
    with (
        Bag.open(write_bag(tmp_path / "bag", rgbd_messages(3))) as bag,
        pytest.raises(BagError, match=f"has no {what} topic /nowhere; it has: /camera/aligned"),
    ):
        find_rgbd_topics(bag, **{option: "/nowhere"})


def test_without_camera_info_there_are_no_intrinsics(tmp_path: Path) -> None:
    pairs, _, _ = read_pairs(write_bag(tmp_path / "bag", rgbd_messages(3, camera=None)))
    assert [pair.intrinsics for pair in pairs] == [None] * 3


def image_on(topic: str, encoding: str) -> tuple[str, Any]:
    pixels = color_pixels(1) if encoding in ("rgb8", "bgr8") else depth_pixels(1000)
    if encoding == "32FC1":
        pixels = pixels.astype(np.float32)
    if encoding == "mono8":
        pixels = pixels.astype(np.uint8)
    if "compressed" in encoding or "jpeg" in encoding:
        make = driver_messages.compressed_depth if "Depth" in encoding else driver_messages.compressed_color
        return topic, make(b"not decoded here", 0)
    return topic, driver_messages.image(pixels, encoding, 0)


@pytest.mark.parametrize(
    ("topics", "color", "depth"),
    [
        (
            {
                "/camera/rgb/image_raw": "rgb8",
                "/camera/depth/image_raw": "16UC1",
                "/camera/depth_registered/image_raw": "16UC1",
            },
            "/camera/rgb/image_raw",
            "/camera/depth_registered/image_raw",
        ),
        (
            {
                "/camera/camera/color/image_raw": "rgb8",
                "/camera/camera/depth/image_rect_raw": "16UC1",
                "/camera/camera/aligned_depth_to_color/image_raw": "16UC1",
                "/camera/camera/infra1/image_rect_raw": "mono8",
            },
            "/camera/camera/color/image_raw",
            "/camera/camera/aligned_depth_to_color/image_raw",
        ),
        (
            {"/image_raw": "bgr8", "/depth/image": "32FC1", "/preview/image": "bgr8"},
            "/image_raw",
            "/depth/image",
        ),
        (
            {
                "/k4a/rgb/image_raw/compressed": "jpeg",
                "/k4a/depth_to_rgb/image_raw/compressedDepth": "compressedDepth",
                "/k4a/ir/image_raw": "mono16",
            },
            "/k4a/rgb/image_raw/compressed",
            "/k4a/depth_to_rgb/image_raw/compressedDepth",
        ),
        ({"/rgb/image": "rgb8", "/depth/colorized": "rgb8", "/depth": "16UC1"}, "/rgb/image", "/depth"),
    ],
)
def test_topics_are_found_by_type_name_and_encoding(
    tmp_path: Path, topics: dict[str, str], color: str, depth: str
) -> None:
    path = write_bag(tmp_path / "bag", [image_on(*topic) for topic in topics.items()])
    with Bag.open(path) as bag:
        assert find_rgbd_topics(bag) == RgbdTopics(color, depth, None)


def test_the_camera_info_beside_the_color_image_is_taken(tmp_path: Path) -> None:
    names = ("/a/color/camera_info", "/b/color/camera_info", "/b/depth/camera_info")
    messages = [(name, driver_messages.camera_info(CAMERA, 0)) for name in names]
    messages += [image_on("/b/color/image_raw", "rgb8"), image_on("/b/depth/image_raw", "16UC1")]
    with Bag.open(write_bag(tmp_path / "bag", messages)) as bag:
        assert find_rgbd_topics(bag).camera_info == "/b/color/camera_info"
