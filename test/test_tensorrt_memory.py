"""cuda-python and pycuda behind DeviceMemory: real errors without a driver, and every call through stand-ins."""

import enum
import importlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redwood_depth.engines import device_memory
from redwood_depth.engines.cuda_errors import cuda_error, remedy_in
from redwood_depth.errors import EngineError

NO_GPU = not any(Path(device).exists() for device in ("/dev/nvidia0", "/dev/nvhost-gpu", "/dev/dxg"))


def test_codes_come_with_a_remedy() -> None:
    assert str(cuda_error("cudaMalloc", 2, "cudaErrorMemoryAllocation")).startswith(
        "cudaMalloc: CUDA error 2 (cudaErrorMemoryAllocation): out of GPU memory: end other programs"
    )
    assert "list of CUDA error codes" in str(cuda_error("cudaMalloc", 12345))
    assert "upgrade the driver" in remedy_in("In getCurrentCC (cudaError 35: CUDA driver version is insufficient)")
    assert remedy_in("Serialization assertion failed") == ""


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU here")
def test_cuda_python_itself_says_that_there_is_no_driver() -> None:
    library = pytest.importorskip("redwood_depth.engines.cuda_python_memory", reason="needs cuda-python")
    for call in (library.describe_gpu, library.open_memory):
        with pytest.raises(EngineError, match=r"CUDA error (35|100|3) \(cudaError\w+\): ") as failure:
            call()
        assert "\n" not in str(failure.value)


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU here")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("allocate", (4,)),
        ("free", (4096,)),
        ("pinned", ((2, 3), np.float32)),
        ("make_stream", ()),
        ("destroy_stream", (5,)),
        ("copy_to_device", (4096, np.zeros(4, np.float32), 5)),
        ("copy_to_host", (np.zeros(4, np.float32), 4096, 5)),
        ("synchronize", (5,)),
        ("record", (lambda: None, 5)),
        ("launch", (7, 5)),
        ("destroy_graph", (7,)),
    ],
)
def test_cuda_python_takes_our_arguments(name: str, arguments: tuple[Any, ...]) -> None:
    """Without a driver every call of the real library gets as far as CUDA's own answer, not a TypeError."""
    library = pytest.importorskip("redwood_depth.engines.cuda_python_memory", reason="needs cuda-python")
    memory = object.__new__(library.CudaPythonMemory)
    with pytest.raises(EngineError, match=r"^cuda\w+: CUDA error \d+ \(cudaError\w+\): "):
        getattr(memory, name)(*arguments)


def test_cuda_python_knows_the_names_that_we_use() -> None:
    runtime = pytest.importorskip("cuda.bindings.runtime", reason="needs cuda-python")
    for group in ("cudaDeviceAttr", "cudaMemcpyKind", "cudaStreamCaptureMode"):
        for member in getattr(Answers, group):
            assert getattr(getattr(runtime, group), member.name) == member.value
    assert runtime.cudaStreamNonBlocking == Answers.cudaStreamNonBlocking
    assert {"name", "totalGlobalMem"} <= set(dir(runtime.cudaDeviceProp))


class Answers:
    """The module cuda.bindings.runtime: every call answers success, or the code in `fail`."""

    cudaStreamNonBlocking = 1

    class cudaMemcpyKind(enum.IntEnum):
        cudaMemcpyHostToDevice = 1
        cudaMemcpyDeviceToHost = 2

    class cudaStreamCaptureMode(enum.IntEnum):
        cudaStreamCaptureModeThreadLocal = 1

    class cudaDeviceAttr(enum.IntEnum):
        cudaDevAttrClockRate = 13
        cudaDevAttrMultiProcessorCount = 16
        cudaDevAttrMemoryClockRate = 36
        cudaDevAttrGlobalMemoryBusWidth = 37
        cudaDevAttrComputeCapabilityMajor = 75
        cudaDevAttrComputeCapabilityMinor = 76

    def __init__(self) -> None:
        self.fail: dict[str, int] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.pages: list[np.ndarray[Any, Any]] = []

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("cuda"):
            raise AttributeError(name)

        def call(*arguments: Any) -> tuple[Any, ...]:
            self.calls.append((name, *arguments))
            return self.fail.get(name, 0), self._result(name, arguments)

        call.__name__ = name
        return call

    def _result(self, name: str, arguments: tuple[Any, ...]) -> Any:
        if name == "cudaMallocHost":
            self.pages.append(np.zeros(arguments[0], np.uint8))
            return self.pages[-1].ctypes.data
        if name == "cudaGetDeviceProperties":
            return types.SimpleNamespace(name=b"Orin\0", totalGlobalMem=8 << 30)
        if name == "cudaDeviceGetAttribute":
            return int(arguments[0])
        return {"cudaDriverGetVersion": 12060, "cudaMalloc": 0x1000, "cudaStreamCreateWithFlags": 5}.get(name, 9)

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    library = pytest.importorskip("redwood_depth.engines.cuda_python_memory", reason="needs cuda-python")
    answers = Answers()
    monkeypatch.setattr(library, "runtime", answers)
    return answers


