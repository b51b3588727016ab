"""Memory, streams and graphs of one GPU behind a small protocol, so that pycuda and cuda-python serve alike."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import DTypeLike, NDArray

from redwood_depth.errors import EngineError


@dataclass(frozen=True)
class GpuDevice:
    """What a GPU is: for the cache's key, for `doctor`, and for the limits that `benchmark` compares with."""

    name: str
    compute_capability: tuple[int, int]
    memory_bytes: int
    driver: str  # the newest CUDA that the driver serves, as "12.4"
    multiprocessors: int
    clock_khz: int
    memory_clock_khz: int
    memory_bus_bits: int

    def __str__(self) -> str:
        major, minor = self.compute_capability
        return f"{self.name} (compute capability {major}.{minor}, {self.memory_bytes / 2**30:.1f} GiB)"


class DeviceMemory(Protocol):
    """One GPU as the calling thread sees it. The thread that made it uses it and closes it.

    Addresses and streams are plain integers, as TensorRT wants them. Every method raises EngineError, with the
    remedy, where CUDA refuses.
    """

    description: str  # library and version
    has_graphs: bool

    def allocate(self, size_bytes: int) -> int: ...

    def free(self, address: int) -> None: ...

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A host array that the GPU can copy from and to without a detour; lives until `close`."""
        ...

    def make_stream(self) -> int: ...

    def destroy_stream(self, stream: int) -> None: ...

    def copy_to_device(self, address: int, array: NDArray[Any], stream: int) -> None: ...

    def copy_to_host(self, array: NDArray[Any], address: int, stream: int) -> None: ...

    def synchronize(self, stream: int) -> None: ...

    def record(self, work: Callable[[], None], stream: int) -> Any:
        """A CUDA graph of what `work` puts into the stream, ready to launch; only where `has_graphs`."""
        ...

    def launch(self, graph: Any, stream: int) -> None: ...

    def destroy_graph(self, graph: Any) -> None: ...

    def close(self) -> None: ...


REMEDY = "pip install cuda-python, or pycuda (which compiles against an installed CUDA toolkit)"
# Module of ours: what it needs installed. The first that is there is taken.
_LIBRARIES = {"pycuda_memory": "pycuda", "cuda_python_memory": "cuda"}


def memory_library() -> Any:
    """The module of ours that serves the installed library, with `describe_gpu()` and `open_memory()`; pycuda first.

    Raises:
        EngineError: neither pycuda nor cuda-python is installed, or they do not load.
    """
    problems = []
    for name, needed in _LIBRARIES.items():
        try:
            return importlib.import_module(f"redwood_depth.engines.tensorrt.{name}")
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] != needed:
                problems.append(f"{needed} does not load: {error}")
        except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: cuda-python without a driver library
            problems.append(f"{needed} does not load: {' '.join(str(error).split())}")
    found = "; ".join(problems) or "neither pycuda nor cuda-python is installed"
    raise EngineError(f"no access to GPU memory: {found}; {REMEDY}")
