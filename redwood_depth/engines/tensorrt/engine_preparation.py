"""From a bundle to its engine: out of the cache, or built once and put there."""

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.progress import Report
from redwood_depth.engines.tensorrt.api import TensorRTApi
from redwood_depth.engines.tensorrt.builder import ANY_GPU, Target, build_serialized, check_target, known_capabilities
from redwood_depth.engines.tensorrt.cache import CachedEngine, EngineCache, EngineKey
from redwood_depth.engines.tensorrt.fp16 import half_precision_model
from redwood_depth.engines.tensorrt.memory import GpuDevice
from redwood_depth.errors import EngineError


def target_here(api: TensorRTApi, device: GpuDevice) -> Target:
    """The GPU of this machine. TensorRT-RTX's engines fit every GPU of a compute capability, TensorRT's only one."""
    target = Target(ANY_GPU, device.compute_capability)
    fits_all = api.is_rtx and target.capability_text in known_capabilities(api)
    return target if fits_all else Target(device.name, device.compute_capability)


def model_in_precision(bundle: ModelBundle, precision: str) -> bytes:
    """The bundle's graph in a precision: its own, or fp16 made from fp32.

    Raises:
        EngineError: the bundle cannot be had in that precision.
    """
    if precision == bundle.precision:
        try:
            return bundle.model_path.read_bytes()
        except OSError as error:
            raise EngineError(f"cannot read {bundle.model_path}: {error.strerror}") from error
    if (bundle.precision, precision) == ("fp32", "fp16"):
        return half_precision_model(bundle.model_path)
    raise EngineError(
        f"{bundle.name} is an {bundle.precision} bundle, {precision} cannot be made of it: "
        f"it takes a bundle exported in {precision}"
    )


def engine_key(bundle: ModelBundle, precision: str, api: TensorRTApi, target: Target) -> EngineKey:
    return EngineKey(bundle.sha256, api.flavor, api.version, target.gpu, target.capability_text, precision)


def prepare_engine(
    bundle: ModelBundle,
    precision: str,
    api: TensorRTApi,
    target: Target,
    report: Report,
    *,
    cache: EngineCache,
    rebuild_because: str = "",
) -> tuple[CachedEngine, bool]:
    """The engine for `target`, and whether it was built just now; the reason for a build is reported.

    Args:
        rebuild_because: build even where the cache has it, and say this reason.

    Raises:
        EngineError: it cannot be built, or the cache cannot be written.
    """
    check_target(api, target)
    key = engine_key(bundle, precision, api, target)
    if not rebuild_because:
        cached, _ = cache.find(key)
        if cached:
            return cached, False
    with cache.lock(report):
        cached, reason = cache.find(key)  # another process may have built it while we waited
        if cached and not rebuild_because:
            return cached, False
        name = f"the {precision} engine of {bundle.name} {bundle.version}"
        model = model_in_precision(bundle, precision)
        how_long = "" if api.is_rtx else "; this can take minutes"
        report.say(f"building {name} with {api} ({rebuild_because or reason}){how_long}")
        plan = build_serialized(api, model, name, target, cache.timing_cache(key), report)
        return cache.store(key, plan), True
