"""Which camera_info an image of a bag has, and what is said of images that have none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bag_samples import CAMERA, PERIOD_US, color_pixels, depth_pixels, write_bag
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood_depth.bags import driver_messages
from redwood_depth.bags.bag_source import BagSource
from redwood_depth.bags.calibrations import Calibrations
from redwood_depth.bags.driver_messages import COLOR_INFO_TOPIC, COLOR_TOPIC, DEPTH_TOPIC

SIZE = (CAMERA.height, CAMERA.width)


def info(focal_px: float, **changes: Any) -> Any:
    message = driver_messages.camera_info(replace(CAMERA, fx=focal_px, fy=focal_px), 0)
    for name, value in changes.items():
        setattr(message, name, value)
    return message


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), unique=True, min_size=1, max_size=20), st.integers(0, 50))
def test_an_image_has_the_newest_calibration_that_is_not_later(stamps: list[int], at: int) -> None:
    known = Calibrations(rectified=False)
    for stamp in stamps:  # in any order
        known.add(stamp, info(20.0 + stamp))
    found = known.at(at, SIZE)
    before = [stamp for stamp in stamps if stamp <= at]
    assert found
    assert found.fx == 20.0 + (max(before) if before else min(stamps))


def test_reasons_are_counted() -> None:
    known = Calibrations(rectified=False)
    known.add(0, info(26.0))
    known.add(10, info(0.0))
    known.add(20, info(26.0, width=64, height=48))  # K of the binned image
    for stamp in (0, 11, 12, 25):
        known.at(stamp, SIZE)
    uncalibrated, implausible = known.warnings()
    assert uncalibrated.startswith("2 of 4 images are not corrected for the focal length: camera_info is uncalibrated")
    assert implausible.startswith(
        "1 of 4 images are not corrected for the focal length: implausible camera_info: 64x48"
    )


@pytest.mark.parametrize("with_depth", [True, False])
def test_a_lens_that_zooms_has_each_images_own_focal_length(tmp_path: Path, with_depth: bool) -> None:
    """The camera_info of an image may be logged after it."""
    focal_px = [26.0, 26.0, 40.0, 52.0]
    messages: list[tuple[str, Any]] = []
    for i, focal in enumerate(focal_px):
        at_us = 1_000_000 + i * PERIOD_US
        messages.append((COLOR_TOPIC, driver_messages.image(color_pixels(50), "rgb8", at_us)))
        camera = replace(CAMERA, fx=focal, fy=focal)
        messages.append((COLOR_INFO_TOPIC, driver_messages.camera_info(camera, at_us)))
        if with_depth:
            messages.append((DEPTH_TOPIC, driver_messages.image(depth_pixels(1000), "16UC1", at_us)))
    with BagSource(write_bag(tmp_path / "bag", messages), may_lack_depth=True) as source:
        assert [frame.intrinsics.fx for frame in source if frame.intrinsics] == focal_px


@pytest.mark.parametrize("topic", ["/camera/color/image_rect_color", "/camera/color/rect/image"])
def test_rectified_topics_are_measured_by_p(tmp_path: Path, topic: str) -> None:
    calibration = info(20.0)
    calibration.p[0] = calibration.p[5] = 30.0
    place = topic.rpartition("/")[0]
    messages = [
        (f"{place}/camera_info", calibration),
        (topic, driver_messages.image(color_pixels(50), "rgb8", 0)),
        ("/camera/depth_registered/image_rect", driver_messages.image(depth_pixels(1000), "16UC1", 0)),
    ]
    with BagSource(write_bag(tmp_path / "bag", messages)) as source:
        assert [frame.intrinsics.fx for frame in source if frame.intrinsics] == [30.0]
