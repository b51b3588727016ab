"""int8 of an fp32 network, without torch: its convolutions with scales from calibration images, its ends as they were.

Scales are put before convolutions alone, behind the activation that the network has there, so TensorRT fuses
convolution, bias, activation and the next scale. Scales between a convolution and its ReLU6 would have to span what
ReLU6 cuts away: measured on a Lite0 network, the error of depth is then five times as large.
"""

import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from redwood_depth.errors import BundleError

OPERATOR = "Conv"
SYMMETRIC = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,  # TensorRT knows no zero points
    "QuantizeBias": False,  # TensorRT refuses int32 biases
    "OpTypesToExcludeOutputQuantization": [OPERATOR],
}


def quantized_model(
    path: Path, images: Iterable[npt.NDArray[np.uint8]], step: Callable[[], None] = lambda: None
) -> onnx.ModelProto:
    """model.onnx with int8 weights a channel and int8 activations, scaled by the extremes that `images` reach.

    `images` are uint8 (H, W, 3) of the network's size; `step` is called for each.

    Kept in float: everything but convolutions, so normalization, exponential, and the class head with its softmax; the
    first convolution and the one before the depth; and depthwise convolutions, which hold few weights and little work,
    and most of the error.

    Raises:
        BundleError: no images, or the network has no convolution that can be quantized.
    """
    graph = onnx.load(str(path)).graph
    kept = sensitive_nodes(graph)
    if len(kept) == sum(node.op_type == OPERATOR for node in graph.node):
        raise BundleError(f"{path.name} has no convolution to quantize")
    reader = _Reader(images, step)
    with tempfile.TemporaryDirectory(dir=path.parent) as temporary:  # a disk that has room for the bundle
        target = Path(temporary) / "int8.onnx"
        disabled = logging.root.manager.disable
        logging.disable(logging.WARNING)  # it recommends a preparation that our export has done
        try:
            quantize_static(
                str(path),
                str(target),
                reader,
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=[OPERATOR],
                nodes_to_exclude=kept,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options=SYMMETRIC,
            )
        except ValueError as error:
            if reader.count:
                raise
            raise BundleError("int8 needs calibration images, and there are none") from error
        finally:
            logging.disable(disabled)
        return onnx.load(str(target))


def sensitive_nodes(graph: onnx.GraphProto) -> list[str]:
    """Names of the convolutions that stay in float: the first, the last before "depth", and the depthwise ones."""
    convolutions = [node for node in graph.node if node.op_type == OPERATOR]
    depthwise = [node.name for node in convolutions if any(a.name == "group" and a.i > 1 for a in node.attribute)]
    ends = [node.name for node in (*convolutions[:1], *_last_before(graph, "depth"))]
    return sorted({*depthwise, *ends})


def _last_before(graph: onnx.GraphProto, output: str) -> Iterator[onnx.NodeProto]:
    """The convolution that `output` is computed from with no other between, if there is one."""
    makers = {name: node for node in graph.node for name in node.output}
    waiting = [output]
    while waiting:
        node = makers.get(waiting.pop())
        if node is None:
            continue
        if node.op_type == OPERATOR:
            yield node
        else:
            waiting += node.input


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Hands calibration images to ONNX Runtime."""

    def __init__(self, images: Iterable[npt.NDArray[np.uint8]], step: Callable[[], None]) -> None:
        self._images, self._step = iter(images), step
        self.count = 0

    def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
        image = next(self._images, None)
        if image is None:
            return None
        self.count += 1
        self._step()
        return {"image": image[None]}
