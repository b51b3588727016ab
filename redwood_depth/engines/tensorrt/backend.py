"""Opening the TensorRT backend: find the libraries, take or build the engine, load it, verify it."""

from dataclasses import dataclass
from typing import Any

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.engine import EngineDescription
from redwood_depth.engines.progress import Report, said_regularly
from redwood_depth.engines.tensorrt.api import TensorRTApi, find_tensorrt
from redwood_depth.engines.tensorrt.cache import CachedEngine, EngineCache
from redwood_depth.engines.tensorrt.engine_preparation import engine_key, prepare_engine, target_here
from redwood_depth.engines.tensorrt.memory import GpuDevice, memory_library
from redwood_depth.engines.tensorrt.plan_engine import PlanRefused, TensorRTEngine
from redwood_depth.engines.tensorrt.support import refuse_unfit
from redwood_depth.engines.tensorrt.verification import LIMITS, Verification, verify_engine
from redwood_depth.errors import EngineError


@dataclass(frozen=True)
class Gpu:
    """All that TensorRT needs here, found once: its API, our module for the memory library, and the device."""

    api: TensorRTApi
    library: Any
    device: GpuDevice

    def __str__(self) -> str:
        return f"{self.api} on {self.device}"


def find_gpu() -> Gpu:
    """TensorRT, the module that serves the memory library, and a GPU that TensorRT serves.

    Raises:
        EngineError: one of them is missing, or they do not fit; the message says which, and the remedy.
    """
    library = memory_library()
    device = library.describe_gpu()
    api = find_tensorrt()  # last: TensorRT takes 100 MB of memory, which without a GPU are wasted
    refuse_unfit(api, device)
    return Gpu(api, library, device)


def open_tensorrt(
    bundle: ModelBundle, precision: str, report: Report, *, gpu: Gpu | None = None, recheck: bool = False
) -> TensorRTEngine:
    """The bundle's engine on this machine's GPU, on the calling thread; built first where the cache has none.

    Args:
        gpu: what `find_gpu` found; None: find it now.
        recheck: compare with the reference even if that was done before.

    Raises:
        EngineError: something is missing, the build fails, or the engine's outputs are not right.
    """
    return _Opening(bundle, precision, report, gpu or find_gpu(), recheck).engine()


def is_cached(bundle: ModelBundle, precision: str, gpu: Gpu) -> tuple[bool, str]:
    """Whether the cache has the engine for this machine's GPU, and why not."""
    key = engine_key(bundle, precision, gpu.api, target_here(gpu.api, gpu.device))
    cached, reason = EngineCache(bundle.name).find(key)
    return cached is not None, reason


class _Opening:
    """What the steps of one opening share."""

    def __init__(self, bundle: ModelBundle, precision: str, report: Report, gpu: Gpu, recheck: bool) -> None:
        self.bundle, self.precision, self.report, self.gpu, self.recheck = bundle, precision, report, gpu, recheck
        self.cache = EngineCache(bundle.name)
        self.target = target_here(gpu.api, gpu.device)

    def engine(self) -> TensorRTEngine:
        cached, built = self._prepare()
        self._refuse_rejected(cached)
        engine, cached = self._loaded(cached, built)
        try:
            self._verify(engine, cached)
        except BaseException:
            engine.close()
            raise
        return engine

    def _loaded(self, cached: CachedEngine, built: bool) -> tuple[TensorRTEngine, CachedEngine]:
        """The engine; built anew where the cached one is not taken, and rejected for good where a new one is not."""
        try:
            return self._load(cached.plan), cached
        except PlanRefused as error:
            if built:
                self._keep(cached, Verification(False, f"just built, and {error}", "none", LIMITS[self.precision]))
                raise
            cached, _ = self._prepare(rebuild_because=f"the cached one is not taken: {error}")
            return self._loaded(cached, built=True)

    def _prepare(self, rebuild_because: str = "") -> tuple[CachedEngine, bool]:
        return prepare_engine(
            self.bundle,
            self.precision,
            self.gpu.api,
            self.target,
            self.report,
            cache=self.cache,
            rebuild_because=rebuild_because,
        )

    def _refuse_rejected(self, cached: CachedEngine) -> None:
        known = self._known_verification(cached)
        if known and not known.passed:
            raise self._rejection(known)

    def _load(self, plan: bytes) -> TensorRTEngine:
        description = EngineDescription(
            backend="tensorrt",
            precision=self.precision,
            device=self.gpu.device.name,
            versions=f"{self.gpu.api}, {self.gpu.library.DESCRIPTION}",
        )
        with said_regularly(self.report, lambda: "loading the engine"):  # TensorRT-RTX compiles its kernels here
            memory = self.gpu.library.open_memory()
            return TensorRTEngine(self.bundle, plan, description, self.gpu.api, memory, self.report)

    def _verify(self, engine: TensorRTEngine, cached: CachedEngine) -> None:
        """Compare once; the result stays with the engine. Raises EngineError where it is rejected."""
        if self._known_verification(cached):
            return
        verification = verify_engine(engine, self.bundle, self.precision)
        self.report.say(f"engine compared with {verification.reference}: {verification.findings}")
        self._keep(cached, verification)
        if not verification.passed:
            raise self._rejection(verification)

    def _keep(self, cached: CachedEngine, verification: Verification) -> None:
        try:
            self.cache.describe(cached.key, cached.plan, verification.as_json())
        except EngineError as error:
            self.report.say(f"the result is not kept: {error}")

    def _known_verification(self, cached: CachedEngine) -> Verification | None:
        return None if self.recheck else Verification.from_json(cached.verification, self.precision)

    def _rejection(self, verification: Verification) -> EngineError:
        return EngineError(
            f"the {self.precision} engine of {self.bundle.name} on {self.gpu.device.name} is rejected: "
            f"{verification.findings}; use another precision, or build_engine --force after an upgrade"
        )
