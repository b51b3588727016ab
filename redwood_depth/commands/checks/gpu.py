"""doctor's story of TensorRT: what is found, what is missing, which engines are cached, and whether they are right."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.progress import Report
from redwood_depth.engines.tensorrt.api import find_tensorrt
from redwood_depth.engines.tensorrt.backend import Gpu, find_gpu, is_cached, open_tensorrt
from redwood_depth.engines.tensorrt.builder import known_capabilities
from redwood_depth.engines.tensorrt.cache import EngineCache, cache_folder
from redwood_depth.engines.tensorrt.memory import memory_library
from redwood_depth.engines.tensorrt.support import refuse_unfit
from redwood_depth.errors import EngineError

Line = tuple[str, str, str]  # state, what, detail
Found = TypeVar("Found")


def check_gpu() -> Iterator[Line]:
    """A line each for TensorRT, the library of GPU memory, and the GPU; nothing of it is needed by the node."""
    api, problem = _attempt(find_tensorrt)
    if api:
        builds = f"; builds without a GPU for {', '.join(known_capabilities(api))}" if api.is_rtx else ""
        yield "ok", "TensorRT", f"{api}{builds}"
    else:
        yield "note", "TensorRT", f"{problem} (without it the node runs on ONNX Runtime)"
    library, problem = _attempt(memory_library)
    if not library:
        yield "note", "GPU memory", problem
        return
    yield "ok", "GPU memory", library.DESCRIPTION
    device, problem = _attempt(library.describe_gpu)
    if not device:
        yield "note", "GPU", problem
        return
    yield "ok", "GPU", f"{device}, its driver serves CUDA {device.driver}"
    if api:
        _, problem = _attempt(lambda: refuse_unfit(api, device))
        yield ("note", "TensorRT on this GPU", problem) if problem else ("ok", "TensorRT on this GPU", "it is served")


def check_engines(bundle: ModelBundle) -> Iterator[Line]:
    """Lines on the engines of the bundle: those that this machine can open are compared anew."""
    folder = cache_folder()
    engines = sorted(folder.glob("*.engine"))
    total_mb = sum(path.stat().st_size for path in engines) / 1e6
    yield "ok", "engine cache", f"{folder}: {len(engines)} engines, {total_mb:.0f} MB"
    gpu, _ = _attempt(find_gpu)
    if gpu is None:  # check_gpu has told what is missing
        yield from (_described(path, description) for path, description in EngineCache(bundle.name).engines())
        return
    for precision in dict.fromkeys((bundle.precision, "fp16")):
        cached, reason = is_cached(bundle, precision, gpu)
        if cached:
            yield _checked(bundle, precision, gpu)
        elif precision == bundle.precision:
            yield "note", f"engine {precision}", f"{reason}; the node builds it when it starts, or: build_engine BUNDLE"


def _described(path: Path, description: dict[str, Any]) -> Line:
    """What is known of an engine that cannot be opened here."""
    key, result = description["key"], description.get("verification")
    verdict = "not compared yet"
    if result:
        verdict = f"{'verified' if result['passed'] else 'REJECTED'}: {result['findings']}"
    versions = f"{key['flavor']} {key['version']}, compute capability {key['compute_capability']}"
    size_mb = path.stat().st_size / 1e6
    return "note", f"engine {key['precision']}", f"{versions}, {size_mb:.1f} MB, {verdict}; opens on its GPU only"


def _checked(bundle: ModelBundle, precision: str, gpu: Gpu) -> Line:
    lines: list[str] = []
    try:
        open_tensorrt(bundle, precision, Report(lines.append, lines.append), gpu=gpu, recheck=True).close()
    except EngineError as error:
        return "note", f"engine {precision}", str(error)
    return "ok", f"engine {precision}", "; ".join(lines)


def _attempt(function: Callable[[], Found]) -> tuple[Found | None, str]:
    """(result, "") or (None, what is wrong)."""
    try:
        return function(), ""
    except EngineError as error:
        return None, str(error)
