"""A calibration in the bundle: written, read back, checked, and applied by the estimator after the focal correction."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from redwood_depth.bundle import ModelBundle
from redwood_depth.calibration.record import Calibration, FittedOn
from redwood_depth.calibration.scale import Scale
from redwood_depth.camera import Intrinsics
from redwood_depth.engines import open_engine
from redwood_depth.errors import BundleError
from redwood_depth.estimator import Estimator
from redwood_depth.images.decode import ColorImage

RECORD = Calibration(Scale(math.log(0.5)), (FittedOn("desk", "ab12", 40),), "2026-11-27 20:00 UTC", 0.9, 0.2)


def calibrated(bundle: ModelBundle, record: Calibration = RECORD) -> ModelBundle:
    replace(bundle, calibration=record).write_description()
    return ModelBundle.load(bundle.folder)


def test_it_comes_back_as_it_was_written(tiny_bundle: ModelBundle) -> None:
    assert tiny_bundle.calibration is None
    assert calibrated(tiny_bundle).calibration == RECORD
    assert str(RECORD) == "factor 0.500, fitted 2026-11-27"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"log_scale": 9.0}, "has a factor of 8.1e"),
        ({"log_slope": 7.0}, "a slope of 7"),
        ({"log_scale": "much"}, "is not a calibration"),
        ({"fitted_on": [{}]}, "is not a calibration"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(tiny_bundle: ModelBundle, change: dict, what: str) -> None:
    path = calibrated(tiny_bundle).folder / "model.json"
    description = json.loads(path.read_text())
    description["calibration"] |= change
    path.write_text(json.dumps(description))
    with pytest.raises(BundleError, match=what):
        ModelBundle.load(tiny_bundle.folder)


@pytest.mark.parametrize("output_size", [None, (30, 50)])
@pytest.mark.parametrize("slope", [1.0, 0.8])
def test_the_estimator_applies_it_after_the_focal_correction(
    tiny_bundle: ModelBundle, output_size: tuple[int, int] | None, slope: float
) -> None:
    image = ColorImage(np.full((30, 50, 3), 120, np.uint8))
    camera = Intrinsics(50, 30, 90.0, 90.0, 24.5, 14.5)
    plain = Estimator(tiny_bundle, open_engine(tiny_bundle, "onnxruntime"))
    before = plain.predict(image, camera, output_size)
    plain.close()
    bundle = calibrated(tiny_bundle, replace(RECORD, scale=Scale(math.log(0.5), slope)))
    estimator = Estimator(bundle, open_engine(bundle, "onnxruntime"))
    out = np.empty(output_size or before.depth_m.shape, np.float32)
    after = estimator.predict(image, camera, output_size, out)
    estimator.close()
    assert after.depth_m is out
    np.testing.assert_allclose(after.depth_m, 0.5 * before.depth_m**slope, rtol=1e-5)
    assert after.depth_scale == before.depth_scale != 1.0
