"""Inference engines behind one protocol; `open_engine` chooses one."""

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.engine import Engine
from redwood_depth.engines.onnxruntime_engine import OnnxRuntimeEngine
from redwood_depth.errors import EngineError

BACKENDS = ("auto", "onnxruntime", "tensorrt")


def choose_backend(backend: str) -> tuple[str, str]:
    """(backend to open, why). An explicit choice stands, whether it can work or not.

    Raises:
        EngineError: no backend of that name.
    """
    if backend not in BACKENDS:
        raise EngineError(f"unknown backend {backend!r}; known: {', '.join(BACKENDS)}")
    if backend != "auto":
        return backend, "asked for"
    return "onnxruntime", "auto: this version has no TensorRT engine yet"


def open_engine(bundle: ModelBundle, backend: str = "auto", threads: int = 0) -> Engine:
    """Open the bundle's network on the calling thread, which must be the one that uses and closes it.

    Args:
        bundle: the model.
        backend: one of BACKENDS; an explicit choice never falls back to another.
        threads: CPU threads of ONNX Runtime, 0: one a core.

    Raises:
        EngineError: the backend is missing, or refuses the model.
    """
    name, _ = choose_backend(backend)
    if name == "tensorrt":
        raise EngineError("the tensorrt backend is not in this version yet; use backend onnxruntime or auto")
    return OnnxRuntimeEngine(bundle, threads)
