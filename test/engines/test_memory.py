"""cuda-python behind DeviceMemory: real errors without a driver, and every call through a stand-in."""

import enum
import importlib
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorrt_doubles import use_all

from redwood_depth.engines.tensorrt import memory as device_memory
from redwood_depth.engines.tensorrt.cuda_errors import cuda_error, remedy_in
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
    library = pytest.importorskip("redwood_depth.engines.tensorrt.cuda_python_memory", reason="needs cuda-python")
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
    library = pytest.importorskip("redwood_depth.engines.tensorrt.cuda_python_memory", reason="needs cuda-python")
    memory = object.__new__(library.CudaPythonMemory)
    with pytest.raises(EngineError, match=r"^cuda\w+: CUDA error \d+ \(cudaError\w+\): "):
        getattr(memory, name)(*arguments)


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU here")
def test_without_a_gpu_tensorrt_is_not_even_loaded() -> None:
    program = (
        "import sys; from redwood_depth.engines import choose_backend; choice = choose_backend('auto'); "
        "print(choice.backend, choice.reason, *sys.modules)"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.startswith("onnxruntime auto: no TensorRT here: ")
    assert "tensorrt_rtx_bindings" not in output.split()


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
    library = pytest.importorskip("redwood_depth.engines.tensorrt.cuda_python_memory", reason="needs cuda-python")
    answers = Answers()
    monkeypatch.setattr(library, "runtime", answers)
    return answers


def test_cuda_python_describes_the_gpu_without_a_context(answers: Answers) -> None:
    library = importlib.import_module("redwood_depth.engines.tensorrt.cuda_python_memory")
    device = library.describe_gpu()
    assert str(device) == "Orin (compute capability 75.76, 8.0 GiB)"
    assert (device.driver, device.clock_khz, device.memory_bus_bits) == ("12.6", 13, 37)
    assert not {"cudaSetDevice", "cudaFree"} & set(answers.names())


def test_cuda_python_copies_in_our_stream_and_frees(answers: Answers) -> None:
    library = importlib.import_module("redwood_depth.engines.tensorrt.cuda_python_memory")
    memory = library.open_memory()
    stream = memory.make_stream()
    address, array = memory.allocate(24), memory.pinned((2, 3), np.float32)
    array[:] = 1.5
    assert array.ctypes.data == answers.pages[0].ctypes.data
    use_all(memory, stream, address, array)
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
    memory = importlib.import_module("redwood_depth.engines.tensorrt.cuda_python_memory").open_memory()
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


def test_without_either_library_both_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pycuda", "cuda", "cuda.bindings"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("pycuda_memory", "cuda_python_memory"):
        monkeypatch.delitem(sys.modules, f"redwood_depth.engines.tensorrt.{name}", raising=False)
    with pytest.raises(EngineError, match="neither pycuda nor cuda-python is installed; pip install cuda-python"):
        device_memory.memory_library()
