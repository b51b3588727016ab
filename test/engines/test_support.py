"""Whether TensorRT serves the GPU is known before anything is built, remembered, and said alike everywhere."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tensorrt_builds import installed_tensorrt_rtx
from tensorrt_doubles import ORIN, FakeMemory, FakeTensorRT

from redwood_depth.bundle import ModelBundle
from redwood_depth.commands import build_engine
from redwood_depth.commands.checks import gpu as gpu_check
from redwood_depth.engines import choose_backend, open_engine
from redwood_depth.engines.tensorrt import backend, engine_preparation
from redwood_depth.engines.tensorrt.api import TensorRTApi
from redwood_depth.engines.tensorrt.builder import known_capabilities
from redwood_depth.engines.tensorrt.cache import cache_folder
from redwood_depth.engines.tensorrt.memory import GpuDevice
from redwood_depth.engines.tensorrt.support import refuse_unfit
from redwood_depth.errors import EngineError

RTX_NAMES = ("SM75", "SM80", "SM86", "SM89", "SM120", "SM121")  # of TensorRT-RTX 1.7.1


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def trt(tiny_bundle: ModelBundle) -> FakeTensorRT:
    return FakeTensorRT(tiny_bundle)


def rtx(trt: FakeTensorRT) -> TensorRTApi:
    names = SimpleNamespace(CURRENT=0, NONE=0, **dict.fromkeys(RTX_NAMES, 0))
    trt.ComputeCapability = names  # type: ignore[attr-defined]
    return trt.api("TensorRT-RTX", "1.7.1")


def gpu(name: str, major: int, minor: int) -> GpuDevice:
    return replace(ORIN, name=name, compute_capability=(major, minor))


@pytest.mark.parametrize(
    "device", [gpu("H200", 9, 0), gpu("Orin", 8, 7), gpu("Thor", 11, 0), gpu("B200", 10, 0), gpu("GTX 1080", 6, 1)]
)
def test_rtx_refuses_what_it_does_not_list_without_a_build(trt: FakeTensorRT, device: GpuDevice) -> None:
    with pytest.raises(EngineError) as failure:
        refuse_unfit(rtx(trt), device)
    assert str(failure.value) == (
        f"TensorRT-RTX 1.7.1 does not run on {device}: it serves compute capability 7.5, 8.0, 8.6, 8.9, 12.0, 12.1 and "
        "newer; install TensorRT itself, or take the backend onnxruntime"
    )
    assert trt.trials == 0


@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (8, 9), (12, 0), (12, 3), (13, 0)])
def test_rtx_serves_what_it_lists_and_what_is_newer(trt: FakeTensorRT, capability: tuple[int, int]) -> None:
    refuse_unfit(rtx(trt), gpu("RTX", *capability))
    assert trt.trials == 0


def test_the_installed_rtx_has_a_list_that_names_neither_orin_nor_hopper() -> None:
    api = installed_tensorrt_rtx()
    assert {"8.6", "8.9"} <= set(known_capabilities(api))
    for device in (gpu("Orin", 8, 7), gpu("H100", 9, 0)):
        with pytest.raises(EngineError, match="does not run on"):
            refuse_unfit(api, device)


def test_without_a_list_one_operation_is_tried_once(trt: FakeTensorRT) -> None:
    for _ in range(3):
        refuse_unfit(trt.api(), ORIN)
    assert trt.trials == 1
    assert trt.alive == 0
    refuse_unfit(trt.api(), replace(ORIN, driver="13.0"))  # another driver, another version: asked again
    refuse_unfit(trt.api(version="10.4.0"), ORIN)
    assert trt.trials == 3


def test_a_refusal_is_remembered_with_its_reason(trt: FakeTensorRT) -> None:
    trt.complaint = "Target GPU SM 61 is not supported by this TensorRT release."
    for _ in range(2):
        with pytest.raises(EngineError, match=r"does not run on GTX 1080.*Target GPU SM 61 is not supported"):
            refuse_unfit(trt.api(), gpu("GTX 1080", 6, 1))
    assert trt.trials == 1


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"asked": "something else", "reason": "no"}'])
def test_a_damaged_answer_is_asked_again(trt: FakeTensorRT, damage: str) -> None:
    refuse_unfit(trt.api(), ORIN)
    (path,) = cache_folder().glob("support-*.json")
    path.write_text(damage)
    refuse_unfit(trt.api(), ORIN)
    assert trt.trials == 2


def test_a_busy_gpu_is_not_taken_for_one_of_the_wrong_kind(trt: FakeTensorRT) -> None:
    trt.complaint = "Cuda failure: 2 out of memory"
    for _ in range(2):
        with pytest.raises(EngineError, match=r"cannot run here now.*end other programs"):
            refuse_unfit(trt.api(), ORIN)
    assert trt.trials == 2
    trt.complaint = ""
    refuse_unfit(trt.api(), ORIN)


@pytest.fixture
def hopper(trt: FakeTensorRT, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine with TensorRT-RTX and an H200; the names of what was built."""
    api, device = rtx(trt), gpu("NVIDIA H200", 9, 0)
    built: list[str] = []
    library = SimpleNamespace(DESCRIPTION="fake", open_memory=FakeMemory, describe_gpu=lambda: device)
    for module in (backend, gpu_check):
        monkeypatch.setattr(module, "memory_library", lambda: library)
        monkeypatch.setattr(module, "find_tensorrt", lambda: api)
    monkeypatch.setattr(build_engine, "find_tensorrt", lambda: api)
    monkeypatch.setattr(engine_preparation, "build_serialized", lambda *given: built.append(given[2]))
    return built


def test_everybody_says_the_same_of_a_gpu_that_is_not_served(
    tiny_bundle: ModelBundle, hopper: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = "TensorRT-RTX 1.7.1 does not run on NVIDIA H200 (compute capability 9.0"
    choice = choose_backend("auto")
    assert choice.backend == "onnxruntime"
    assert choice.reason.startswith(f"auto: no TensorRT here: {words}")
    assert open_engine(tiny_bundle, choice).description.backend == "onnxruntime"
    with pytest.raises(EngineError, match=r"backend tensorrt: TensorRT-RTX 1\.7\.1 does not run on NVIDIA H200"):
        open_engine(tiny_bundle, "tensorrt")
    (line,) = [line for line in gpu_check.check_gpu() if line[1] == "TensorRT on this GPU"]
    assert line[0] == "note"
    assert line[2].startswith(words)
    assert not any(line[1].startswith("engine fp") for line in gpu_check.check_engines(tiny_bundle))
    assert build_engine.main([str(tiny_bundle.folder)]) == 1
    assert words in capsys.readouterr().err
    assert hopper == []
