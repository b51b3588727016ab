"""Pictures for people: near is red, far is blue, nothing is black; any sizes are taken."""

import numpy as np
import pytest

from redwood_depth.images.preview import color_depth, preview_bgr
from redwood_depth.images.sheet import SheetRow, contact_sheet

RANGE_M = (0.5, 8.0)


def test_near_is_red_far_is_blue_and_nothing_black() -> None:
    blue, _, red = np.moveaxis(color_depth(np.float32([[0.6, 7.5, np.nan, np.inf, 0.0, -1.0]]), RANGE_M)[0], -1, 0)
    assert red[0] > blue[0]
    assert blue[1] > red[1]
    assert not red[2:].any()
    assert not blue[2:].any()


def test_what_is_out_of_range_takes_the_end_colors() -> None:
    colors = color_depth(np.float32([[0.01, 0.5, 8.0, 80.0]]), RANGE_M)[0]
    np.testing.assert_array_equal(colors[0], colors[1])
    np.testing.assert_array_equal(colors[2], colors[3])


@pytest.mark.parametrize("size", [(480, 640), (1080, 1920), (24, 32), (1, 1)])
def test_a_preview_fits_any_image(size: tuple[int, int]) -> None:
    image, depth_m = np.full((*size, 3), 90, np.uint8), np.full((24, 32), 2.0, np.float32)
    picture = preview_bgr(image, depth_m, ("car", "bicycle"), np.float32([0.1, 0.7]), 0.5, RANGE_M)
    assert picture.dtype == np.uint8
    assert picture.shape[1] == 2 * min(size[1], 640)


def test_a_preview_shows_image_and_depth_in_their_own_colors() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[..., 0] = 200  # red
    depth_m = np.full((480, 640), 7.5, np.float32)
    picture = preview_bgr(image, depth_m, ("car",), np.float32([0.0]), 0.5, RANGE_M)
    np.testing.assert_array_equal(picture[240, 320], [0, 0, 200])
    np.testing.assert_array_equal(picture[240, 960], color_depth(depth_m[:1, :1], RANGE_M)[0, 0])


def test_a_sheet_has_a_line_a_frame_even_without_truth() -> None:
    image, depth_m = np.zeros((48, 64, 3), np.uint8), np.full((24, 32), 2.0, np.float32)
    rows = [
        SheetRow(image, np.full((48, 64), truth_m, np.float32), depth_m, "car 0.90") for truth_m in (2.5, float("nan"))
    ]
    one, two = (contact_sheet(rows[:count], RANGE_M) for count in (1, 2))
    assert one.shape[1] == two.shape[1]
    assert two.shape[0] > 1.8 * one.shape[0]
