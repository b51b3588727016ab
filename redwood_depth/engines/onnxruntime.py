"""The ONNX Runtime engine: every CPU, and CUDA where onnxruntime-gpu finds it."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.engine import EngineDescription
from redwood_depth.errors import EngineError, first_line

_SERIOUS = 3  # ONNX Runtime's log level "error"


def open_session(model: Path, *, threads: int = 0, on_gpu: bool = False, in_float: bool = False) -> Any:
    """An onnxruntime.InferenceSession of a graph; every session of this project is made here.

    Args:
        model: the ONNX file.
        threads: CPU threads, 0: one a core that this process may use.
        on_gpu: take CUDA where onnxruntime-gpu finds it; else the CPU alone.
        in_float: compute the graph node by node as it is written, so that what lies between int8's scales is float
            arithmetic on every processor; slower.

    Raises:
        EngineError: ONNX Runtime is not installed, or does not take the graph.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError("ONNX Runtime is not installed: pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    # Counted here: left to itself, ONNX Runtime pins its threads to cores, and two nodes would share the same ones.
    options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
    options.log_severity_level = _SERIOUS
    # A worker that waits for the next frame must not burn the core that other nodes need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Without it sums of int8 products saturate on processors without VNNI: depth is off by 22 %, and no error says so.
    options.add_session_config_entry("session.x64quantprecision", "1")
    if in_float:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider") if on_gpu else ("CPUExecutionProvider",)
    providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=providers)
    except Exception as error:  # its exception classes share no base but Exception
        raise EngineError(f"ONNX Runtime cannot load {model}: {first_line(error)}") from error


def run_session(session: Any, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """image uint8 (H, W, 3) -> depth_m float32 (H, W), class_scores float32 (C,). Raises EngineError."""
    try:
        depth, class_scores = session.run(["depth", "class_scores"], {"image": image[None]})
    except Exception as error:  # as above
        raise EngineError(f"ONNX Runtime failed: {first_line(error)}") from error
    return depth[0], class_scores[0]


class OnnxRuntimeEngine:
    """Engine (see engine.py) on ONNX Runtime."""

    def __init__(self, bundle: ModelBundle, threads: int = 0) -> None:
        self._session = open_session(bundle.model_path, threads=threads, on_gpu=True)
        self._shape = (bundle.height, bundle.width, 3)
        _check_graph(self._session, bundle)
        import onnxruntime

        on_cuda = self._session.get_providers()[0] == "CUDAExecutionProvider"
        self.description = EngineDescription(
            backend="onnxruntime",
            precision=bundle.precision,
            device="CUDA" if on_cuda else "CPU",
            versions=f"ONNX Runtime {onnxruntime.__version__}",
        )

    def infer(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self._session is None:
            raise EngineError("the engine is closed")
        if image.shape != self._shape or image.dtype != np.uint8:
            raise EngineError(f"the model takes uint8 {self._shape}, not {image.dtype} {image.shape}")
        return run_session(self._session, image)

    def close(self) -> None:
        self._session = None


def _check_graph(session: Any, bundle: ModelBundle) -> None:
    """Raise EngineError where model.onnx and model.json disagree on names, types or shapes; both sides are named."""
    expected = {
        "image": ("tensor(uint8)", [1, bundle.height, bundle.width, 3]),
        "depth": ("tensor(float)", [1, bundle.height, bundle.width]),
        "class_scores": ("tensor(float)", [1, len(bundle.classes)]),
    }
    found = {node.name: (node.type, node.shape) for node in (*session.get_inputs(), *session.get_outputs())}
    if found != expected:
        raise EngineError(f"{bundle.model_path} has {found}, but model.json describes {expected}")
