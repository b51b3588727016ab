"""Reference outputs in the bundle: read as they were written, refused when damaged, computed for older bundles."""

import ast
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorrt_builds import int8_bundle

from redwood_depth.bundle import DEMO_BUNDLE, REFERENCE_FILE, ModelBundle
from redwood_depth.engines.onnxruntime import OnnxRuntimeEngine, open_session, run_session
from redwood_depth.engines.reference import add_reference, compute_reference, reference_of, sampled
from redwood_depth.engines.reference_images import reference_images
from redwood_depth.engines.tensorrt.verification import verify_engine
from redwood_depth.errors import BundleError, EngineError
from training.__main__ import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo() -> ModelBundle:
    return ModelBundle.load(DEMO_BUNDLE)


def test_what_was_added_is_read_back(tiny_bundle: ModelBundle) -> None:
    described = add_reference(tiny_bundle)
    assert ModelBundle.load(tiny_bundle.folder) == described
    stored, computed = reference_of(described), compute_reference(tiny_bundle)
    assert stored.source == "the bundle's reference outputs"
    for name in ("images", "depth_m", "class_scores"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(computed, name))
    assert stored.depth_m.shape == (4, 5, 6)
    assert stored.class_scores.shape == (4, 3)


def test_an_older_bundle_is_computed_here(tiny_bundle: ModelBundle) -> None:
    assert not tiny_bundle.reference_sha256
    assert reference_of(tiny_bundle).source == "ONNX Runtime in float"


def test_the_command_adds_them(tiny_bundle: ModelBundle, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reference", str(tiny_bundle.folder)]) == 0
    assert capsys.readouterr().out == f"wrote {tiny_bundle.folder / REFERENCE_FILE}\n"
    assert ModelBundle.load(tiny_bundle.folder).reference_sha256
    assert main(["reference", str(tiny_bundle.folder / "nowhere")]) == 1
    assert "no model bundle at" in capsys.readouterr().err


def test_a_file_that_is_missing_or_altered_is_refused(tiny_bundle: ModelBundle) -> None:
    path = add_reference(tiny_bundle).folder / REFERENCE_FILE
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"reference\.npz is not the reference outputs that model\.json describes"):
        ModelBundle.load(tiny_bundle.folder)
    path.unlink()
    with pytest.raises(BundleError, match=r"cannot read .*reference\.npz: No such file"):
        ModelBundle.load(tiny_bundle.folder)


def _other_size(arrays: dict[str, Any]) -> dict[str, Any]:
    return {**arrays, "depth_m": arrays["depth_m"][:, :-1]}


def _no_frames(arrays: dict[str, Any]) -> dict[str, Any]:
    return {**arrays, "class_scores": arrays["class_scores"][:0], "depth_m": arrays["depth_m"][:0]}


def test_reference_of_other_images_is_computed_anew(tiny_bundle: ModelBundle) -> None:
    """A NumPy that draws them otherwise must not make a right engine look wrong."""
    bundle = add_reference(tiny_bundle)
    with np.load(bundle.folder / REFERENCE_FILE) as stored:
        arrays = {**stored, "images_sha256": np.array("of other images")}
    np.savez(bundle.folder / REFERENCE_FILE, **arrays)
    assert reference_of(bundle).source == "ONNX Runtime in float"


def test_pixels_of_every_phase_are_kept() -> None:
    rows, columns = np.mgrid[0:128, 0:160]
    for phase in (2, 4, 8, 16, 32):
        assert len({*zip(sampled(rows % phase).ravel(), sampled(columns % phase).ravel(), strict=True)}) >= min(
            phase**2, 800
        )


@pytest.mark.parametrize("change", [_other_size, _no_frames])
def test_arrays_that_do_not_fit_the_bundle_name_both_sides(tiny_bundle: ModelBundle, change: Any) -> None:
    bundle = add_reference(tiny_bundle)
    path = bundle.folder / REFERENCE_FILE
    with np.load(path) as stored:
        arrays = change(dict(stored))
    np.savez(path, **arrays)
    with pytest.raises(BundleError, match=r"has \{.*\}, but \{.*\} are expected"):
        reference_of(bundle)


def _array() -> bytes:
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    return content.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY", _array()])
def test_what_is_not_an_archive_is_one_line(tiny_bundle: ModelBundle, content: bytes) -> None:
    bundle = add_reference(tiny_bundle)
    (bundle.folder / REFERENCE_FILE).write_bytes(content)
    with pytest.raises(BundleError, match="copy the whole bundle again") as failure:
        reference_of(bundle)
    assert "\n" not in str(failure.value)


def test_a_pickle_is_never_run(tiny_bundle: ModelBundle) -> None:
    bundle = add_reference(tiny_bundle)
    harmful = np.array([{"not": "numbers"}], object)
    np.savez(bundle.folder / REFERENCE_FILE, images_sha256=harmful, depth_m=harmful, class_scores=harmful)
    with pytest.raises(BundleError, match="allow_pickle=False"):
        reference_of(bundle)


def test_the_bundled_model_has_them_and_runs_as_they_say(demo: ModelBundle) -> None:
    assert demo.reference_sha256
    engine = OnnxRuntimeEngine(demo, threads=1)
    verification = verify_engine(engine, demo, "fp32")
    assert verification.passed, verification.findings
    assert verification.reference == "the bundle's reference outputs"


def test_images_are_unlike_each_other() -> None:
    means = [image.mean() for image in reference_images(128, 160)]
    assert max(means) > 2.5 * min(means)
    images = reference_images(48, 64)
    assert all((one != other).mean() > 0.9 for one in images for other in images if one is not other)


def test_int8_is_right_on_this_processor(demo: ModelBundle, tmp_path: Path) -> None:
    """Without session.x64quantprecision depth is off by 22 % where a processor has AVX2 but no VNNI."""
    bundle = int8_bundle(demo, tmp_path / "int8")
    engine = OnnxRuntimeEngine(bundle, threads=1)
    verification = verify_engine(engine, bundle, "int8")
    assert verification.passed, verification.findings
    assert verification.reference == "ONNX Runtime in float"
    session = open_session(bundle.model_path)
    assert session.get_session_options().get_session_config_entry("session.x64quantprecision") == "1"
    exact, quick = (open_session(bundle.model_path, in_float=in_float) for in_float in (True, False))
    image = reference_images(bundle.height, bundle.width)[0]
    relative = np.abs(run_session(quick, image)[0] / run_session(exact, image)[0] - 1)
    assert relative.mean() < 0.03


def test_every_session_is_opened_in_one_place() -> None:
    """Else an int8 graph is opened without the option that makes it right."""
    found = set()
    for path in (path for folder in ("redwood_depth", "training", "bench") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "InferenceSession":
                found.add(str(path.relative_to(ROOT)))
    assert found == {"redwood_depth/engines/onnxruntime.py"}


def test_a_graph_that_gives_nan_gets_no_reference(tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = compute_reference(tiny_bundle)
    broken.depth_m[0, 0, 0] = np.nan
    monkeypatch.setattr("redwood_depth.engines.reference.compute_reference", lambda bundle: broken)
    with pytest.raises(EngineError, match="gives NaN or infinity for a reference image"):
        add_reference(tiny_bundle)
    assert not (tiny_bundle.folder / REFERENCE_FILE).exists()
