"""Recordings that say the unit of their depth: librealsense's own recorder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import color_pixels, depth_pixels
from rosbags.rosbag2 import StoragePlugin, Writer

from redwood_depth.bags import driver_messages
from redwood_depth.bags.bag_source import BagSource
from redwood_depth.bags.message_types import typestore

DEPTH, COLOR = "/device_0/sensor_0/Depth_0/image/data", "/device_0/sensor_1/Color_0/image/data"


def recording(path: Path, kind: str, value: Any, sensor: str = "sensor_0", encoding: str = "mono16") -> Path:
    """A bag whose depth image reads 2000, with the option as a message of `kind`."""
    depth = depth_pixels(2000) if encoding != "32FC1" else depth_pixels(2).astype(np.float32)
    rows = [
        (f"/device_0/{sensor}/option/Depth_Units/value", typestore().types[kind](value)),
        (COLOR, driver_messages.image(color_pixels(10), "rgb8", 0)),
        (DEPTH, driver_messages.image(depth, encoding, 0)),
    ]
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for topic, message in rows:
            connection = writer.add_connection(topic, message.__msgtype__, typestore=typestore())
            writer.write(connection, 0, bytes(typestore().serialize_cdr(message, message.__msgtype__)))
    return path


def read(path: Path, **options: Any) -> tuple[float, list[str]]:
    with BagSource(path, registered=True, **options) as source:
        (frame,) = list(source)
        return float(np.nanmedian(frame.depth_m)), [word for word in source.warnings if "unit" in word]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("std_msgs/msg/Float32", 0.0001), ("std_msgs/msg/String", "0.000250"), ("std_msgs/msg/Float64", 0.005)],
)
def test_the_recorded_unit_is_believed_and_said(tmp_path: Path, kind: str, value: Any) -> None:
    depth_m, words = read(recording(tmp_path / "bag", kind, value))
    assert depth_m == pytest.approx(2000 * float(value), rel=1e-5)
    assert len(words) == 1
    assert "Depth_Units" in words[0]


def test_what_is_given_goes_before_it(tmp_path: Path) -> None:
    depth_m, words = read(recording(tmp_path / "bag", "std_msgs/msg/Float32", 0.0001), depth_unit_m=0.0002)
    assert (depth_m, words) == (pytest.approx(0.4), [])


@pytest.mark.parametrize(
    ("value", "sensor", "encoding"),
    [
        ("0.001", "sensor_0", "mono16"),  # as REP 118 has it
        ("0.0001", "sensor_2", "mono16"),  # another sensor's
        ("none", "sensor_0", "mono16"),
        ("-1", "sensor_0", "mono16"),
        ("0.0001", "sensor_0", "32FC1"),  # meters already
    ],
)
def test_otherwise_it_is_as_rep_118_has_it(tmp_path: Path, value: str, sensor: str, encoding: str) -> None:
    assert read(recording(tmp_path / "bag", "std_msgs/msg/String", value, sensor, encoding)) == (2.0, [])
