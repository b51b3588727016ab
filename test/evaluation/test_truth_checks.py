"""Ground truth that is turned, stands still or is cut off, and what only looks so."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from redwood_depth.evaluation.truth_checks import TruthChecks
from redwood_depth.images.decode import ColorImage
from redwood_depth.rgbd import RgbdFrame

Depth = NDArray[np.float32]


def scene_m(index: int) -> Depth:
    """A floor that rises to the right, with a box that moves."""
    v, u = np.mgrid[0:120, 0:160].astype(np.float32)
    depth_m = 4.0 - v / 60.0 + u / 80.0
    depth_m[40:90, 20 + index : 50 + index] = 1.2
    return np.asarray(depth_m, np.float32)


def checked(
    of_depth: Callable[[Depth, int], Depth], of_pred: Callable[[Depth], Depth] = lambda depth: depth, color: int = 1
) -> list[str]:
    """Warnings of 40 frames; `color` is how many frames an image stays."""
    checks, rng = TruthChecks(), np.random.default_rng(0)
    for index in range(40):
        pixels = np.full((120, 160, 3), 1 + index // color, np.uint8)
        pixels[60:] = 200
        noise = 1.0 + 0.01 * rng.standard_normal((120, 160)).astype(np.float32)
        frame = RgbdFrame(ColorImage(pixels), of_depth(scene_m(index) * noise, index), None, index, index)
        checks.add(frame, of_pred(scene_m(index)))
    return checks.warnings()


def test_what_is_in_order_gives_no_word() -> None:
    assert checked(lambda depth, _: depth) == []


@pytest.mark.parametrize(
    ("turn", "words"),
    [(np.fliplr, "flipped left to right"), (lambda depth: np.rot90(depth, 2), "turned by 180 degrees")],
)
def test_depth_that_is_turned_against_the_images_is_named(turn: Callable[[Depth], Depth], words: str) -> None:
    (warning,) = checked(lambda depth, _: np.ascontiguousarray(turn(depth)))
    assert words in warning


def test_a_network_that_is_upside_down_in_turned_images_is_no_evidence() -> None:
    assert checked(lambda depth, _: depth, np.flipud) == []


def test_a_symmetric_scene_is_no_evidence() -> None:
    assert checked(lambda depth, _: (depth + np.fliplr(depth)) / 2) == []


def test_depth_that_stands_still_is_counted() -> None:
    still = scene_m(0)
    (warning,) = checked(lambda depth, index: depth if index < 20 else still)
    assert "depth stands still: 19 of 40" in warning


def test_color_that_stands_still_is_counted() -> None:
    (warning,) = checked(lambda depth, _: depth, color=10)
    assert "color stands still: 36 of 40" in warning


def test_images_of_one_brightness_say_nothing() -> None:
    """Neither does a lens cap, nor the depth of a wall."""
    checks = TruthChecks()
    for index in range(40):
        wall_m = np.full((120, 160), 1 + index if index < 20 else 5.0, np.float32)
        checks.add(RgbdFrame(ColorImage(np.full((120, 160, 3), 90, np.uint8)), wall_m, None, index, index), wall_m)
    assert checks.warnings() == []


def test_a_few_repeated_images_give_no_word() -> None:
    kept: dict[int, Depth] = {}
    assert checked(lambda depth, index: kept.setdefault(index // 2 if index < 8 else index + 100, depth)) == []


@pytest.mark.parametrize("most_m", [2.5, 3.1])
def test_the_end_of_the_range_is_no_distance(most_m: float) -> None:
    (warning,) = checked(lambda depth, _: np.minimum(depth, np.float32(most_m)))
    assert f"{most_m:g} m" in warning


@pytest.mark.parametrize("step_m", [0.01, 0.1])
def test_coarse_values_are_not_the_end_of_the_range(step_m: float) -> None:
    assert checked(lambda depth, _: np.asarray(np.rint(depth / step_m) * step_m, np.float32)) == []
