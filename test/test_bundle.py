"""Model bundles: what is read back, and what is refused in one line that names both sides."""

import json
from pathlib import Path
from typing import Any

import pytest

from redwood_depth.bundle import DESCRIPTION_FILE, MODEL_FILE, ModelBundle
from redwood_depth.errors import BundleError


def change_description(bundle: ModelBundle, **changes: Any) -> None:
    path = bundle.folder / DESCRIPTION_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_bundle_is_read_as_it_was_written(tiny_bundle: ModelBundle) -> None:
    assert ModelBundle.load(tiny_bundle.folder) == tiny_bundle
    assert ModelBundle.load(str(tiny_bundle.folder)).model_path == tiny_bundle.folder / MODEL_FILE


def test_an_altered_model_is_refused_with_both_hashes(tiny_bundle: ModelBundle) -> None:
    tiny_bundle.model_path.write_bytes(tiny_bundle.model_path.read_bytes()[:-1])
    with pytest.raises(BundleError, match=f"sha256 is [0-9a-f]{{12}}, expected {tiny_bundle.sha256[:12]}"):
        ModelBundle.load(tiny_bundle.folder)


@pytest.mark.parametrize("name", [MODEL_FILE, DESCRIPTION_FILE])
def test_a_missing_file_is_named(tiny_bundle: ModelBundle, name: str) -> None:
    (tiny_bundle.folder / name).unlink()
    with pytest.raises(BundleError, match=f"{name}.*No such file"):
        ModelBundle.load(tiny_bundle.folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": []}, "classes must be distinct and at least one"),
        ({"classes": ["car", "car"]}, "classes must be distinct"),
        ({"classes": 3}, "wrong form"),
        ({"input": {"height": 96}}, "lacks the field 'width'"),
        ({"input": {"height": 96, "width": 10**6}}, "between 16 and 4096"),
        ({"depth_range_m": [5, 1]}, "0 < min < max"),
        ({"depth_range_m": [5]}, "wrong form"),
        ({"camera": {"fx_over_width": 0, "fy_over_height": 1}}, "positive focal lengths"),
        ({"precision": "fp64"}, "one of fp32, fp16, int8"),
        ({"class_threshold": 1.5}, "0..1"),
        ({"training_median_m": 100}, "depth_range_m"),
    ],
)
def test_bad_fields_are_named(tiny_bundle: ModelBundle, changes: dict[str, Any], words: str) -> None:
    change_description(tiny_bundle, **changes)
    with pytest.raises(BundleError, match=words) as failure:
        ModelBundle.load(tiny_bundle.folder)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"name": "x"}'])
def test_damaged_descriptions_are_refused(tiny_bundle: ModelBundle, text: str) -> None:
    (tiny_bundle.folder / DESCRIPTION_FILE).write_text(text)
    with pytest.raises(BundleError):
        ModelBundle.load(tiny_bundle.folder)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no model bundle at .*nowhere"):
        ModelBundle.load(tmp_path / "nowhere")
