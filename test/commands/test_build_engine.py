"""build_engine as a user runs it, with TensorRT-RTX and without a GPU."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tensorrt_builds import installed_tensorrt_rtx

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.commands import build_engine
from redwood_depth.engines.tensorrt import api

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "redwood_depth"


@pytest.fixture
def rtx() -> None:
    installed_tensorrt_rtx()


def run(*arguments: object) -> int:
    return build_engine.main([str(argument) for argument in arguments])


@pytest.mark.usefixtures("rtx")
def test_built_once_then_cached_and_rebuilt_with_the_reason(cache: Path, capsys: Output, tmp_path: Path) -> None:
    command = (DEMO_BUNDLE, "--compute-capability", "8.9", "--precision", "fp16")
    assert run(*command, "--output", tmp_path / "copies" / "demo.engine") == 0
    said = capsys.readouterr()
    assert "built in" in said.out
    assert "(no engine of it is cached)" in said.err
    (engine,) = cache.glob("*.engine")
    assert (tmp_path / "copies" / "demo.engine").read_bytes() == engine.read_bytes()
    assert run(*command) == 0
    said = capsys.readouterr()
    assert "taken from the cache" in said.out
    assert said.err == ""
    content = bytearray(engine.read_bytes())
    content[5000] ^= 1
    engine.write_bytes(content)
    assert run(*command) == 0
    assert "is corrupt: its content is not what was written" in capsys.readouterr().err
    assert run(*command, "--force") == 0
    assert "(--force)" in capsys.readouterr().err
    assert run(DEMO_BUNDLE, "--compute-capability", "8.6", "--precision", "fp16") == 0
    assert "(the nearest cached engine is for compute capability 8.9, not 8.6)" in capsys.readouterr().err


@pytest.mark.usefixtures("rtx")
def test_two_processes_build_once(tiny_bundle: ModelBundle) -> None:
    command = [sys.executable, "-m", "redwood_depth.commands.build_engine", str(tiny_bundle.folder)]
    command += ["--compute-capability", "8.9"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted("built in" in out for out, _ in outputs) == [False, True]


@pytest.mark.usefixtures("rtx")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--compute-capability", "9.0"), "cannot build for compute capability 9.0; it knows 7.5"),
        (("--compute-capability", "ada"), "a compute capability is written as 8.9, not 'ada'"),
        (("--compute-capability", "8.9", "--precision", "int8"), "a bundle exported in int8"),
        (("--compute-capability", "8.9", "--output", "/"), "--output / is a folder; name a file"),
        (("--compute-capability", "8.9", "--output", "/proc/x"), "cannot write /proc/x: "),
    ],
)
def test_what_cannot_be_is_one_line(
    tiny_bundle: ModelBundle, arguments: tuple[str, ...], words: str, capsys: Output, cache: Path
) -> None:
    assert run(tiny_bundle.folder, *arguments) == 1
    (error,) = [line for line in capsys.readouterr().err.splitlines() if "building" not in line]
    assert words in error
    assert list(cache.glob("*.engine")) == [] or "/proc/x" in arguments


@pytest.mark.usefixtures("rtx")
def test_without_a_gpu_the_way_to_build_for_one_is_named(tiny_bundle: ModelBundle, capsys: Output) -> None:
    if Path("/dev/nvidia0").exists():
        pytest.skip("there is a GPU here")
    assert run(tiny_bundle.folder) == 1
    assert "for a GPU that is not here: --compute-capability X.Y" in capsys.readouterr().err


def test_without_tensorrt_the_remedy_is_named(
    tiny_bundle: ModelBundle, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings"):
        monkeypatch.setitem(sys.modules, name, None)
    api.find_tensorrt.cache_clear()
    try:
        assert run(tiny_bundle.folder) == 1
    finally:
        api.find_tensorrt.cache_clear()
    error = capsys.readouterr().err
    assert "TensorRT is not installed; install TensorRT 10 or later" in error
    assert error.count("\n") == 1


def test_a_missing_bundle_is_an_error(tmp_path: Path, capsys: Output) -> None:
    assert run(tmp_path) == 1
    assert "no model bundle at" in capsys.readouterr().err
