"""Inference engines behind one protocol; `open_engine` opens the one that `choose_backend` chooses."""

from dataclasses import dataclass

from redwood_depth.bundle import PRECISIONS as BUNDLE_PRECISIONS
from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.engine import Engine
from redwood_depth.engines.onnxruntime import OnnxRuntimeEngine
from redwood_depth.engines.progress import Report
from redwood_depth.engines.tensorrt.backend import Gpu, find_gpu, open_tensorrt
from redwood_depth.errors import EngineError

BACKENDS = ("auto", "onnxruntime", "tensorrt")
PRECISIONS = ("model", *BUNDLE_PRECISIONS)


@dataclass(frozen=True)
class BackendChoice:
    """Which backend to open ("onnxruntime" or "tensorrt") and why; `gpu` is what was found while choosing."""

    backend: str
    reason: str
    may_fall_back: bool = False
    gpu: Gpu | None = None


def choose_backend(backend: str) -> BackendChoice:
    """Choose once; `open_engine` takes the answer. An explicit choice stands, whether it can work or not.

    Raises:
        EngineError: no backend of that name.
    """
    if backend not in BACKENDS:
        raise EngineError(f"unknown backend {backend!r}; known: {', '.join(BACKENDS)}")
    if backend != "auto":
        return BackendChoice(backend, "asked for")
    try:
        gpu = find_gpu()
    except EngineError as error:
        return BackendChoice("onnxruntime", f"auto: no TensorRT here: {error}")
    return BackendChoice("tensorrt", f"auto: {gpu}", may_fall_back=True, gpu=gpu)


def open_engine(
    bundle: ModelBundle,
    backend: str | BackendChoice = "auto",
    threads: int = 0,
    precision: str = "model",
    report: Report | None = None,
) -> Engine:
    """Open the bundle's network on the calling thread, which must be the one that uses and closes it.

    Args:
        bundle: the model.
        backend: one of BACKENDS, or what `choose_backend` chose; an explicit one never falls back to another.
        threads: CPU threads of ONNX Runtime, 0: one a core.
        precision: of TensorRT's engine; "model": the bundle's own. ONNX Runtime runs the bundle as it is.
        report: who hears of builds, which take minutes, and of what did not work.

    Raises:
        EngineError: the backend is missing, or refuses the model; with auto only where all are.
    """
    report = report or Report()
    choice = choose_backend(backend) if isinstance(backend, str) else backend
    wanted = bundle.precision if precision == "model" else precision
    if choice.backend == "onnxruntime":
        return OnnxRuntimeEngine(bundle, threads)
    if choice.may_fall_back:
        return _first_that_works(bundle, choice, wanted, report) or OnnxRuntimeEngine(bundle, threads)
    try:
        return open_tensorrt(bundle, wanted, report, gpu=choice.gpu)
    except EngineError as error:
        raise EngineError(f"backend tensorrt: {error}") from error


def _first_that_works(bundle: ModelBundle, choice: BackendChoice, wanted: str, report: Report) -> Engine | None:
    """TensorRT in the precision that is wanted, else in the bundle's own; None, with warnings, where neither works."""
    for precision in dict.fromkeys((wanted, bundle.precision)):
        try:
            return open_tensorrt(bundle, precision, report, gpu=choice.gpu)
        except EngineError as error:
            if report.cancelled():
                raise
            report.warn(f"TensorRT in {precision} does not work here, going on without it: {error}")
    return None
