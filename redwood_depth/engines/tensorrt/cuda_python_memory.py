"""DeviceMemory (see device_memory.py) with cuda-python's run-time API; it uses the device's primary context."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from cuda.bindings import __version__, runtime
from numpy.typing import DTypeLike, NDArray

from redwood_depth.engines.tensorrt.cuda_errors import cuda_error
from redwood_depth.engines.tensorrt.memory import GpuDevice

DESCRIPTION = f"cuda-python {__version__}"
_DEVICE = 0


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call CUDA; the result without its error code, which raises EngineError where it is not success."""
    code, *results = function(*arguments)
    if int(code) != 0:
        raise cuda_error(function.__name__, int(code), getattr(code, "name", ""))
    return results[0] if results else None


def describe_gpu() -> GpuDevice:
    """The first GPU. Makes no context, so that any thread may ask."""
    _call(runtime.cudaGetDeviceCount)
    properties = _call(runtime.cudaGetDeviceProperties, _DEVICE)
    driver = _call(runtime.cudaDriverGetVersion)

    def attribute(name: str) -> int:
        return int(
            _call(runtime.cudaDeviceGetAttribute, getattr(runtime.cudaDeviceAttr, f"cudaDevAttr{name}"), _DEVICE)
        )

    return GpuDevice(
        name=properties.name.decode(errors="replace").rstrip("\0"),
        compute_capability=(attribute("ComputeCapabilityMajor"), attribute("ComputeCapabilityMinor")),
        memory_bytes=int(properties.totalGlobalMem),
        driver=f"{driver // 1000}.{driver % 1000 // 10}",
        multiprocessors=attribute("MultiProcessorCount"),
        clock_khz=attribute("ClockRate"),
        memory_clock_khz=attribute("MemoryClockRate"),
        memory_bus_bits=attribute("GlobalMemoryBusWidth"),
    )


class CudaPythonMemory:
    """DeviceMemory on the calling thread."""

    description = DESCRIPTION
    has_graphs = True

    def __init__(self) -> None:
        self._pinned: list[int] = []
        _call(runtime.cudaSetDevice, _DEVICE)
        _call(runtime.cudaFree, 0)  # makes the primary context now, and its errors appear here

    def allocate(self, size_bytes: int) -> int:
        return int(_call(runtime.cudaMalloc, size_bytes))

    def free(self, address: int) -> None:
        _call(runtime.cudaFree, address)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        size_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        address = int(_call(runtime.cudaMallocHost, size_bytes))
        self._pinned.append(address)
        buffer: Any = (ctypes.c_uint8 * size_bytes).from_address(address)
        array: NDArray[Any] = np.frombuffer(buffer, np.dtype(dtype)).reshape(shape)
        return array

    def make_stream(self) -> int:
        return int(_call(runtime.cudaStreamCreateWithFlags, runtime.cudaStreamNonBlocking))

    def destroy_stream(self, stream: int) -> None:
        _call(runtime.cudaStreamDestroy, stream)

    def copy_to_device(self, address: int, array: NDArray[Any], stream: int) -> None:
        kind = runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        _call(runtime.cudaMemcpyAsync, address, array.ctypes.data, array.nbytes, kind, stream)

    def copy_to_host(self, array: NDArray[Any], address: int, stream: int) -> None:
        kind = runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        _call(runtime.cudaMemcpyAsync, array.ctypes.data, address, array.nbytes, kind, stream)

    def synchronize(self, stream: int) -> None:
        _call(runtime.cudaStreamSynchronize, stream)

    def record(self, work: Callable[[], None], stream: int) -> Any:
        mode = runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        _call(runtime.cudaStreamBeginCapture, stream, mode)
        try:
            work()
        except BaseException:
            runtime.cudaStreamEndCapture(stream)  # the stream must leave capture mode; its own error adds nothing
            raise
        graph = _call(runtime.cudaStreamEndCapture, stream)
        try:
            return _call(runtime.cudaGraphInstantiate, graph, 0)
        finally:
            _call(runtime.cudaGraphDestroy, graph)

    def launch(self, graph: Any, stream: int) -> None:
        _call(runtime.cudaGraphLaunch, graph, stream)

    def destroy_graph(self, graph: Any) -> None:
        _call(runtime.cudaGraphExecDestroy, graph)

    def close(self) -> None:
        while self._pinned:
            _call(runtime.cudaFreeHost, self._pinned.pop())


def open_memory() -> CudaPythonMemory:
    return CudaPythonMemory()
