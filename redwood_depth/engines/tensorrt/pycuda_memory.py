"""DeviceMemory (see device_memory.py) with pycuda: the primary context, pushed once on the thread that opens it."""

import re
from collections.abc import Callable
from typing import Any

import pycuda
import pycuda.driver as driver
from numpy.typing import DTypeLike, NDArray

from redwood_depth.engines.tensorrt.cuda_errors import cuda_error
from redwood_depth.engines.tensorrt.memory import GpuDevice
from redwood_depth.errors import EngineError

DESCRIPTION = f"pycuda {pycuda.VERSION_TEXT}"
_DEVICE = 0
_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: no synchronization with the default stream
# pycuda tells no codes, only the messages of cuGetErrorString; these are those that have a remedy of their own.
_CODES = {"out of memory": 2, "no cuda-capable device": 100, "driver version is insufficient": 35, "not initialized": 3}
_CODES |= {"invalid device context": 201, "illegal memory access": 700, "launch failure": 719, "unknown error": 999}
_CODES |= {"system not yet initialized": 802, "system has unsupported display driver": 803}


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call pycuda; its errors become EngineError with the remedy."""
    try:
        return function(*arguments)
    except driver.Error as error:
        message = " ".join(str(error).split())
        code = next((code for words, code in _CODES.items() if words in message.lower()), None)
        if code is None:
            raise EngineError(f"pycuda: {message}") from error
        raise cuda_error(re.split(r" failed|:", message)[0], code) from error


def describe_gpu() -> GpuDevice:
    """The first GPU. Makes no context, so that any thread may ask."""
    _call(driver.init)
    device = _call(driver.Device, _DEVICE)
    version = driver.get_driver_version()
    attributes = driver.device_attribute

    def attribute(name: str) -> int:
        return int(_call(device.get_attribute, getattr(attributes, name)))

    return GpuDevice(
        name=device.name(),
        compute_capability=device.compute_capability(),
        memory_bytes=device.total_memory(),
        driver=f"{version // 1000}.{version % 1000 // 10}",
        multiprocessors=attribute("MULTIPROCESSOR_COUNT"),
        clock_khz=attribute("CLOCK_RATE"),
        memory_clock_khz=attribute("MEMORY_CLOCK_RATE"),
        memory_bus_bits=attribute("GLOBAL_MEMORY_BUS_WIDTH"),
    )


class PycudaMemory:
    """DeviceMemory on the calling thread; pycuda's objects are kept here, by the integers that stand for them."""

    description = DESCRIPTION
    has_graphs = False  # pycuda does not wrap stream capture

    def __init__(self) -> None:
        _call(driver.init)
        self._context = _call(_call(driver.Device, _DEVICE).retain_primary_context)
        _call(self._context.push)
        self._allocations: dict[int, Any] = {}
        self._streams: dict[int, Any] = {}
        self._pinned: list[NDArray[Any]] = []

    def allocate(self, size_bytes: int) -> int:
        allocation = _call(driver.mem_alloc, size_bytes)
        self._allocations[int(allocation)] = allocation
        return int(allocation)

    def free(self, address: int) -> None:
        _call(self._allocations.pop(address).free)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        array: NDArray[Any] = _call(driver.pagelocked_empty, shape, dtype)
        self._pinned.append(array)
        return array

    def make_stream(self) -> int:
        stream = _call(driver.Stream, _NON_BLOCKING)
        self._streams[int(stream.handle)] = stream
        return int(stream.handle)

    def destroy_stream(self, stream: int) -> None:
        del self._streams[stream]

    def copy_to_device(self, address: int, array: NDArray[Any], stream: int) -> None:
        _call(driver.memcpy_htod_async, address, array, self._streams[stream])

    def copy_to_host(self, array: NDArray[Any], address: int, stream: int) -> None:
        _call(driver.memcpy_dtoh_async, array, address, self._streams[stream])

    def synchronize(self, stream: int) -> None:
        _call(self._streams[stream].synchronize)

    def record(self, work: Callable[[], None], stream: int) -> Any:
        raise EngineError("pycuda has no CUDA graphs")

    def launch(self, graph: Any, stream: int) -> None:
        raise EngineError("pycuda has no CUDA graphs")

    def destroy_graph(self, graph: Any) -> None:
        raise EngineError("pycuda has no CUDA graphs")

    def close(self) -> None:
        """Free the pinned arrays while the context is there, then take it off this thread."""
        while self._pinned:
            allocation: Any = self._pinned.pop().base
            _call(allocation.free)
        if self._context is not None:
            _call(self._context.pop)
            _call(self._context.detach)
            self._context = None


def open_memory() -> PycudaMemory:
    return PycudaMemory()
