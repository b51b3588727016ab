"""Engine and estimator on a real ONNX Runtime session of a model with known answers."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import redwood_depth
from bench.harness.tiny_bundle import DEPTH_RANGE_M
from redwood_depth import engines
from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.camera import Intrinsics
from redwood_depth.engines import open_engine
from redwood_depth.engines.engine import EngineDescription
from redwood_depth.engines.tensorrt import backend
from redwood_depth.errors import BundleError, CameraError, EngineError, ImageError
from redwood_depth.estimator import Estimator
from redwood_depth.images.decode import ColorImage

CARMINE = Intrinsics(640, 480, 525.0, 525.0, 319.5, 239.5)


def depth_of(brightness: np.ndarray) -> np.ndarray:
    low, high = DEPTH_RANGE_M
    return low + (high - low) * brightness.astype(np.float32) / 255


@pytest.fixture
def estimator(tiny_bundle: ModelBundle) -> Estimator:
    return Estimator(tiny_bundle, open_engine(tiny_bundle, "onnxruntime", threads=1))


def test_depth_comes_in_meters_at_the_size_asked_for(estimator: Estimator) -> None:
    ramp = np.repeat(np.linspace(0, 255, 32).astype(np.uint8)[None, :, None], 24, axis=0)  # (24, 32, 1)
    image = ColorImage(np.repeat(ramp, 3, axis=2))
    prediction = estimator.predict(image)
    np.testing.assert_allclose(prediction.depth_m, depth_of(ramp[..., 0]), rtol=1e-5)
    assert prediction.depth_m.dtype == np.float32
    assert prediction.depth_scale == 1.0
    assert estimator.predict(image, output_size=(48, 64)).depth_m.shape == (48, 64)


def test_focal_correction_scales_depth_and_is_reported(estimator: Estimator) -> None:
    image = ColorImage(np.full((48, 64, 3), 128, np.uint8))
    plain = estimator.predict(image, CARMINE)
    zoomed = estimator.predict(image, Intrinsics(640, 480, 1050.0, 1050.0, 319.5, 239.5))
    assert plain.depth_scale == pytest.approx(1.0)
    np.testing.assert_allclose(zoomed.depth_m, 2 * plain.depth_m, rtol=1e-6)


def test_predictions_do_not_share_memory(estimator: Estimator) -> None:
    dark, light = (estimator.predict(ColorImage(np.full((24, 32, 3), value, np.uint8))) for value in (0, 255))
    assert dark.depth_m.max() < light.depth_m.min()
    assert dark.class_scores.max() < light.class_scores.min()


@pytest.mark.parametrize("size", [(24, 32), (48, 64)])
def test_depth_is_written_where_it_is_wanted(estimator: Estimator, size: tuple[int, int]) -> None:
    """At the model's own size and at another one: nothing is left to copy."""
    image, out = ColorImage(np.full((24, 32, 3), 200, np.uint8)), np.zeros(size, np.float32)
    prediction = estimator.predict(image, CARMINE, size, out)
    assert np.shares_memory(prediction.depth_m, out)
    np.testing.assert_array_equal(out, estimator.predict(image, CARMINE, size).depth_m)


