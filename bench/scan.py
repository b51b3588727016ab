"""A scan of 640x480 in the Redwood layout, made of the sample bag, to prepare and load."""

from pathlib import Path

import cv2
import numpy as np

from bench.frames import HEIGHT, WIDTH
from redwood_depth.bags.pairs import RgbdReader
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import find_rgbd_topics
from redwood_depth.commands.demo import SAMPLE_BAG


def write_scan(folder: Path, frames: int = 60) -> Path:
    """Write `frames` pairs, the bag's over and over; returns `folder`."""
    with Bag.open(SAMPLE_BAG) as bag:
        pairs = list(RgbdReader(bag, find_rgbd_topics(bag)))
    for name in ("rgb", "depth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for index in range(frames):
        pair, name = pairs[index % len(pairs)], f"{index + 1:07d}-{index * 33_333:012d}"
        color = cv2.cvtColor(cv2.resize(pair.color.rgb(), (WIDTH, HEIGHT)), cv2.COLOR_RGB2BGR)
        depth_mm = np.nan_to_num(1000 * pair.depth_m).clip(0, 65535).astype(np.uint16)
        depth_mm = cv2.resize(depth_mm, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST).astype(np.uint16, copy=False)
        (folder / "rgb" / f"{name}.jpg").write_bytes(cv2.imencode(".jpg", color)[1].tobytes())
        (folder / "depth" / f"{name}.png").write_bytes(cv2.imencode(".png", depth_mm)[1].tobytes())
    return folder
