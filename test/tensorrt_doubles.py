"""Stand-ins for TensorRT's run time and for GPU memory, at the one seam: they keep the order of calls, and can fail.

"Device memory" is a dictionary of arrays by address; a run computes the tiny bundle's known answers from it.
"""

import threading
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.harness.tiny_bundle import DEPTH_RANGE_M
from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.tensorrt.api import TensorRTApi
from redwood_depth.engines.tensorrt.cuda_errors import cuda_error
from redwood_depth.engines.tensorrt.memory import GpuDevice

Network = Callable[[np.ndarray[Any, Any]], tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]
ORIN = GpuDevice("Orin", (8, 7), 8 << 30, "12.6", 8, 918_000, 3_199_000, 128)
PLAN = b"a plan"


def tiny_network(image: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """What the tiny bundle answers: image (1, H, W, 3) -> depth (1, H, W), class scores (1, 3)."""
    low, high = DEPTH_RANGE_M
    depth = low + (high - low) * image.astype(np.float32).mean(3) / 255
    return depth.astype(np.float32), (image.mean((1, 2)) / (3 * 255)).astype(np.float32)


class FakeMemory:
    """DeviceMemory in host memory. `fail` maps the name of a call to the CUDA error code that it answers."""

    description = "fake memory 1.0"

    def __init__(self, has_graphs: bool = True, fail: dict[str, int] | None = None) -> None:
        self.has_graphs = has_graphs
        self.fail = fail or {}
        self.calls: list[str] = []
        self.threads: set[int] = set()
        self.device: dict[int, Any] = {}
        self.streams: set[int] = set()
        self.graphs: set[int] = set()
        self.works: dict[int, Callable[[], None]] = {}
        self.recording = False
        self.closed = 0

    def _note(self, name: str, stream: int | None = None) -> None:
        self.calls.append(name)
        self.threads.add(threading.get_ident())
        assert not self.closed, f"{name} after close"
        assert stream is None or stream in self.streams, f"{name} in a stream that is not ours"
        if name in self.fail:
            raise cuda_error(name, self.fail[name])

    def allocate(self, size_bytes: int) -> int:
        self._note("allocate")
        address = 0x1000 * (len(self.device) + 1)
        self.device[address] = np.zeros(size_bytes, np.uint8)
        return address

    def free(self, address: int) -> None:
        self._note("free")
        del self.device[address]

    def pinned(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        self._note("pinned")
        return np.zeros(shape, dtype)

    def make_stream(self) -> int:
        self._note("make_stream")
        self.streams.add(7)
        return 7

    def destroy_stream(self, stream: int) -> None:
        self._note("destroy_stream", stream)
        self.streams.remove(stream)

    def copy_to_device(self, address: int, array: np.ndarray[Any, Any], stream: int) -> None:
        self._note("copy_to_device", stream)
        if not self.recording:
            self.device[address][:] = array.reshape(-1).view(np.uint8)

    def copy_to_host(self, array: np.ndarray[Any, Any], address: int, stream: int) -> None:
        self._note("copy_to_host", stream)
        if not self.recording:
            array.reshape(-1).view(np.uint8)[:] = self.device[address]

    def synchronize(self, stream: int) -> None:
        self._note("synchronize", stream)

    def record(self, work: Callable[[], None], stream: int) -> int:
        self._note("record", stream)
        self.recording = True
        work()
        self.recording = False
        graph = len(self.works) + 1
        self.works[graph] = work
        self.graphs.add(graph)
        return graph

    def launch(self, graph: int, stream: int) -> None:
        self._note("launch", stream)
        self.works[graph]()

    def destroy_graph(self, graph: int) -> None:
        self._note("destroy_graph")
        self.graphs.remove(graph)

    def close(self) -> None:
        self.closed += 1

    @property
    def is_clean(self) -> bool:
        return self.closed == 1 and not (self.device or self.streams or self.graphs)


def use_all(memory: Any, stream: int, address: int, array: np.ndarray[Any, Any]) -> None:
    """A frame there and back, and everything given back; closing twice does no harm."""
    memory.copy_to_device(address, array, stream)
    memory.copy_to_host(array, address, stream)
    memory.synchronize(stream)
    memory.free(address)
    memory.destroy_stream(stream)
    memory.close()
    memory.close()


class FakeTensorRT:
    """The module `tensorrt`, as far as running an engine goes, and building a graph of one operation."""

    NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
    float32 = np.float32

    def __init__(self, bundle: ModelBundle, network: Network = tiny_network, memory: FakeMemory | None = None) -> None:
        self.memory = memory or FakeMemory()
        self.network = network
        self.logger = SimpleNamespace(complaints=deque())
        self.tensors = {
            "image": ((1, bundle.height, bundle.width, 3), np.uint8),
            "depth": ((1, bundle.height, bundle.width), np.float32),
            "class_scores": ((1, len(bundle.classes)), np.float32),
        }
        self.complaint = ""  # what deserialize_cuda_engine, or a run, logs as it fails
        self.runs = True
        self.alive = 0
        self.plans: list[bytes] = []
        self.trials = 0

    def api(self, flavor: str = "TensorRT", version: str = "10.3.0") -> TensorRTApi:
        return TensorRTApi(self, flavor, version, self.logger)

    def nptype(self, dtype: Any) -> Any:
        return dtype

    def Builder(self, logger: Any) -> "_Builder":
        assert logger is self.logger
        return _Builder(self)

    def Runtime(self, logger: Any) -> "_Runtime":
        assert logger is self.logger
        return _Runtime(self)


class _Alive:
    """Counts how many of TensorRT's objects live."""

    def __init__(self, module: FakeTensorRT) -> None:
        self.module = module
        module.alive += 1

    def __del__(self) -> None:
        self.module.alive -= 1


class _Builder(_Alive):
    def create_network(self, flags: int) -> Any:
        assert flags == 1 << self.module.NetworkDefinitionCreationFlag.STRONGLY_TYPED
        layer = SimpleNamespace(get_output=lambda index: "given")
        return SimpleNamespace(
            add_input=lambda *_: "given", add_identity=lambda _: layer, mark_output=lambda tensor: None
        )

    def create_builder_config(self) -> None:
        return None

    def build_serialized_network(self, network: Any, config: None) -> bytes:
        self.module.trials += 1
        return PLAN


class _Runtime(_Alive):
    def deserialize_cuda_engine(self, plan: bytes) -> "_Engine | None":
        self.module.plans.append(plan)
        if plan != PLAN or (self.module.complaint and self.module.runs):
            self.module.logger.complaints.append(
                self.module.complaint or "Serialization assertion failed\n in parsePlan"
            )
            return None
        return _Engine(self.module)


class _Engine(_Alive):
    @property
    def num_io_tensors(self) -> int:
        return len(self.module.tensors)

    def get_tensor_name(self, index: int) -> str:
        return list(self.module.tensors)[index]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.module.tensors[name][0]

    def get_tensor_dtype(self, name: str) -> Any:
        return self.module.tensors[name][1]

    def create_execution_context(self) -> "_Context":
        return _Context(self.module)


class _Context(_Alive):
    def __init__(self, module: FakeTensorRT) -> None:
        super().__init__(module)
        self.addresses: dict[str, int] = {}

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return address in self.module.memory.device

    def execute_async_v3(self, stream: int) -> bool:
        memory = self.module.memory
        memory.calls.append("execute")
        memory.threads.add(threading.get_ident())
        assert stream in memory.streams
        if not self.module.runs:
            self.module.logger.complaints.append(self.module.complaint)
            return False
        if memory.recording:
            return True
        shape, dtype = self.module.tensors["image"]
        image = memory.device[self.addresses["image"]].view(dtype).reshape(shape)
        for name, output in zip(("depth", "class_scores"), self.module.network(image), strict=True):
            memory.device[self.addresses[name]][:] = np.ascontiguousarray(output).reshape(-1).view(np.uint8)
        return True
