"""Inference engines behind one protocol; `open_engine` chooses one."""

from redwood_depth.bundle import PRECISIONS as BUNDLE_PRECISIONS
from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.engine import Engine
from redwood_depth.engines.onnxruntime import OnnxRuntimeEngine
from redwood_depth.engines.progress import Report
from redwood_depth.engines.tensorrt.backend import find_gpu, open_tensorrt
from redwood_depth.errors import EngineError

BACKENDS = ("auto", "onnxruntime", "tensorrt")
PRECISIONS = ("model", *BUNDLE_PRECISIONS)


def choose_backend(backend: str) -> tuple[str, str]:
    """(backend to open, why). An explicit choice stands, whether it can work or not.

    Raises:
        EngineError: no backend of that name.
    """
    if backend not in BACKENDS:
        raise EngineError(f"unknown backend {backend!r}; known: {', '.join(BACKENDS)}")
    if backend != "auto":
        return backend, "asked for"
    try:
        api, _, device = find_gpu()
    except EngineError as error:
        return "onnxruntime", f"auto: no TensorRT here: {error}"
    return "tensorrt", f"auto: {api} on {device}"


def open_engine(
    bundle: ModelBundle,
    backend: str = "auto",
    threads: int = 0,
    precision: str = "model",
    report: Report | None = None,
) -> Engine:
    """Open the bundle's network on the calling thread, which must be the one that uses and closes it.

    Args:
        bundle: the model.
        backend: one of BACKENDS; an explicit choice never falls back to another.
        threads: CPU threads of ONNX Runtime, 0: one a core.
        precision: of TensorRT's engine; "model": the bundle's own. ONNX Runtime runs the bundle as it is.
        report: who hears of builds, which take minutes, and of what did not work.

    Raises:
        EngineError: the backend is missing, or refuses the model; with auto only where all are.
    """
    report = report or Report()
    name, _ = choose_backend(backend)
    wanted = bundle.precision if precision == "model" else precision
    if name == "tensorrt" and backend == "auto":
        for candidate in dict.fromkeys((wanted, bundle.precision)):
            try:
                return open_tensorrt(bundle, candidate, report)
            except EngineError as error:
                if report.cancelled():
                    raise
                report.warn(f"TensorRT in {candidate} does not work here, going on without it: {error}")
    elif name == "tensorrt":
        try:
            return open_tensorrt(bundle, wanted, report)
        except EngineError as error:
            raise EngineError(f"backend tensorrt: {error}") from error
    return OnnxRuntimeEngine(bundle, threads)
