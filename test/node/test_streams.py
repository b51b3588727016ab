"""The node under streams: a bag at 30 Hz, two cameras at once, more frames than it can work on."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")

from bench.harness.ros import Client, NodeProcess, camera_info, gray_image, header_at, stamp_of
from redwood_depth.bags.player import BagPlayer
from redwood_depth.bags.reader import Bag
from redwood_depth.bundle import ModelBundle
from redwood_depth.commands import scans_to_bag

pytestmark = pytest.mark.usefixtures("ros_domain")
TOPICS = ("depth/image", "depth/camera_info", "classification")
CAMERA = ("-r", "image:=/camera/color/image_raw", "-r", "camera_info:=/camera/color/camera_info")


def write_vga_scan(folder: Path, frames: int) -> Path:
    """A scan of VGA noise at 30 Hz."""
    rng = np.random.default_rng(7)
    for kind in ("rgb", "depth"):
        (folder / kind).mkdir(parents=True)
    for index in range(frames):
        name = f"{index + 1:07d}-{(index + 1) * 33_333:012d}"
        coarse = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / "rgb" / f"{name}.jpg"), cv2.resize(coarse, (640, 480)))
        cv2.imwrite(str(folder / "depth" / f"{name}.png"), np.full((480, 640), 2000, np.uint16))
    return folder


def test_a_bag_at_30_hz_is_answered_frame_by_frame_in_order(tiny_bundle: ModelBundle, tmp_path: Path) -> None:
    frames = 150
    bag_path = tmp_path / "bag"
    assert scans_to_bag.main([str(write_vga_scan(tmp_path / "scan", frames)), "--output", str(bag_path)]) == 0
    with NodeProcess("", *CAMERA, model=tiny_bundle.folder), Client() as client, Bag.open(bag_path) as bag:
        client.wait_until(lambda: client.node.count_publishers("depth/image") > 0, what="the node's outputs")
        player = BagPlayer(client.node, bag)
        assert player.wait_for_subscription(10)
        time.sleep(0.5)
        player.play()
        count = len(client.received["/diagnostics"])
        client.wait_for_count("/diagnostics", count + 2)  # two periods: the last frames are in it
        sent = [(index * 33_333 // 10**6, index * 33_333 % 10**6 * 1000) for index in range(1, frames + 1)]
        values = client.diagnostics()
        replaced = int(values["frames dropped"]) + int(
            values["frames lost"]
        )  # none, but on a machine that is overloaded
        for topic in TOPICS:
            stamps = [stamp_of(message) for message in client.received[topic]]
            assert stamps == sorted(set(stamps)), f"{topic} is out of order"
            assert set(stamps) <= set(sent)
            assert len(stamps) + replaced >= 0.99 * frames, f"{topic}: {len(stamps)} of {frames}, {values}"
            assert {message.header.frame_id for message in client.received[topic]} == {"camera_color_optical_frame"}


def test_two_cameras_at_once_do_not_mix(tiny_bundle: ModelBundle) -> None:
    with (
        NodeProcess("left", model=tiny_bundle.folder),
        NodeProcess("right", model=tiny_bundle.folder),
        Client("left") as left,
        Client("right") as right,
    ):
        for client in (left, right):
            client.wait_for_node()
        for index in range(20):
            for client, frame_id, brightness in ((left, "left", 10), (right, "right", 200)):
                header = header_at(index, frame_id)
                client.camera_infos.publish(camera_info(header))
                client.images.publish(gray_image(header, brightness))
            time.sleep(0.05)
        for client, frame_id in ((left, "left"), (right, "right")):
            answers = client.wait_for_count("depth/image", 20)
            assert {message.header.frame_id for message in answers} == {frame_id}
            assert [stamp_of(message) for message in answers] == [
                stamp_of(gray_image(header_at(i), 0)) for i in range(20)
            ]


def test_more_frames_than_it_can_work_on_are_dropped_and_counted_and_latency_stays(tiny_bundle: ModelBundle) -> None:
    """Frames as fast as they can be sent: the answers are to the newest ones, and every frame is accounted for."""
    frames = 300
    with NodeProcess("fast", model=tiny_bundle.folder), Client("fast") as client:
        client.wait_for_node()
        big = gray_image(header_at(0), 100, height=480, width=640)
        for index in range(frames):
            big.header = header_at(index)
            client.images.publish(big)
            time.sleep(0.002)
        time.sleep(0.5)
        stamps = [stamp_of(message) for message in client.received["depth/image"]]
        assert stamps == sorted(set(stamps))
        assert stamps[-1] == stamp_of(big), "the newest frame is answered"

        def counts() -> dict[str, int]:
            values = client.diagnostics()
            return {name: int(values[f"frames {name}"]) for name in ("received", "published", "dropped", "bad")}

        client.wait_until(lambda: counts()["published"] == len(stamps), what="all answers counted")
        counted = counts()
        assert counted["received"] == counted["published"] + counted["dropped"]
        assert counted["bad"] == 0
