"""Opening the backend over stand-ins: build once, rebuild with the reason, keep the verification, fall back."""

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tensorrt_builds import Lines
from tensorrt_doubles import ORIN, PLAN, FakeMemory, FakeTensorRT, Network, tiny_network

from redwood_depth import engines
from redwood_depth.bundle import ModelBundle
from redwood_depth.engines import BackendChoice, choose_backend, open_engine
from redwood_depth.engines.progress import Report
from redwood_depth.engines.reference import add_reference
from redwood_depth.engines.tensorrt import backend, engine_preparation
from redwood_depth.engines.tensorrt.backend import Gpu
from redwood_depth.engines.tensorrt.cache import EngineCache, EngineKey, cache_folder
from redwood_depth.engines.tensorrt.plan_engine import TensorRTEngine
from redwood_depth.engines.tensorrt.verification import LIMITS, Verification
from redwood_depth.errors import EngineError


class Robot:
    """A machine with a GPU: what is installed, what was built, what was said."""

    def __init__(self, bundle: ModelBundle) -> None:
        self.bundle = bundle
        self.trt = FakeTensorRT(bundle)
        self.networks: dict[str, Network] = {}
        self.builds: list[str] = []
        self.lines = Lines()
        self.version = "10.3.0"
        self.searches = 0

    def find_gpu(self) -> Gpu:
        self.searches += 1
        library = SimpleNamespace(DESCRIPTION="fake memory 1.0", open_memory=self.open_memory)
        return Gpu(self.trt.api(version=self.version), library, ORIN)

    def open_memory(self) -> FakeMemory:
        self.trt.memory = FakeMemory()
        return self.trt.memory

    def build(self, api: Any, model: bytes, name: str, *_: Any) -> bytes:
        precision = "fp16" if "fp16" in name else "fp32"
        self.builds.append(precision)
        self.trt.network = self.networks.get(precision, tiny_network)
        return PLAN

    def open(self, backend: str = "tensorrt", precision: str = "model") -> Any:
        self.lines.clear()
        return open_engine(self.bundle, backend, 1, precision, self.lines.report())


@pytest.fixture
def robot(tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Robot:
    robot = Robot(tiny_bundle)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(backend, "find_gpu", robot.find_gpu)
    monkeypatch.setattr(engines, "find_gpu", robot.find_gpu)
    monkeypatch.setattr(engine_preparation, "build_serialized", robot.build)
    monkeypatch.setattr(engine_preparation, "half_precision_model", lambda path: b"half")
    return robot


def wrong_by(factor: float) -> Network:
    def network(image: Any) -> Any:
        depth, scores = tiny_network(image)
        return (depth * np.float32(factor)).astype(np.float32), scores

    return network


def not_a_number(image: Any) -> Any:
    depth, scores = tiny_network(image)
    return np.full_like(depth, np.nan), scores


def test_built_once_checked_once_then_taken(robot: Robot) -> None:
    engine = robot.open()
    assert str(engine.description) == "tensorrt (TensorRT 10.3.0, fake memory 1.0, CUDA graph), fp32 on Orin"
    assert robot.lines == [
        "building the fp32 engine of tiny 1.0 with TensorRT 10.3.0 (no engine of it is cached); this can take minutes",
        robot.lines[1],
    ]
    assert robot.lines[1].startswith("engine compared with ONNX Runtime in float: ")
    assert "depth differs by 0.00% on average (limit 0.5%)" in robot.lines[1]
    engine.close()
    robot.open().close()
    assert robot.builds == ["fp32"]
    assert robot.lines == []
    (description,) = cache_folder().glob("*.json")
    assert json.loads(description.read_text())["verification"]["passed"] is True


def test_after_an_upgrade_it_is_built_anew_and_says_why(robot: Robot) -> None:
    robot.open().close()
    robot.version = "10.13.0"
    robot.open().close()
    assert "(the nearest cached engine is for version 10.3.0, not 10.13.0)" in robot.lines[0]


def test_a_cached_engine_that_is_not_taken_is_built_anew_once(robot: Robot) -> None:
    robot.open().close()
    (path,) = cache_folder().glob("*.engine")
    description = json.loads(path.with_name(f"{path.name}.json").read_text())
    cache = EngineCache(robot.bundle.name)
    cache.store(EngineKey(**description["key"]), b"built for another driver")
    robot.builds.clear()
    robot.open().close()
    assert "(the cached one is not taken: TensorRT 10.3.0 does not take the engine: Serialization" in robot.lines[0]
    assert robot.builds == ["fp32"]


def test_an_engine_that_is_refused_as_soon_as_it_is_built_is_not_built_again(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*_: Any) -> bytes:
        robot.builds.append("refused")
        return b"for a GPU that it does not serve"

    monkeypatch.setattr(engine_preparation, "build_serialized", build)
    for _ in range(3):
        with pytest.raises(EngineError, match="does not take the engine"):
            robot.open()
    assert robot.builds == ["refused"]
    assert robot.open("auto").description.backend == "onnxruntime"
    assert len([line for line in robot.lines if line.startswith("WARN")]) == 1


def test_the_gpu_is_looked_for_once_in_an_opening(robot: Robot) -> None:
    choice = choose_backend("auto")
    for _ in range(2):  # builds, then takes it from the cache
        open_engine(robot.bundle, choice, 1, "fp16", robot.lines.report()).close()
    assert robot.searches == 1
    for backend_name in ("auto", "tensorrt"):
        robot.searches = 0
        robot.open(backend_name).close()
        assert robot.searches == 1


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (not_a_number, "outputs are NaN or infinite"),
        (wrong_by(1.02), "depth differs by 2.00% on average (limit 0.5%)"),
        (wrong_by(3.0), "leaves the model's range 0.5 to 8.5 m"),
    ],
)
def test_a_wrong_engine_is_rejected_with_figures_and_stays_rejected(
    robot: Robot, network: Callable[..., Any], words: str
) -> None:
    robot.networks["fp32"] = network
    for _ in range(2):
        with pytest.raises(EngineError) as failure:
            robot.open()
        assert str(failure.value).startswith("backend tensorrt: the fp32 engine of tiny on Orin is rejected: ")
        assert words in str(failure.value)
        assert robot.trt.memory.is_clean
    assert robot.builds == ["fp32"]