def test_cuda_python_describes_the_gpu_without_a_context(answers: Answers) -> None:
    library = importlib.import_module("redwood_depth.engines.cuda_python_memory")
    device = library.describe_gpu()
    assert str(device) == "Orin (compute capability 75.76, 8.0 GiB)"
    assert (device.driver, device.clock_khz, device.memory_bus_bits) == ("12.6", 13, 37)
    assert not {"cudaSetDevice", "cudaFree"} & set(answers.names())


def test_cuda_python_copies_in_our_stream_and_frees(answers: Answers) -> None:
    library = importlib.import_module("redwood_depth.engines.cuda_python_memory")
    memory = library.open_memory()
    stream = memory.make_stream()
    address, array = memory.allocate(24), memory.pinned((2, 3), np.float32)
    array[:] = 1.5
    assert array.ctypes.data == answers.pages[0].ctypes.data
    memory.copy_to_device(address, array, stream)
    memory.copy_to_host(array, address, stream)
    memory.synchronize(stream)
    memory.free(address)
    memory.destroy_stream(stream)
    memory.close()
    memory.close()
    assert answers.calls == [
        ("cudaSetDevice", 0),
        ("cudaFree", 0),
        ("cudaStreamCreateWithFlags", 1),
        ("cudaMalloc", 24),
        ("cudaMallocHost", 24),
        ("cudaMemcpyAsync", 0x1000, array.ctypes.data, 24, 1, 5),
        ("cudaMemcpyAsync", array.ctypes.data, 0x1000, 24, 2, 5),
        ("cudaStreamSynchronize", 5),
        ("cudaFree", 0x1000),
        ("cudaStreamDestroy", 5),
        ("cudaFreeHost", array.ctypes.data),
    ]


def test_cuda_python_records_and_launches_a_graph(answers: Answers) -> None:
    memory = importlib.import_module("redwood_depth.engines.cuda_python_memory").open_memory()
    answers.calls.clear()
    graph = memory.record(lambda: answers.calls.append(("work",)), 5)
    memory.launch(graph, 5)
    memory.destroy_graph(graph)
    assert answers.names() == [
        *("cudaStreamBeginCapture", "work", "cudaStreamEndCapture", "cudaGraphInstantiate", "cudaGraphDestroy"),
        *("cudaGraphLaunch", "cudaGraphExecDestroy"),
    ]
    answers.calls.clear()

    def failing() -> None:
        raise EngineError("the work failed")

    with pytest.raises(EngineError, match="the work failed"):
        memory.record(failing, 5)
    assert answers.names() == ["cudaStreamBeginCapture", "cudaStreamEndCapture"]
    answers.fail["cudaGraphInstantiate"] = 901
    with pytest.raises(EngineError, match="cudaGraphInstantiate: CUDA error 901"):
        memory.record(lambda: None, 5)
    assert answers.names()[-1] == "cudaGraphDestroy"


