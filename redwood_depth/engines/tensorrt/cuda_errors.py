"""CUDA's error codes as a user can act on them: cause and remedy, on one line."""

import re

from redwood_depth.errors import EngineError

# The codes of the run-time API and of the driver API are the same for these.
_REMEDIES = {
    2: "out of GPU memory: end other programs that use the GPU, or take a smaller model",
    3: "CUDA could not be initialized: restart the machine, or reload the module nvidia_uvm after a suspend",
    35: "the NVIDIA driver is missing or older than this CUDA needs: install or upgrade the driver",
    46: "the GPU is taken by another process in exclusive mode: end it, or nvidia-smi -c DEFAULT",
    100: "no NVIDIA GPU is found: check nvidia-smi, and --gpus all for a container",
    201: "no active CUDA context on this thread: open, use and close the engine on one thread",
    209: "the program holds no code for this GPU: install a TensorRT that supports it",
    600: "the engine did not finish in time: the GPU is overloaded or hung; restart the node",
    700: "the engine accessed memory that is not its own: rebuild it with build_engine --force, restart the node",
    719: "a kernel failed on the GPU: restart the node; rebuild the engine with build_engine --force if it recurs",
    802: "the GPU is not ready yet: try again after the start of the machine has finished",
    803: "the driver's kernel module and its library have different versions: restart the machine",
    804: "this GPU does not allow the installed CUDA with its driver: upgrade the driver",
    999: "unknown CUDA error: check dmesg, restart the machine, or reload the module nvidia_uvm after a suspend",
}
_CODE = re.compile(
    r"cudaError (\d+)|CUDA initialization failure with error:? (\d+)|Cuda failure:? (\d+)", re.IGNORECASE
)


def cuda_error(call: str, code: int, name: str = "") -> EngineError:
    """The error of a CUDA call that answered `code`, to be raised."""
    remedy = _REMEDIES.get(code, "see NVIDIA's list of CUDA error codes")
    return EngineError(f"{call}: CUDA error {code}{f' ({name})' if name else ''}: {remedy}")


def remedy_in(message: str) -> str:
    """The remedy for a CUDA error code named in a message of TensorRT; empty where it names none that we know."""
    codes = (int(code) for match in _CODE.findall(message) for code in match if code)
    return next((_REMEDIES[code] for code in codes if code in _REMEDIES), "")
