"""How fast a network could run on a GPU at best: its bytes over the memory's rate, its operations over the cores'."""

from dataclasses import dataclass
from typing import Any

from redwood_depth.engines.tensorrt.api import TensorRTApi
from redwood_depth.engines.tensorrt.builder import parse_network
from redwood_depth.engines.tensorrt.memory import GpuDevice

_BYTES = {"fp32": 4, "fp16": 2, "int8": 1}
# Dense operations a clock and multiprocessor with tensor cores (fp32: TF32), from NVIDIA's architecture white papers.
_OPERATIONS = {
    (7, 5): {"fp32": 128, "fp16": 1024, "int8": 2048},
    (8, 0): {"fp32": 1024, "fp16": 2048, "int8": 4096},
    (8, 6): {"fp32": 256, "fp16": 1024, "int8": 2048},
    (8, 7): {"fp32": 512, "fp16": 2048, "int8": 4096},
    (8, 9): {"fp32": 256, "fp16": 1024, "int8": 2048},
    (9, 0): {"fp32": 2048, "fp16": 4096, "int8": 8192},
    (10, 0): {"fp32": 4096, "fp16": 8192, "int8": 16384},
    (12, 0): {"fp32": 256, "fp16": 1024, "int8": 2048},
    (12, 1): {"fp32": 256, "fp16": 1024, "int8": 2048},
}


@dataclass(frozen=True)
class NetworkCost:
    """What one image costs at least: `operations` (a multiply-add counts as two), and values moved, each once."""

    operations: float
    weights: float
    inputs_and_outputs_bytes: float


def network_cost(api: TensorRTApi, model: bytes, name: str) -> NetworkCost:
    """Count convolutions and matrix products, which are nearly everything, in TensorRT's own reading of the graph.

    Raises:
        EngineError: TensorRT refuses the graph.
    """
    trt: Any = api.module
    network = parse_network(api, model, name)
    operations = weights = 0.0
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        if layer.type == trt.LayerType.CONVOLUTION:
            layer.__class__ = trt.IConvolutionLayer
            kernel = _volume(layer.kernel_size_nd) * layer.get_input(0).shape[1] / layer.num_groups
            weights += kernel * layer.num_output_maps
            operations += 2 * kernel * _volume(layer.get_output(0).shape)
        elif layer.type == trt.LayerType.MATRIX_MULTIPLY:
            layer.__class__ = trt.IMatrixMultiplyLayer
            shape = layer.get_input(0).shape
            inner = shape[-1] if layer.op0 != trt.MatrixOperation.TRANSPOSE else shape[-2]
            operations += 2 * inner * _volume(layer.get_output(0).shape)
            weights += _volume(layer.get_input(1).shape)
    ends = [network.get_input(i) for i in range(network.num_inputs)]
    ends += [network.get_output(i) for i in range(network.num_outputs)]
    moved = sum(_volume(tensor.shape) * (1 if tensor.dtype == trt.uint8 else 4) for tensor in ends)
    return NetworkCost(operations, weights, moved)


def best_seconds(cost: NetworkCost, device: GpuDevice, precision: str) -> tuple[float, float | None]:
    """(seconds that memory needs, seconds that the cores need; None for a GPU whose cores we do not know)."""
    moved = cost.weights * _BYTES[precision] + cost.inputs_and_outputs_bytes
    memory_rate = device.memory_clock_khz * 1e3 * 2 * device.memory_bus_bits / 8  # two transfers a clock
    known = _OPERATIONS.get(device.compute_capability)
    if known is None:
        return moved / memory_rate, None
    return moved / memory_rate, cost.operations / (device.multiprocessors * device.clock_khz * 1e3 * known[precision])


def _volume(shape: Any) -> float:
    volume = 1.0
    for size in shape:
        volume *= size
    return volume