def test_auto_goes_on_loudly_with_the_next_precision_then_with_onnx_runtime(robot: Robot) -> None:
    robot.networks["fp16"] = not_a_number
    engine = robot.open("auto", "fp16")
    assert (engine.description.backend, engine.description.precision) == ("tensorrt", "fp32")
    (warning,) = [line for line in robot.lines if line.startswith("WARN")]
    assert "TensorRT in fp16 does not work here, going on without it: the fp16 engine of tiny" in warning
    assert "NaN" in warning
    engine.close()
    robot.networks["fp32"] = not_a_number
    robot.version = "10.4.0"
    engine = robot.open("auto", "fp16")
    assert engine.description.backend == "onnxruntime"
    assert len([line for line in robot.lines if line.startswith("WARN")]) == 2
    with pytest.raises(EngineError, match="backend tensorrt: the fp16 engine"):
        robot.open("tensorrt", "fp16")


def test_a_build_that_was_stopped_ends_the_opening(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any) -> bytes:
        raise EngineError("building was stopped")

    monkeypatch.setattr(engine_preparation, "build_serialized", stopped)
    report = Report(robot.lines.append, robot.lines.append, cancelled=lambda: True)
    with pytest.raises(EngineError, match="was stopped"):
        open_engine(robot.bundle, "auto", report=report)


def test_limits_that_changed_make_the_check_anew(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    robot.networks["fp32"] = wrong_by(1.02)
    with pytest.raises(EngineError, match="rejected"):
        robot.open()
    monkeypatch.setitem(LIMITS, "fp32", LIMITS["int8"])
    robot.open().close()
    assert robot.builds == ["fp32"]
    assert Verification.from_json({"passed": True}, "fp32") is None
    assert Verification.from_json(None, "fp32") is None


def test_without_onnx_runtime_only_the_possible_is_checked(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    robot.open().close()
    assert "compared with none: outputs are finite and in range, but were not compared: ONNX Runtime" in robot.lines[1]


def test_everything_of_cuda_happens_on_the_thread_that_opens(robot: Robot) -> None:
    threads: list[int] = []

    def work() -> None:
        engine = robot.open()
        engine.infer(np.zeros((24, 32, 3), np.uint8))
        engine.close()
        threads.append(threading.get_ident())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert robot.trt.memory.threads == set(threads)


def test_a_cache_that_cannot_be_written_is_said(robot: Robot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EngineError, match=r"cannot write into the engine cache.*XDG_CACHE_HOME"):
        robot.open()
    assert robot.open("auto").description.backend == "onnxruntime"
    assert robot.lines[0].startswith("WARN TensorRT in fp32 does not work here")


def test_auto_says_which_and_why(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = "auto: TensorRT 10.3.0 on Orin (compute capability 8.7, 8.0 GiB)"
    choice = choose_backend("auto")
    assert (choice.backend, choice.reason) == ("tensorrt", expected)
    assert isinstance(robot.open("auto"), TensorRTEngine)

    def none() -> None:
        raise EngineError("TensorRT is not installed")

    monkeypatch.setattr(engines, "find_gpu", none)
    assert choose_backend("auto") == BackendChoice("onnxruntime", "auto: no TensorRT here: TensorRT is not installed")
    assert choose_backend("tensorrt") == BackendChoice("tensorrt", "asked for")


def test_a_bundle_with_reference_outputs_needs_no_onnx_runtime(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    robot.bundle = add_reference(robot.bundle)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    robot.networks["fp32"] = wrong_by(1.02)
    with pytest.raises(EngineError, match=r"depth differs by 2\.00% on average"):
        robot.open()
    assert robot.lines[1].startswith("engine compared with the bundle's reference outputs: depth differs by 2.00%")


def test_a_frame_of_another_scale_is_not_hidden_by_the_others(robot: Robot) -> None:
    """Three of the four frames are exact: the mean over all would pass."""

    def network(image: Any) -> Any:
        return wrong_by(1.015 if image.mean() < 60 else 1.0)(image)

    robot.networks["fp32"] = network
    with pytest.raises(EngineError, match=r"1\.50% on average.*its scale by [+-]0\.00% to \+1\.50% \(limit 0\.4%\)"):
        robot.open()
