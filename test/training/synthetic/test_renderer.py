"""The renderer's variants: one that runs everywhere, and a clear word where the faster one does not."""

from pathlib import Path

import pytest

from redwood_depth.errors import ScanError
from training.__main__ import main
from training.synthetic.rendering.renderer import VARIANTS, check_renderer


def test_a_scene_of_several_lamps_is_the_same_each_time() -> None:
    """Mitsuba orders objects that it makes itself otherwise about once in 15 loads, and the noise changes with it."""
    pytest.importorskip("mitsuba", reason="needs the renderer of training.synthetic")
    from training.synthetic.rendering.render import load_scene
    from training.synthetic.scenario import random_scenario

    light = random_scenario("none", (5, 3), frames=1, width=64, height=48).light
    assert len(light.lamps) == 3
    orders = {tuple(shape.id() for shape in load_scene([], light).shapes()) for _ in range(200)}
    assert orders == {("lamp0", "lamp1", "lamp2")}


def test_the_default_needs_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("a process was started"))
    check_renderer("scalar")


def test_without_its_library_llvm_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DRJIT_LIBLLVM_PATH", str(tmp_path / "libLLVM.so"))
    with pytest.raises(ScanError, match="llvm does not work here"):
        check_renderer("llvm")
    arguments = ["--scans", "1", "--frames", "1", "--size", "64x48", "--renderer", "llvm"]
    assert main(["synthesize", *arguments, "--output", str(tmp_path / "scans")]) == 1
    message = capsys.readouterr().err
    assert "libLLVM 19 or newer" in message
    assert "--renderer" in message
    assert not (tmp_path / "scans").exists()


def test_where_it_runs_llvm_renders_the_same_scan(tmp_path: Path) -> None:
    try:
        check_renderer("llvm")
    except ScanError as error:
        pytest.skip(str(error))
    import cv2
    import numpy as np

    pictures = []
    for name in VARIANTS:
        arguments = ["--scans", "1", "--frames", "1", "--size", "64x48", "--jobs", "1", "--renderer", name]
        assert main(["synthesize", *arguments, "--output", str(tmp_path / name)]) == 0
        pictures.append(cv2.imread(str(next((tmp_path / name).rglob("*.jpg")))).astype(float))
    scalar, llvm = pictures
    assert np.abs(scalar.mean() - llvm.mean()) < 6
    assert np.corrcoef(scalar.ravel(), llvm.ravel())[0, 1] > 0.9
