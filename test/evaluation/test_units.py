"""Ground truth in another unit than the one that it is read in, and recordings that only look so."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from bag_samples import rgbd_messages, write_bag, write_scan
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood_depth.bags.bag_source import BagSource
from redwood_depth.errors import ScanError
from redwood_depth.evaluation.baselines import DepthHistogram
from redwood_depth.evaluation.fast.scores import ImageScores
from redwood_depth.evaluation.frame_scores import FrameScores
from redwood_depth.evaluation.recordings import open_recording
from redwood_depth.evaluation.units import unit_warning
from redwood_depth.evaluation.value_steps import ValueSteps

STRUCTURED_LIGHT = 2.88e-3


def scene_m(growth: float = STRUCTURED_LIGHT) -> np.ndarray:
    """Distances of 0.6 to 6 m as a sensor measures them whose steps are `growth` z^2; float64 (480, 640)."""
    inverse = np.linspace(1 / 6.0, 1 / 0.6, 480 * 640).reshape(480, 640)
    return 1.0 / (np.rint(inverse / growth) * growth) if growth else 1.0 / inverse


def steps_of(values: np.ndarray) -> ValueSteps:
    """Of 16-bit values as they are read: millimeters."""
    steps = ValueSteps()
    for _ in range(12):
        steps.add(values.astype(np.float32) / np.float32(1000.0))
    return steps


def frames(factors: list[float], error: float = 0.12) -> list[FrameScores]:
    wall_m = np.ones((2, 2), np.float32)
    truth = DepthHistogram.of_image(wall_m, wall_m > 0, 10.0)
    scores = [
        ImageScores({"abs_rel": abs(1 / factor - 1) + error}, {"abs_rel": error}, factor, np.zeros((1, 4)))
        for factor in factors
    ]
    nothing = np.zeros(0, np.float32)
    return [
        FrameScores(stamp_ns=i, depth=one, truth=truth, class_scores=nothing, latency_ms=0.0)
        for i, one in enumerate(scores)
    ]


@pytest.mark.parametrize(
    ("per_meter", "words"),
    [(10000, "0.1 mm"), (8000, "SUN RGB-D"), (5000, "TUM"), (4000, "0.25 mm"), (2000, "0.5 mm"), (256, "KITTI")],
)
@pytest.mark.parametrize("bias", [0.75, 1.0, 1.3])
def test_the_values_and_the_factor_tell_the_unit(per_meter: int, words: str, bias: float) -> None:
    """Written from millimeters, as converters do; the network is off by a quarter, and from frame to frame."""
    millimeters = np.rint(1000.0 * scene_m())
    values = np.rint(millimeters * per_meter / 1000.0)
    factors = [bias * per_meter / 1000.0 * (1.2 if i % 2 else 0.9) for i in range(12)]
    warning = unit_warning(frames(factors), steps_of(values))
    assert warning
    assert words in warning
    assert f"--depth-unit {1 / per_meter:g} reads it so" in warning


@pytest.mark.parametrize("per_meter", [10000, 5000, 4000, 256])
def test_one_factor_in_every_frame_tells_it_where_the_values_do_not(per_meter: int) -> None:
    """A sensor without steps whose driver has that unit."""
    values = np.rint(scene_m(growth=0.0) * per_meter)
    steps = steps_of(values)
    assert steps.multiple() is None
    assert steps.growth() is None
    factor = per_meter / 1000.0
    assert unit_warning(frames([factor * 0.97, factor, factor * 1.03] * 4), steps)
    assert unit_warning(frames([factor * 0.7, factor, factor * 1.4] * 4), steps) is None


@pytest.mark.parametrize("growth", [0.0, 1.0e-3, 1.6e-3, STRUCTURED_LIGHT])
@pytest.mark.parametrize("factor", [0.15, 0.23, 0.35, 0.5, 1.0, 2.0, 2.6])
def test_millimeters_give_no_word_whatever_the_network_says(growth: float, factor: float) -> None:
    """Near scenes have 0.15 to 0.5, with 0.1 to 0.4 between frames."""
    values = np.rint(1000.0 * scene_m(growth))
    assert unit_warning(frames([factor * math.exp(x) for x in (-0.15, 0.0, 0.15)] * 4), steps_of(values)) is None


@pytest.mark.parametrize("multiple", [2, 5, 10])
def test_a_coarse_sensor_in_millimeters_gives_no_word(multiple: int) -> None:
    values = np.rint(1000.0 * scene_m() / multiple) * multiple
    assert unit_warning(frames([0.9, 1.0, 1.1] * 4), steps_of(values)) is None


@pytest.mark.parametrize("growth", [1.0e-3, 1.6e-3, STRUCTURED_LIGHT])
@pytest.mark.parametrize("per_meter", [1000, 256])
def test_the_steps_of_a_sensor_are_found_in_any_unit(growth: float, per_meter: int) -> None:
    found = steps_of(np.rint(scene_m(growth) * per_meter)).growth()
    assert found == pytest.approx(growth * 1000 / per_meter, rel=0.15)


@settings(deadline=None, max_examples=20)
@given(unit_m=st.floats(1e-5, 0.02))
def test_a_unit_that_is_given_is_used(unit_m: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("unit")
    for encoding, pixels, factor in (
        ("16UC1", np.full((24, 32), 2000, np.uint16), 2000 * unit_m),
        ("32FC1", np.full((24, 32), 2.0, np.float32), 2.0 * unit_m),
    ):
        path = write_bag(folder / encoding, rgbd_messages(2, [pixels] * 2, encoding=encoding))
        with BagSource(path, depth_unit_m=unit_m) as source:
            assert [float(frame.depth_m[0, 0]) for frame in source] == pytest.approx([factor] * 2, rel=1e-5)


def test_scans_take_a_unit_and_what_knows_its_own_does_not(tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "scan", frames=1)
    with open_recording(scan, depth_unit_m=0.0002) as source:
        assert [float(np.nanmedian(frame.depth_m)) for frame in source] == pytest.approx([0.2])
    tum = tmp_path / "tum"
    for part in ("rgb", "depth"):
        (tum / part).mkdir(parents=True)
        pixels = np.full((24, 32), 5000, np.uint16) if part == "depth" else np.zeros((24, 32, 3), np.uint8)
        cv2.imwrite(str(tum / part / "1305031102.175304.png"), pixels)
        (tum / f"{part}.txt").write_text(f"# {part}\n1305031102.175304 {part}/1305031102.175304.png\n")
    with pytest.raises(ScanError, match="takes no --depth-unit"):
        open_recording(tum, depth_unit_m=0.0002)
