"""Whether the TensorRT that is installed can run on the GPU that is here: asked before anything is built for it.

TensorRT-RTX builds an engine for any GPU, and then refuses to load it on those that it does not serve (Orin, Thor,
Hopper); the compute capabilities that it serves are the names in its ComputeCapability. TensorRT itself has no such
list: there a graph of one operation is built and loaded once, and the answer kept with driver and version.
"""

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redwood_depth.engines.tensorrt.api import TensorRTApi, explain
from redwood_depth.engines.tensorrt.builder import empty_network, known_capabilities, make_builder, parse_capability
from redwood_depth.engines.tensorrt.cache import cache_folder, write_private
from redwood_depth.engines.tensorrt.cuda_errors import remedy_in
from redwood_depth.engines.tensorrt.memory import GpuDevice
from redwood_depth.errors import EngineError

if TYPE_CHECKING:
    import tensorrt as trt


def refuse_unfit(api: TensorRTApi, device: GpuDevice) -> None:
    """Raise EngineError, with the reason and the remedy, where no engine of `api` can run on `device`."""
    known = known_capabilities(api)
    reason = _missing_in(known, device) if known else _answer_of_trial(api, device)
    if reason:
        remedy = "install TensorRT itself" if api.is_rtx else "install a TensorRT that supports it"
        raise EngineError(f"{api} does not run on {device}: {reason}; {remedy}, or take the backend onnxruntime")


def _missing_in(known: tuple[str, ...], device: GpuDevice) -> str:
    """Why a capability is not served: it is not listed, nor newer than all that are."""
    capabilities = [parse_capability(text) for text in known]
    served = device.compute_capability in capabilities or device.compute_capability > max(capabilities)
    return "" if served else f"it serves compute capability {', '.join(known)} and newer"


def _answer_of_trial(api: TensorRTApi, device: GpuDevice) -> str:
    """Why the trial failed, empty where it did not; out of the cache where it was made before."""
    asked = f"{api} on {device.name}, {device.compute_capability}, driver {device.driver}"
    path = cache_folder() / f"support-{hashlib.sha256(asked.encode()).hexdigest()[:12]}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):  # not asked yet, or damaged
        kept = json.loads(path.read_text("utf-8"))
        if kept["asked"] == asked:
            return str(kept["reason"])
    reason = _trial(api)
    with suppress(OSError):  # a cache that cannot be written is told of where an engine is stored
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, json.dumps({"asked": asked, "reason": reason}).encode())
    return reason


def _trial(api: TensorRTApi) -> str:
    """Build and load a graph of one operation. Raises EngineError where the reason is not the kind of the GPU."""
    with api.complaints() as complaints:
        builder = make_builder(api, "a graph of one operation", complaints)
        network = empty_network(api, builder)
        shape: Any = (1,)  # taken for a Dims
        given = network.add_input("given", api.module.float32, shape)
        network.mark_output(network.add_identity(given).get_output(0))
        plan: trt.IHostMemory | None = builder.build_serialized_network(network, builder.create_builder_config())
        if plan is not None and api.module.Runtime(api.logger).deserialize_cuda_engine(plan) is not None:
            return ""
        reason = explain(complaints)
    if remedy_in(reason) or "memory" in reason.lower():
        raise EngineError(f"{api} cannot run here now: {reason}; {remedy_in(reason) or 'free GPU memory'}")
    return reason
