"""doctor's story of TensorRT and benchmark's figures: without a GPU as it is here, with one through stand-ins."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tensorrt_builds import installed_tensorrt_rtx
from tensorrt_doubles import ORIN, PLAN, FakeMemory, FakeTensorRT, tiny_network

from redwood_depth import engines
from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.commands import benchmark
from redwood_depth.commands.checks import gpu as gpu_check
from redwood_depth.engines.progress import Report
from redwood_depth.engines.tensorrt import backend, engine_preparation
from redwood_depth.engines.tensorrt.backend import Gpu
from redwood_depth.engines.tensorrt.cache import EngineCache, EngineKey
from redwood_depth.engines.tensorrt.roofline import NetworkCost, best_seconds, network_cost
from redwood_depth.errors import EngineError

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(benchmark, "_LONGEST_S", 0.2)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise EngineError("the NVIDIA driver is missing")

    for module in (gpu_check, benchmark, backend, engines):
        monkeypatch.setattr(module, "find_gpu", none)


@pytest.fixture
def gpu(tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> FakeTensorRT:
    """A GPU whose TensorRT runs the tiny bundle, and builds in no time."""
    trt = FakeTensorRT(tiny_bundle)

    def open_memory() -> FakeMemory:
        trt.memory = FakeMemory()
        return trt.memory

    library = SimpleNamespace(DESCRIPTION="fake memory 1.0", open_memory=open_memory, describe_gpu=lambda: ORIN)
    for module in (gpu_check, benchmark, backend, engines):
        monkeypatch.setattr(module, "find_gpu", lambda: Gpu(trt.api(), library, ORIN))
    monkeypatch.setattr(gpu_check, "find_tensorrt", trt.api)
    monkeypatch.setattr(gpu_check, "memory_library", lambda: library)
    monkeypatch.setattr(engine_preparation, "build_serialized", lambda *_: PLAN)
    monkeypatch.setattr(benchmark, "network_cost", lambda *_: NetworkCost(1e9, 4e6, 1e5))
    return trt


def test_what_is_missing_is_named_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(what: str) -> Any:
        def fail() -> None:
            raise EngineError(f"{what} is missing; install it")

        return fail

    monkeypatch.setattr(gpu_check, "find_tensorrt", missing("TensorRT"))
    monkeypatch.setattr(gpu_check, "memory_library", missing("cuda-python"))
    assert [line[:2] for line in gpu_check.check_gpu()] == [("note", "TensorRT"), ("note", "GPU memory")]
    library = SimpleNamespace(DESCRIPTION="cuda-python 13", describe_gpu=missing("the driver"))
    monkeypatch.setattr(gpu_check, "memory_library", lambda: library)
    assert list(gpu_check.check_gpu())[1:] == [
        ("ok", "GPU memory", "cuda-python 13"),
        ("note", "GPU", "the driver is missing; install it"),
    ]


@pytest.mark.usefixtures("no_gpu")
def test_engines_for_other_machines_are_listed(tiny_bundle: ModelBundle) -> None:
    cache = EngineCache(tiny_bundle.name)
    key = EngineKey(tiny_bundle.sha256, "TensorRT-RTX", "1.7.1", "any", "8.9", "fp16")
    with cache.lock(Report()):
        cache.store(key, PLAN)
    lines = list(gpu_check.check_engines(tiny_bundle))
    assert lines[0][1:] == ("engine cache", f"{cache.folder}: 1 engines, 0 MB")
    assert lines[1][:2] == ("note", "engine fp16")
    assert "TensorRT-RTX 1.7.1, compute capability 8.9" in lines[1][2]
    assert "not compared yet; opens on its GPU only" in lines[1][2]


def test_on_a_gpu_the_cached_engine_is_compared_anew(tiny_bundle: ModelBundle, gpu: FakeTensorRT) -> None:
    assert list(gpu_check.check_gpu())[2] == ("ok", "GPU", f"{ORIN}, its driver serves CUDA 12.6")
    assert "the node builds it when it starts" in list(gpu_check.check_engines(tiny_bundle))[1][2]
    backend.open_tensorrt(tiny_bundle, "fp32", Report()).close()
    state, what, detail = list(gpu_check.check_engines(tiny_bundle))[1]
    assert (state, what) == ("ok", "engine fp32")
    assert detail.startswith("engine compared with ONNX Runtime in float")
    right, gpu.network = gpu.network, lambda image: tuple(np.float32("nan") * output for output in tiny_network(image))
    state, what, detail = list(gpu_check.check_engines(tiny_bundle))[1]
    assert (state, what) == ("note", "engine fp32")
    assert "rejected" in detail
    gpu.network = right
    assert list(gpu_check.check_engines(tiny_bundle))[1][0] == "ok"


@pytest.mark.usefixtures("no_gpu")
def test_benchmark_times_the_steps_on_a_processor(tiny_bundle: ModelBundle, tmp_path: Path, capsys: Output) -> None:
    assert benchmark.main([str(tiny_bundle.folder), "--json", str(tmp_path / "times.json")]) == 0
    said = capsys.readouterr()
    assert "TensorRT is skipped: the NVIDIA driver is missing" in said.err
    (result,) = json.loads((tmp_path / "times.json").read_text())["backends"]
    assert result["backend"] == "onnxruntime"
    assert result["frames"] >= 20
    parts = result["preprocess_ms"] + result["run_ms"] + result["postprocess_ms"]
    assert 0 < parts < 2 * result["total_ms"]
    assert "frames/s, 1.0 x the slowest" in said.out


def test_benchmark_compares_backends_and_names_the_limit(
    tiny_bundle: ModelBundle, tmp_path: Path, capsys: Output, gpu: FakeTensorRT
) -> None:
    assert benchmark.main([str(tiny_bundle.folder), "--json", str(tmp_path / "times.json")]) == 0
    ort, tensorrt = json.loads((tmp_path / "times.json").read_text())["backends"]
    assert [ort["backend"], tensorrt["backend"]] == ["onnxruntime", "tensorrt"]
    assert {"copy_in_ms", "copy_out_ms", "share_of_best"} <= set(tensorrt)
    assert "share_of_best" not in ort
    assert "at best" in capsys.readouterr().out
    assert gpu.memory.is_clean


def test_the_limit_of_a_gpu() -> None:
    memory_s, cores_s = best_seconds(NetworkCost(2e9, 10e6, 1e6), ORIN, "fp16")
    assert memory_s == pytest.approx(21e6 / 102.4e9, rel=0.01)  # LPDDR5, 128 bits at 3.2 GHz
    assert cores_s == pytest.approx(2e9 / (8 * 918e6 * 2048))
    unknown = SimpleNamespace(**{**vars(ORIN), "compute_capability": (99, 0)})
    assert best_seconds(NetworkCost(2e9, 10e6, 1e6), unknown, "fp16")[1] is None  # type: ignore[arg-type]


def test_operations_are_counted_in_the_real_graph() -> None:
    cost = network_cost(installed_tensorrt_rtx(), (DEMO_BUNDLE / "model.onnx").read_bytes(), "demo")
    weight_bytes = (DEMO_BUNDLE / "model.onnx").stat().st_size
    assert 4 * cost.weights == pytest.approx(weight_bytes, rel=0.03)
    assert 0.45e9 < cost.operations < 0.50e9
    assert cost.inputs_and_outputs_bytes == 128 * 160 * (3 + 4) + 3 * 4
