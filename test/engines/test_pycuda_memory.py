"""pycuda behind DeviceMemory, through a stand-in: it does not build on a machine without a CUDA toolkit."""

import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tensorrt_doubles import use_all

from redwood_depth.engines.tensorrt import memory as device_memory
from redwood_depth.errors import EngineError


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
        return type("A", (), {"__int__": lambda _: 0x1000, "free": lambda _: self.calls.append("free")})()

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
    monkeypatch.delitem(sys.modules, "redwood_depth.engines.tensorrt.pycuda_memory", raising=False)
    yield driver
    sys.modules.pop("redwood_depth.engines.tensorrt.pycuda_memory", None)


def test_pycuda_comes_first_and_pushes_the_primary_context_once(pycuda: FakePycuda) -> None:
    library = device_memory.memory_library()
    assert library.DESCRIPTION == "pycuda 2024.1"
    assert str(library.describe_gpu()) == "Orin (compute capability 8.7, 8.0 GiB)"
    assert pycuda.calls == ["init"]
    memory = library.open_memory()
    stream = memory.make_stream()
    address, array = memory.allocate(24), memory.pinned((2, 3), np.float32)
    use_all(memory, stream, address, array)
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
