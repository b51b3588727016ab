"""Depth of one camera as another sees it, against a slow and plain way; and the rule that tells whether that is due."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from redwood_depth.camera import Intrinsics
from redwood_depth.registration import Registration, View, reproject, why_unregistered

SOURCE = Intrinsics(24, 18, 20.0, 20.0, 11.5, 8.5)
WIDER = Intrinsics(32, 18, 18.0, 18.0, 15.5, 8.5)
LARGER = Intrinsics(72, 54, 60.0, 60.0, 35.5, 26.5)
NOTHING, IDENTITY = np.zeros(3), np.eye(3)


def plain(
    depth_m: NDArray[np.float32], source: Intrinsics, target: Intrinsics, rotation: NDArray, move: NDArray
) -> NDArray:
    """Pixel by pixel: each is a square that covers the pixels whose centers it holds, the nearest one at least."""
    result = np.full((target.height, target.width), np.inf)
    for v in range(depth_m.shape[0]):
        for u in range(depth_m.shape[1]):
            z = float(depth_m[v, u])
            if not z > 0:
                continue
            x, y, far = rotation @ [(u - source.cx) / source.fx * z, (v - source.cy) / source.fy * z, z] + move
            if far <= 0:
                continue
            spans = []
            for center, half in (
                (x / far * target.fx + target.cx, 0.5 * target.fx / source.fx * z / far + 1e-3),
                (y / far * target.fy + target.cy, 0.5 * target.fy / source.fy * z / far + 1e-3),
            ):
                inside = range(math.ceil(center - half), math.floor(center + half) + 1)
                spans.append(list(inside) or [round(center)])
            for column in spans[0]:
                for row in spans[1]:
                    if 0 <= row < target.height and 0 <= column < target.width:
                        result[row, column] = min(result[row, column], far)
    return np.where(np.isfinite(result), result, np.nan)


def turned(angle: float) -> NDArray:
    """About the vertical axis."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 2**31),
    st.sampled_from([SOURCE, WIDER, LARGER]),
    st.floats(-0.2, 0.2),
    st.tuples(*[st.floats(-0.3, 0.3)] * 3),
)
def test_it_agrees_with_the_plain_way(
    seed: int, target: Intrinsics, angle: float, move: tuple[float, float, float]
) -> None:
    rng = np.random.default_rng(seed)
    depth_m = rng.uniform(0.3, 5.0, (SOURCE.height, SOURCE.width)).astype(np.float32)
    depth_m[rng.random(depth_m.shape) < 0.2] = np.nan
    found = reproject(depth_m, SOURCE, target, turned(angle), np.array(move))
    np.testing.assert_allclose(found, plain(depth_m, SOURCE, target, turned(angle), np.array(move)), rtol=1e-5)


@settings(deadline=None)
@given(st.integers(0, 2**31))
def test_the_identity_changes_nothing(seed: int) -> None:
    depth_m = np.random.default_rng(seed).uniform(0.3, 5.0, (18, 24)).astype(np.float32)
    depth_m[3, 4] = np.nan
    np.testing.assert_allclose(reproject(depth_m, SOURCE, SOURCE, IDENTITY, NOTHING), depth_m, rtol=1e-6)


@settings(deadline=None)
@given(st.floats(-0.5, 0.5), st.floats(0.5, 5.0))
def test_a_wall_that_is_nearer_by_a_step_is_nearer_by_that_step(step_m: float, wall_m: float) -> None:
    wall = np.full((18, 24), wall_m, np.float32)
    if wall_m + step_m < 0.2:
        return
    found = reproject(wall, SOURCE, SOURCE, IDENTITY, np.array([0.0, 0.0, step_m]))
    assert np.nanmax(np.abs(found - (wall_m + step_m))) < 1e-5


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_enlarging_leaves_no_holes(factor: int) -> None:
    target = SOURCE.scaled(18 * factor, 24 * factor)
    found = reproject(np.full((18, 24), 2.0, np.float32), SOURCE, target, turned(0.05), np.array([0.02, 0.01, 0.0]))
    inner = found[4 * factor : -4 * factor, 4 * factor : -4 * factor]
    assert np.isfinite(inner).all()


def test_what_is_nearer_hides_what_is_behind() -> None:
    depth_m = np.full((18, 24), 4.0, np.float32)
    depth_m[:, 8:12] = 1.0  # a post, which moves further than the wall behind it
    found = reproject(depth_m, SOURCE, SOURCE, IDENTITY, np.array([0.2, 0.0, 0.0]))
    assert np.all(found[:, 12:16] == 1.0)
    assert np.isnan(found[:, 9:11]).all()  # seen by nobody: there the post stood in the way
    assert np.all(found[:, 17:] == 4.0)


def test_the_result_has_the_resolution_of_the_depth() -> None:
    color = Intrinsics(1280, 720, 900.0, 900.0, 640.0, 360.0)
    depth = Intrinsics(848, 480, 420.0, 420.0, 424.0, 240.0)
    registration = Registration(depth, color, IDENTITY, NOTHING)
    found = registration.apply(np.full((480, 848), 2.0, np.float32))
    assert found.shape == (336, 597)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("color", "depth", "words"),
    [
        (View("/c", "color_frame"), View("/d", "depth_frame"), ("color_frame", "depth_frame")),
        (View("/c", size=(720, 1280)), View("/d", size=(480, 640)), ("1280x720", "640x480")),
        (View("/c", intrinsics=SOURCE), View("/d", intrinsics=LARGER), None),  # the same view in three times the size
        (View("/c", "f", (18, 24)), View("/d", "f", (54, 72)), None),
        (View("/c"), View("/d", "depth_frame"), None),
        (
            View("/c", intrinsics=LARGER),
            View("/d", intrinsics=Intrinsics(72, 54, 48.0, 48.0, 35.5, 26.5)),
            ("48", "60"),
        ),
    ],
)
def test_frame_aspect_and_focal_length_tell_views_apart(color: View, depth: View, words: tuple | None) -> None:
    why = why_unregistered(color, depth)
    if words is None:
        assert why is None
    else:
        assert why
        assert all(word in why for word in ("/c", "/d", *words))