def test_an_output_that_is_not_finite_is_an_error(tiny_bundle: ModelBundle) -> None:
    class Broken:
        """An engine as a faulty fp16 build behaves."""

        description = EngineDescription("broken", "fp16", "none", "0")

        def infer(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return np.full((24, 32), np.nan, np.float32), np.zeros(3, np.float32)

        def close(self) -> None:
            pass

    with pytest.raises(EngineError, match=r"fp16.*not finite"):
        Estimator(tiny_bundle, Broken()).predict(ColorImage(np.zeros((24, 32, 3), np.uint8)))


def test_the_engine_takes_the_models_size_only_and_nothing_once_closed(estimator: Estimator) -> None:
    with pytest.raises(EngineError, match=r"\(24, 32, 3\), not uint8 \(24, 33, 3\)"):
        estimator.engine.infer(np.zeros((24, 33, 3), np.uint8))
    estimator.close()
    estimator.close()
    with pytest.raises(EngineError, match="closed"):
        estimator.engine.infer(np.zeros((24, 32, 3), np.uint8))


def test_a_graph_unlike_its_description_is_refused(tiny_bundle: ModelBundle) -> None:
    other = dataclasses.replace(tiny_bundle, height=48)
    with pytest.raises(EngineError, match=r"24, 32, 3\].*48, 32, 3\]"):
        open_engine(other, "onnxruntime")


def test_a_file_that_is_no_model_is_refused(tiny_bundle: ModelBundle) -> None:
    tiny_bundle.model_path.write_bytes(b"no protobuf")
    with pytest.raises(EngineError, match="cannot load") as failure:
        open_engine(tiny_bundle, "onnxruntime")
    assert "\n" not in str(failure.value)


def test_backends_are_chosen_by_name_and_never_silently(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise EngineError("no GPU")

    for module in (engines, backend):
        monkeypatch.setattr(module, "find_gpu", none)
    with pytest.raises(EngineError, match="unknown backend 'cuda'; known: auto, onnxruntime, tensorrt"):
        open_engine(tiny_bundle, "cuda")
    with pytest.raises(EngineError, match="backend tensorrt: no GPU"):
        open_engine(tiny_bundle, "tensorrt")
    assert open_engine(tiny_bundle, "auto").description.backend == "onnxruntime"


def test_the_bundled_model_works_and_fits_its_description() -> None:
    bundle = ModelBundle.load(DEMO_BUNDLE)
    estimator = Estimator(bundle, open_engine(bundle, "onnxruntime"))
    image = np.random.default_rng(1).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    prediction = estimator.predict(ColorImage(image), CARMINE, (480, 640))
    low, high = bundle.depth_range_m
    assert low <= prediction.depth_m.min() <= prediction.depth_m.max() <= high
    assert prediction.class_scores.shape == (len(bundle.classes),)
    assert 0 <= prediction.class_scores.min() <= prediction.class_scores.sum() <= 1 + 1e-5
    assert bundle.classes == ("bicycle", "car", "trash container")
    assert sum(file.stat().st_size for file in Path(bundle.folder).iterdir()) < 20e6


def test_five_lines_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    image_rgb = np.random.default_rng(0).integers(0, 255, (97, 131, 3), np.uint8)
    with redwood_depth.Estimator.open(backend="onnxruntime", threads=1) as estimator:
        prediction = estimator.predict(image_rgb)
        assert prediction.depth_m.shape == (97, 131)
        assert prediction.depth_m.dtype == np.float32
        assert prediction.best_class() in (None, *estimator.bundle.classes)
        same = estimator.predict(ColorImage(image_rgb), output_size=(97, 131))
        np.testing.assert_array_equal(same.depth_m, prediction.depth_m)
        assert estimator.predict(image_rgb, output_size=(24, 32)).depth_m.shape == (24, 32)
        assert estimator.predict(image_rgb[:, ::-1]).depth_m.shape == (97, 131)  # a view is as good
        far = estimator.predict(image_rgb, intrinsics=Intrinsics(131, 97, 400.0, 400.0, 65.0, 48.0))
        assert far.depth_scale > 1
        np.testing.assert_allclose(far.depth_m, prediction.depth_m * far.depth_scale, rtol=1e-5)
    with pytest.raises(EngineError, match="the engine is closed"):
        estimator.predict(image_rgb)


def test_a_bundle_is_opened_by_its_path_and_names_the_class(tiny_bundle: ModelBundle) -> None:
    red, black = np.zeros((24, 32, 3), np.uint8), np.zeros((30, 40, 3), np.uint8)
    red[..., 0] = 255
    with Estimator.open(str(tiny_bundle.folder), backend="onnxruntime") as estimator:
        assert estimator.predict(red).best_class() == "car"
        assert estimator.predict(black).best_class() is None
        np.testing.assert_allclose(estimator.predict(black).depth_m, 0.5)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros(24, np.uint8),
        np.zeros((24, 32), np.uint8),
        np.zeros((24, 32, 4), np.uint8),
        np.zeros((24, 32, 3), np.float32),
        np.zeros((0, 32, 3), np.uint8),
    ],
)
def test_what_is_not_an_image_is_refused(tiny_bundle: ModelBundle, image: Any) -> None:
    with (
        Estimator.open(tiny_bundle.folder, backend="onnxruntime") as estimator,
        pytest.raises(ImageError, match=r"RGB uint8 \(H, W, 3\), not"),
    ):
        estimator.predict(image)


def test_intrinsics_of_another_image_are_refused(tiny_bundle: ModelBundle) -> None:
    with (
        Estimator.open(tiny_bundle.folder, backend="onnxruntime") as estimator,
        pytest.raises(CameraError, match="intrinsics of 640x480 do not fit an image of 32x24"),
    ):
        estimator.predict(np.zeros((24, 32, 3), np.uint8), intrinsics=CARMINE)


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model bundle at"):
        Estimator.open(tmp_path)
    with pytest.raises(EngineError, match="unknown backend 'cuda'"):
        Estimator.open(backend="cuda")
