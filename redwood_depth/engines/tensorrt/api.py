"""Finding TensorRT, whichever flavor is installed, and keeping what it logs for our errors."""

import importlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from redwood_depth.errors import EngineError

OLDEST_MAJOR = 10
REMEDY = (
    "install TensorRT 10 or later (JetPack 6 has it) or pip install tensorrt-rtx-cu13-libs tensorrt-rtx-cu13-bindings"
)
# Python modules that speak TensorRT's API, and the name of their flavor; the first that works is taken.
_FLAVORS = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT-RTX", "tensorrt_rtx_bindings": "TensorRT-RTX"}
_KEPT_MESSAGES = 20


@dataclass(frozen=True)
class TensorRTApi:
    """An installed TensorRT: its module, flavor ("TensorRT" or "TensorRT-RTX"), version, and the process's logger."""

    module: Any
    flavor: str
    version: str
    logger: Any

    @property
    def is_rtx(self) -> bool:
        return self.flavor == "TensorRT-RTX"

    def __str__(self) -> str:
        return f"{self.flavor} {self.version}"

    @contextmanager
    def complaints(self) -> Iterator[deque[str]]:
        """Collects the errors that TensorRT logs while the block runs: most of its calls just return None.

        TensorRT keeps the first logger of a process for ever, so there is one logger and blocks of it.
        """
        self.logger.complaints.clear()
        yield self.logger.complaints


@cache
def find_tensorrt() -> TensorRTApi:
    """The installed TensorRT; `tensorrt` itself before `tensorrt_rtx`.

    Raises:
        EngineError: none is installed, or what is there is too old or does not load.
    """
    problems = []
    for name, flavor in _FLAVORS.items():
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                problems.append(f"{name} does not load: {_one_line(error)}")
            continue
        except (ImportError, OSError) as error:  # the Python part without its libraries
            problems.append(f"{name} does not load: {_one_line(error)}")
            continue
        problem = _unfit(module, name, flavor)
        if not problem:
            return TensorRTApi(module, flavor, str(module.__version__), make_logger(module))
        problems.append(problem)
    found = "; ".join(filter(None, problems)) or "TensorRT is not installed"
    raise EngineError(f"{found}; {REMEDY}")


def _unfit(module: Any, name: str, flavor: str) -> str:
    """Why this module cannot be used; empty where it can."""
    version = getattr(module, "__version__", None)
    if version is None or not hasattr(module, "Builder"):
        return f"{name} is an empty package (type stubs?)"
    if flavor == "TensorRT" and int(str(version).split(".")[0]) < OLDEST_MAJOR:
        return f"TensorRT {version} is too old, {OLDEST_MAJOR} is needed"
    return ""


def make_logger(trt: Any) -> Any:
    """An ILogger that keeps errors in `complaints`; its base class exists only once TensorRT is imported."""

    class CollectingLogger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.complaints: deque[str] = deque(maxlen=_KEPT_MESSAGES)

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                self.complaints.append(message)

    return CollectingLogger()


def explain(complaints: deque[str]) -> str:
    """What TensorRT complained of, on one line: the first complaint is the cause, those that follow are its echo."""
    return " ".join(complaints[0].split()) if complaints else "TensorRT gave no reason"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
