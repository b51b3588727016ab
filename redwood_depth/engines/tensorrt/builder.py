"""From an ONNX graph to a serialized TensorRT engine."""

import re
import signal
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redwood_depth.engines.progress import Report, said_regularly
from redwood_depth.engines.tensorrt.api import TensorRTApi, explain
from redwood_depth.engines.tensorrt.cuda_errors import remedy_in
from redwood_depth.errors import EngineError

if TYPE_CHECKING:
    import tensorrt as trt

WORKSPACE_BYTES = 1 << 30  # scratch memory that a layer may ask for; TensorRT's default is all of a Jetson's memory
OUTPUTS = ("depth", "class_scores")
_CAPABILITY = re.compile(r"(\d{1,2})\.(\d)")


@dataclass(frozen=True)
class Target:
    """What an engine is built for. `gpu` is ANY_GPU where the engine fits each GPU of the compute capability."""

    gpu: str
    compute_capability: tuple[int, int]

    @property
    def capability_text(self) -> str:
        return "{}.{}".format(*self.compute_capability)


ANY_GPU = "any GPU of it"


def parse_capability(text: str) -> tuple[int, int]:
    """(major, minor) of "8.9". Raises EngineError."""
    match = _CAPABILITY.fullmatch(text)
    if not match:
        raise EngineError(f"a compute capability is written as 8.9, not {text!r}")
    return int(match[1]), int(match[2])


def known_capabilities(api: TensorRTApi) -> tuple[str, ...]:
    """Compute capabilities that this TensorRT can build for without a GPU, as "8.9"."""
    names = [name for name in dir(getattr(api.module, "ComputeCapability", None)) if re.fullmatch(r"SM\d+", name)]
    return tuple(f"{name[2:-1]}.{name[-1]}" for name in sorted(names, key=lambda name: int(name[2:])))


def build_serialized(
    api: TensorRTApi, model: bytes, name: str, target: Target, timing_cache: Path | None, report: Report
) -> bytes:
    """Build an engine; the precision is that of the graph.

    Args:
        model: content of model.onnx, with weights.
        name: how messages call it.
        target: the machine's GPU, or for TensorRT-RTX any compute capability that it knows.
        timing_cache: file that speeds the next build up; None: no such file.

    Raises:
        EngineError: the graph is refused (node and operator are named), or the build fails.
    """
    monitor = make_monitor(api.module, report)
    with api.complaints() as complaints, said_regularly(report, lambda: f"building {name}: {monitor.phase()}"):
        builder = make_builder(api, name, complaints)
        network = _parse(api, builder, model, name)
        config: trt.IBuilderConfig = builder.create_builder_config()
        config.set_memory_pool_limit(api.module.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
        config.progress_monitor = monitor
        _aim(api, config, target)
        if timing_cache and not api.is_rtx:  # TensorRT-RTX times nothing while it builds
            _load_timing_cache(config, timing_cache, report)
        with _ctrl_c_ends(monitor):
            plan: trt.IHostMemory | None = builder.build_serialized_network(network, config)
        if plan is None and report.cancelled():
            raise EngineError(f"building {name} was stopped")
        if plan is None:
            raise _build_error(api, name, explain(complaints))
        if timing_cache and not api.is_rtx:
            _save_timing_cache(config, timing_cache, report)
        return bytes(plan)


def parse_network(api: TensorRTApi, model: bytes, name: str) -> Any:
    """The network (trt.INetworkDefinition) of a graph, for looking at. Raises EngineError where it is refused."""
    with api.complaints() as complaints:
        return _parse(api, make_builder(api, name, complaints), model, name)


def make_builder(api: TensorRTApi, name: str, complaints: deque[str]) -> "trt.Builder":
    """Raises EngineError where TensorRT does not start, with what it complained of."""
    try:
        builder: trt.Builder = api.module.Builder(api.logger)
    except TypeError as error:  # what its bindings make of a null pointer, as with a driver that is too old
        raise _build_error(api, name, explain(complaints)) from error
    return builder


def empty_network(api: TensorRTApi, builder: "trt.Builder") -> "trt.INetworkDefinition":
    """A strongly typed one: the precision is that of its tensors."""
    flag = getattr(api.module.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)  # 11 knows nothing else
    return builder.create_network(0 if flag is None else 1 << int(flag))


def _parse(api: TensorRTApi, builder: "trt.Builder", model: bytes, name: str) -> "trt.INetworkDefinition":
    network = empty_network(api, builder)
    parser: trt.OnnxParser = api.module.OnnxParser(network, api.logger)
    if not parser.parse(model):
        errors = [_parser_error(parser.get_error(index)) for index in range(parser.num_errors)]
        raise EngineError(f"{api} cannot read {name}: {'; '.join(errors) or 'no reason given'}")
    outputs = {network.get_output(index).name for index in range(network.num_outputs)}
    if outputs != set(OUTPUTS):  # what is not an ONNX file at all passes for an empty network
        raise EngineError(f"{name} is not a network with the outputs {' and '.join(OUTPUTS)}, it has {sorted(outputs)}")
    return network


def _parser_error(error: "trt.ParserError") -> str:
    """One error of the parser: node, operator, and the first line of what is wrong with it."""
    lines = [line.strip() for line in error.desc().splitlines() if "cudaError" not in line]
    reason = " ".join(line for line in lines if line)[:400] or str(error.code())
    node = error.node_name() or (f"number {error.node()}" if error.node() >= 0 else "")
    return f"node {node} ({error.node_operator()}): {reason}" if node else reason


def check_target(api: TensorRTApi, target: Target) -> None:
    """Raise EngineError where this TensorRT cannot build for GPUs of a compute capability."""
    if target.gpu == ANY_GPU and target.capability_text not in known_capabilities(api):
        known = ", ".join(known_capabilities(api)) or "none: only TensorRT-RTX builds for GPUs that are not here"
        raise EngineError(f"{api} cannot build for compute capability {target.capability_text}; it knows {known}")


def _aim(api: TensorRTApi, config: Any, target: Target) -> None:
    """Set the compute capability where the engine shall fit each GPU of it; else TensorRT takes the GPU here."""
    if target.gpu == ANY_GPU:
        name = "SM{}{}".format(*target.compute_capability)
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(api.module.ComputeCapability, name), 0)