class FakePycuda(types.ModuleType):
    """pycuda.driver, as far as we call it."""

    class Error(Exception):
        pass

    class MemoryError(Error):
        pass

    device_attribute = types.SimpleNamespace(
        MULTIPROCESSOR_COUNT=8, CLOCK_RATE=918_000, MEMORY_CLOCK_RATE=3_199_000, GLOBAL_MEMORY_BUS_WIDTH=128
    )

    def __init__(self) -> None:
        super().__init__("pycuda.driver")
        self.calls: list[str] = []
        self.problem: Exception | None = None

    def init(self) -> None:
        self.calls.append("init")

    def get_driver_version(self) -> int:
        return 12060

    def Device(self, index: int) -> Any:
        context = types.SimpleNamespace(
            push=lambda: self.calls.append("push"),
            pop=lambda: self.calls.append("pop"),
            detach=lambda: self.calls.append("detach"),
        )
        return types.SimpleNamespace(
            name=lambda: "Orin",
            compute_capability=lambda: (8, 7),
            total_memory=lambda: 8 << 30,
            get_attribute=lambda attribute: attribute,
            retain_primary_context=lambda: self.calls.append("retain") or context,
        )

    def mem_alloc(self, size: int) -> Any:
        if self.problem:
            raise self.problem
        allocation = type("Allocation", (), {"__int__": lambda _: 0x1000, "free": lambda _: self.calls.append("free")})
        return allocation()

    def pagelocked_empty(self, shape: Any, dtype: Any) -> Any:
        class Pinned(np.ndarray):  # type: ignore[type-arg]
            base = types.SimpleNamespace(free=lambda: self.calls.append("free pinned"))

        return np.zeros(shape, dtype).view(Pinned)

    def Stream(self, flags: int) -> Any:
        self.calls.append(f"stream {flags}")
        return types.SimpleNamespace(handle=5, synchronize=lambda: self.calls.append("synchronize"))

    def memcpy_htod_async(self, address: int, array: Any, stream: Any) -> None:
        self.calls.append(f"in {address:#x} {stream.handle}")

    def memcpy_dtoh_async(self, array: Any, address: int, stream: Any) -> None:
        self.calls.append(f"out {address:#x} {stream.handle}")


@pytest.fixture
def pycuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePycuda]:
    driver, package = FakePycuda(), types.ModuleType("pycuda")
    package.VERSION_TEXT, package.driver = "2024.1", driver  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pycuda", package)
    monkeypatch.setitem(sys.modules, "pycuda.driver", driver)
    monkeypatch.delitem(sys.modules, "redwood_depth.engines.pycuda_memory", raising=False)
    yield driver
    sys.modules.pop("redwood_depth.engines.pycuda_memory", None)


def test_pycuda_comes_first_and_pushes_the_primary_context_once(pycuda: FakePycuda) -> None:
    library = device_memory.memory_library()
    assert library.DESCRIPTION == "pycuda 2024.1"
    assert str(library.describe_gpu()) == "Orin (compute capability 8.7, 8.0 GiB)"
    assert pycuda.calls == ["init"]
    memory = library.open_memory()
    stream = memory.make_stream()
    address, array = memory.allocate(24), memory.pinned((2, 3), np.float32)
    memory.copy_to_device(address, array, stream)
    memory.copy_to_host(array, address, stream)
    memory.synchronize(stream)
    memory.free(address)
    memory.destroy_stream(stream)
    memory.close()
    memory.close()
    copies = ["in 0x1000 5", "out 0x1000 5", "synchronize"]
    expected = ["init", "init", "retain", "push", "stream 1", *copies, "free", "free pinned", "pop", "detach"]
    assert pycuda.calls == expected
    assert not memory.has_graphs


def test_pycudas_messages_get_their_codes_back(pycuda: FakePycuda) -> None:
    memory = device_memory.memory_library().open_memory()
    pycuda.problem = pycuda.MemoryError("cuMemAlloc failed: out of memory")
    with pytest.raises(EngineError, match="cuMemAlloc: CUDA error 2: out of GPU memory: end other"):
        memory.allocate(24)
    pycuda.problem = pycuda.Error("cuMemAlloc failed: something\nnew")
    with pytest.raises(EngineError, match="pycuda: cuMemAlloc failed: something new"):
        memory.allocate(24)


def test_without_either_library_both_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pycuda", "cuda", "cuda.bindings"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("pycuda_memory", "cuda_python_memory"):
        monkeypatch.delitem(sys.modules, f"redwood_depth.engines.{name}", raising=False)
    with pytest.raises(EngineError, match="neither pycuda nor cuda-python is installed; pip install cuda-python"):
        device_memory.memory_library()
