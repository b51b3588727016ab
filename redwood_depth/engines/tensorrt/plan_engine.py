"""The TensorRT engine: one deserialized plan, its buffers and its stream, on the thread that opened it."""

import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.engine import EngineDescription
from redwood_depth.engines.progress import Report
from redwood_depth.engines.tensorrt.api import TensorRTApi, explain
from redwood_depth.engines.tensorrt.cuda_errors import remedy_in
from redwood_depth.engines.tensorrt.memory import DeviceMemory
from redwood_depth.errors import EngineError

if TYPE_CHECKING:
    import tensorrt as trt

_INPUT, _OUTPUTS = "image", ("depth", "class_scores")


class PlanRefused(EngineError):
    """TensorRT does not take a serialized engine: another version or GPU, or damage. Building anew helps."""


class TensorRTEngine:
    """Engine (see engine.py) on TensorRT.

    Copies and run go into one stream of our own, from and to pinned arrays that are made once; where the memory library
    has CUDA graphs, a frame is one launch of all of it. Nothing is overlapped: with one frame at a time each step
    needs the one before, and the host has nothing to do but wait.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        plan: bytes,
        description: EngineDescription,
        api: TensorRTApi,
        memory: DeviceMemory,
        report: Report,
    ) -> None:
        """Takes `memory` over and closes it, also where opening fails.

        Raises:
            PlanRefused: `plan` was built for something else.
            EngineError: the plan is not of this bundle, or the GPU has not the memory.
        """
        self.description = description
        self._api, self._memory, self._report = api, memory, report
        self._shapes: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {
            _INPUT: ((1, bundle.height, bundle.width, 3), np.dtype(np.uint8)),
            "depth": ((1, bundle.height, bundle.width), np.dtype(np.float32)),
            "class_scores": ((1, len(bundle.classes)), np.dtype(np.float32)),
        }
        self._thread = threading.get_ident()
        self._graph: Any = None
        self._open = True
        self._resources = ExitStack()
        self._resources.callback(memory.close)
        try:
            self._load(plan)
            self._make_buffers()
            self._warm_up()
        except BaseException:
            self.close()
            raise

    def _load(self, plan: bytes) -> None:
        self._resources.callback(self._unload)
        self._context: trt.IExecutionContext | None = None
        self._engine: trt.ICudaEngine | None = None
        self._runtime: trt.Runtime | None = None
        with self._api.complaints() as complaints:
            try:
                runtime: trt.Runtime = self._api.module.Runtime(self._api.logger)
            except TypeError as error:  # what its bindings make of a null pointer, as with a driver that is too old
                raise EngineError(_with_remedy(f"{self._api} does not start", explain(complaints))) from error
            self._runtime = runtime
            engine = self._engine = runtime.deserialize_cuda_engine(plan)
            if engine is None:
                raise _refusal(f"{self._api} does not take the engine", explain(complaints))
            self._check_tensors(engine)
            self._context = engine.create_execution_context()
            if self._context is None:
                raise EngineError(_with_remedy(f"{self._api} cannot run the engine", explain(complaints)))

    def _check_tensors(self, engine: "trt.ICudaEngine") -> None:
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        found = {name: (_shape(engine, name), _dtype(self._api, engine, name)) for name in names}
        if found != self._shapes:
            raise PlanRefused(f"the engine has the tensors {found}, but the bundle describes {self._shapes}")

    def _make_buffers(self) -> None:
        memory = self._memory
        self._stream = memory.make_stream()
        self._resources.callback(memory.destroy_stream, self._stream)
        self._host: dict[str, NDArray[Any]] = {}
        self._device: dict[str, int] = {}
        for name, (shape, dtype) in self._shapes.items():
            self._host[name] = memory.pinned(shape, dtype)
            self._device[name] = address = memory.allocate(self._host[name].nbytes)
            self._resources.callback(memory.free, address)
            if self._context is None or not self._context.set_tensor_address(name, address):
                raise EngineError(f"{self._api} refused the buffer of {name}")

    def _warm_up(self) -> None:
        """The first run is slow, and must be over before a graph is recorded: TensorRT allocates in it."""
        self._host[_INPUT].fill(0)
        self._enqueue()
        self._memory.synchronize(self._stream)
        if not self._memory.has_graphs:
            return
        try:
            self._graph = self._memory.record(self._enqueue, self._stream)
        except EngineError as error:  # some layers cannot be recorded: the engine runs without
            self._report.say(f"no CUDA graph for this engine: {error}")
            self._memory.synchronize(self._stream)
        else:
            self._resources.callback(self._memory.destroy_graph, self._graph)
            self.description = replace(self.description, versions=f"{self.description.versions}, CUDA graph")

    def infer(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self._check(image)
        np.copyto(self._host[_INPUT][0], image)
        if self._graph is not None:
            self._memory.launch(self._graph, self._stream)
        else:
            self._enqueue()
        self._memory.synchronize(self._stream)
        return self._host["depth"][0], self._host["class_scores"][0]

    def stage_seconds(self, image: NDArray[np.uint8]) -> dict[str, float]:
        """One frame step by step, waiting after each: how long copying in, running, copying out took, in s."""
        self._check(image)
        np.copyto(self._host[_INPUT][0], image)
        seconds = {}
        for name, step in (("copy_in", self._copy_in), ("run", self._execute), ("copy_out", self._copy_out)):
            started_s = time.perf_counter()
            step()
            self._memory.synchronize(self._stream)
            seconds[name] = time.perf_counter() - started_s
        return seconds

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        try:
            self._resources.close()
        except EngineError as error:  # after a fault the context is lost, and giving back fails as well
            self._report.warn(f"closing the TensorRT engine: {error}")

    def _unload(self) -> None:
        self._context = None
        self._engine = None
        self._runtime = None

    def _check(self, image: NDArray[np.uint8]) -> None:
        if not self._open:
            raise EngineError("the engine is closed")
        if threading.get_ident() != self._thread:
            raise EngineError("a TensorRT engine is used by the thread that opened it: CUDA contexts belong to threads")
        shape = self._shapes[_INPUT][0][1:]
        if image.shape != shape or image.dtype != np.uint8:
            raise EngineError(f"the model takes uint8 {shape}, not {image.dtype} {image.shape}")

    def _enqueue(self) -> None:
        self._copy_in()
        self._execute()
        self._copy_out()

    def _copy_in(self) -> None:
        self._memory.copy_to_device(self._device[_INPUT], self._host[_INPUT], self._stream)

    def _execute(self) -> None:
        with self._api.complaints() as complaints:
            if self._context is None or not self._context.execute_async_v3(self._stream):
                raise EngineError(_with_remedy(f"{self._api} failed to run", explain(complaints)))

    def _copy_out(self) -> None:
        for name in _OUTPUTS:
            self._memory.copy_to_host(self._host[name], self._device[name], self._stream)


def _shape(engine: "trt.ICudaEngine", name: str) -> tuple[int, ...]:
    shape: Any = engine.get_tensor_shape(name)  # a Dims, which can be iterated over
    return tuple(shape)


def _dtype(api: TensorRTApi, engine: "trt.ICudaEngine", name: str) -> np.dtype[Any]:
    dtype: np.dtype[Any] = np.dtype(api.module.nptype(engine.get_tensor_dtype(name)))
    return dtype


def _refusal(what: str, reason: str) -> EngineError:
    """PlanRefused, unless the reason is the machine's: then another build would not help."""
    message = _with_remedy(what, reason)
    return EngineError(message) if remedy_in(reason) or "memory" in reason.lower() else PlanRefused(message)


def _with_remedy(what: str, reason: str) -> str:
    remedy = remedy_in(reason)
    return f"{what}: {reason}{f': {remedy}' if remedy else ''}"
