"""A bag of a dozen frames, and the two kinds of writers of it, that tests of recordings share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bag_samples import rgbd_messages, write_bag, write_sqlite_bag

from redwood_depth.bags.pairs import RgbdReader
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import find_rgbd_topics
from redwood_depth.rgbd import RgbdFrame

FRAMES = 12
Write = Callable[[Path, Sequence[tuple[str, Any]]], Path]
WRITERS = pytest.mark.parametrize("write", [write_bag, write_sqlite_bag])


def messages() -> list[tuple[str, Any]]:
    depths = [np.random.default_rng(i).integers(500, 4000, (24, 32), np.uint16) for i in range(FRAMES)]
    return rgbd_messages(FRAMES, depths)


def read(path: Path) -> tuple[list[RgbdFrame], str | None, list[str]]:
    with Bag.open(path) as bag:
        pairs = list(RgbdReader(bag, find_rgbd_topics(bag)))
        return pairs, bag.damage, bag.warnings