def _build_error(api: TensorRTApi, name: str, reason: str) -> EngineError:
    remedy = remedy_in(reason) or ("free GPU memory" if "memory" in reason.lower() else "")
    return EngineError(f"{api} cannot build {name}: {reason}{f': {remedy}' if remedy else ''}")


def _load_timing_cache(config: "trt.IBuilderConfig", path: Path, report: Report) -> None:
    """Start from what earlier builds measured. A file that does not fit is not an error: the build takes longer."""
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    cache: trt.ITimingCache | None = config.create_timing_cache(content)
    if content and (cache is None or not config.set_timing_cache(cache, False)):
        report.say(f"the timing cache {path.name} does not fit this machine; a new one is begun")
        content = b""
        cache = config.create_timing_cache(content)
    if not content and cache is not None:
        config.set_timing_cache(cache, False)


def _save_timing_cache(config: "trt.IBuilderConfig", path: Path, report: Report) -> None:
    cache: trt.ITimingCache | None = config.get_timing_cache()
    if cache is None:
        return
    partial = path.with_suffix(".partial")
    try:
        partial.write_bytes(bytes(cache.serialize()))
        partial.chmod(0o600)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        report.say(f"the timing cache was not kept: {error.strerror}")


def make_monitor(trt_module: Any, report: Report) -> Any:
    """An IProgressMonitor that knows the phase; its base class exists only once TensorRT is imported."""

    class BuildMonitor(trt_module.IProgressMonitor):  # type: ignore[misc]
        """Called by TensorRT, from the building thread or others."""

        def __init__(self) -> None:
            trt_module.IProgressMonitor.__init__(self)
            self.interrupted = False
            self._phases: dict[str, tuple[int, int]] = {}  # name: (steps done, steps)

        def phase(self) -> str:
            """The innermost phase of several steps, and how far it is."""
            for name, (done, steps) in reversed(tuple(self._phases.items())):
                if steps > 1:
                    return f"{name.lower()}, {done} of {steps}"
            return "preparing"

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._phases[phase_name] = (0, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            self._phases[phase_name] = (step + 1, self._phases.get(phase_name, (0, 0))[1])
            return not (self.interrupted or report.cancelled())

        def phase_finish(self, phase_name: str) -> None:
            self._phases.pop(phase_name, None)

    return BuildMonitor()


@contextmanager
def _ctrl_c_ends(monitor: Any) -> Iterator[None]:
    """While the block runs, Ctrl-C ends the build and is raised after it: no exception can pass through TensorRT."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(*_: object) -> None:
        monitor.interrupted = True

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if monitor.interrupted:
        raise KeyboardInterrupt
