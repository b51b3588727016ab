"""What a node is to hear of a bag: base name, transport, calibration and frame of its color camera."""

from pathlib import Path

import pytest

from redwood_depth.bags.reader import Bag
from redwood_depth.bags.replay import ReplayTopics, replay_topics
from redwood_depth.errors import BagError

SAMPLE = Path(__file__).resolve().parents[2] / "redwood_depth" / "samples" / "yard"
CAMERA = "/camera/color/image_raw"
EXPECTED = ReplayTopics(CAMERA, "compressed", "/camera/color/camera_info", "camera_color_optical_frame")


@pytest.mark.parametrize("image", ["", CAMERA, f"{CAMERA}/compressed"])
@pytest.mark.parametrize("transport", ["", "compressed"])
def test_the_sample_bag_is_compressed_however_its_topic_is_given(image: str, transport: str) -> None:
    with Bag.open(SAMPLE) as bag:
        assert replay_topics(bag, image, transport=transport) == EXPECTED


def test_a_topic_that_the_bag_lacks_is_an_error_that_lists_its_topics() -> None:
    with Bag.open(SAMPLE) as bag, pytest.raises(BagError, match=r"no color image topic /rgb.*image_raw/compressed"):
        replay_topics(bag, "/rgb")
    with Bag.open(SAMPLE) as bag, pytest.raises(BagError, match="no camera_info topic /nowhere"):
        replay_topics(bag, camera_info="/nowhere")
