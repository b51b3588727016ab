"""Opening the TensorRT backend: find the libraries, take or build the engine, load it, trust it or not."""

from typing import Any

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.engine import EngineDescription
from redwood_depth.engines.progress import Report, said_regularly
from redwood_depth.engines.tensorrt.api import TensorRTApi, find_tensorrt
from redwood_depth.engines.tensorrt.builder import Target
from redwood_depth.engines.tensorrt.cache import CachedEngine, EngineCache
from redwood_depth.engines.tensorrt.engine_preparation import engine_key, prepare_engine, target_here
from redwood_depth.engines.tensorrt.memory import GpuDevice, memory_library
from redwood_depth.engines.tensorrt.plan_engine import PlanRefused, TensorRTEngine
from redwood_depth.engines.tensorrt.verification import Trust, check_engine
from redwood_depth.errors import EngineError


def find_gpu() -> tuple[TensorRTApi, Any, GpuDevice]:
    """TensorRT, the module that serves the memory library, and the GPU. Makes no CUDA context.

    Raises:
        EngineError: one of them is missing; the message says which, and the remedy.
    """
    library = memory_library()
    device = library.describe_gpu()
    return find_tensorrt(), library, device  # last: TensorRT takes 100 MB of memory, which without a GPU are wasted


def open_tensorrt(bundle: ModelBundle, precision: str, report: Report, recheck: bool = False) -> TensorRTEngine:
    """The bundle's engine on this machine's GPU, on the calling thread; built first where the cache has none.

    Args:
        recheck: compare with the reference even if that was done before.

    Raises:
        EngineError: something is missing, the build fails, or the engine's outputs cannot be trusted.
    """
    return _Opening(bundle, precision, report, recheck).engine()


def is_cached(bundle: ModelBundle, precision: str) -> tuple[bool, str]:
    """Whether the cache has the engine for this machine's GPU, and why not. Raises EngineError as `find_gpu`."""
    api, _, device = find_gpu()
    cached, reason = EngineCache(bundle.name).find(engine_key(bundle, precision, api, target_here(api, device)))
    return cached is not None, reason


class _Opening:
    """What the steps of one opening share."""

    def __init__(self, bundle: ModelBundle, precision: str, report: Report, recheck: bool) -> None:
        self.bundle, self.precision, self.report, self.recheck = bundle, precision, report, recheck
        self.api, self.library, self.device = find_gpu()
        self.cache = EngineCache(bundle.name)
        self.target: Target = target_here(self.api, self.device)

    def engine(self) -> TensorRTEngine:
        cached, built = self._prepare()
        self._refuse_rejected(cached)
        try:
            engine = self._load(cached.plan)
        except PlanRefused as error:
            if built:
                raise
            cached, _ = self._prepare(rebuild_because=f"the cached one is not taken: {error}")
            engine = self._load(cached.plan)
        try:
            self._check(engine, cached)
        except BaseException:
            engine.close()
            raise
        return engine

    def _prepare(self, rebuild_because: str = "") -> tuple[CachedEngine, bool]:
        return prepare_engine(
            self.bundle,
            self.precision,
            self.api,
            self.target,
            self.report,
            cache=self.cache,
            rebuild_because=rebuild_because,
        )

    def _refuse_rejected(self, cached: CachedEngine) -> None:
        trust = self._known_trust(cached)
        if trust and not trust.passed:
            raise self._rejection(trust)

    def _load(self, plan: bytes) -> TensorRTEngine:
        description = EngineDescription(
            backend="tensorrt",
            precision=self.precision,
            device=self.device.name,
            versions=f"{self.api}, {self.library.DESCRIPTION}",
        )
        with said_regularly(self.report, lambda: "loading the engine"):  # TensorRT-RTX compiles its kernels here
            memory = self.library.open_memory()
            return TensorRTEngine(self.bundle, plan, description, self.api, memory, self.report)

    def _check(self, engine: TensorRTEngine, cached: CachedEngine) -> None:
        """Compare once; the result stays with the engine. Raises EngineError where it is rejected."""
        if self._known_trust(cached):
            return
        trust = check_engine(engine, self.bundle, self.precision)
        self.report.say(f"engine checked against {trust.reference}: {trust.findings}")
        key = engine_key(self.bundle, self.precision, self.api, self.target)
        try:
            self.cache.describe(key, cached.plan, trust.as_json())
        except EngineError as error:
            self.report.say(f"the result is not kept: {error}")
        if not trust.passed:
            raise self._rejection(trust)

    def _known_trust(self, cached: CachedEngine) -> Trust | None:
        return None if self.recheck else Trust.from_json(cached.trust, self.precision)

    def _rejection(self, trust: Trust) -> EngineError:
        return EngineError(
            f"the {self.precision} engine of {self.bundle.name} on {self.device.name} is rejected: {trust.findings}; "
            "use another precision, or build_engine --force after an upgrade"
        )
