"""fp16 of an fp32 network, without torch: its heavy middle in half precision, its sensitive ends as they were.

What lies before the first heavy node (cast and normalization of the bytes) and after the last (sigmoid, scaling and
exponential of the log depth; softmax) stays fp32: it costs next to nothing, and half precision has three digits.
"""

from pathlib import Path
from typing import Any

import numpy as np

from redwood_depth.errors import EngineError

_HEAVY = {"Conv", "ConvTranspose", "Gemm", "MatMul", "Resize", "BatchNormalization", "AveragePool", "GlobalAveragePool"}
_ALWAYS_FP32_INPUTS = {"Resize": (1, 2)}  # region and scales
_HALF_MAX = float(np.finfo(np.float16).max)


def half_precision_model(path: Path) -> bytes:
    """model.onnx with inputs and outputs as before and fp16 between them.

    Raises:
        EngineError: the package onnx is missing, or the network cannot be converted soundly.
    """
    try:
        import onnx
    except ImportError as error:
        raise EngineError("making fp16 from an fp32 bundle needs the package onnx: pip install onnx") from error
    try:
        model = onnx.shape_inference.infer_shapes(onnx.load(str(path)), strict_mode=True, data_prop=True)
    except Exception as error:  # the errors of onnx and protobuf share no base but Exception
        raise EngineError(f"cannot convert {path} to fp16: {' '.join(str(error).split())[:300]}") from error
    _Conversion(onnx, model.graph, path).run()
    return bytes(model.SerializeToString())


class _Conversion:
    """One graph on its way to fp16, changed in place."""

    def __init__(self, onnx: Any, graph: Any, path: Path) -> None:
        self.onnx, self.graph, self.path = onnx, graph, path
        fp32 = onnx.TensorProto.FLOAT
        values = (*graph.value_info, *graph.input, *graph.output)
        self.floats = {value.name for value in values if value.type.tensor_type.elem_type == fp32}
        self.weights = {weight.name: weight for weight in graph.initializer if weight.data_type == fp32}
        self.nodes: list[Any] = []
        self.halved: dict[str, str] = {}  # name of an fp32 tensor: name of its fp16 copy
        self.restored: dict[str, str] = {}  # name of an fp16 tensor: name of its fp32 copy
        self.half_outputs: set[str] = set()  # fp16 tensors that kept their names

    def run(self) -> None:
        originals = list(self.graph.node)
        kept = self._kept(originals)
        outputs = {output.name for output in self.graph.output}
        for index, node in enumerate(originals):
            self._refuse(node)
            if index in kept:
                self._keep(node)
            else:
                self._halve(node, outputs)
        for name in sorted(outputs & self.half_outputs):
            raise self._error(f"the output {name} is computed by a heavy node; it has no fp32 end to keep")
        used = {name for node in self.nodes for name in node.input}
        weights = [weight for weight in self.graph.initializer if weight.name in used]
        for field, content in (("node", self.nodes), ("initializer", weights), ("value_info", [])):
            self.graph.ClearField(field)
            getattr(self.graph, field).extend(content)

    def _kept(self, nodes: list[Any]) -> set[int]:
        """Nodes that no heavy node comes before, and nodes that none comes after."""
        after_heavy: set[str] = set()
        head = set()
        for index, node in enumerate(nodes):
            if node.op_type in _HEAVY or after_heavy & set(node.input):
                after_heavy |= set(node.output)
            else:
                head.add(index)
        before_heavy: set[str] = set()
        tail = set()
        for index, node in reversed(list(enumerate(nodes))):
            if node.op_type in _HEAVY or before_heavy & set(node.output):
                before_heavy |= set(node.input)
            else:
                tail.add(index)
        return head | tail

    def _refuse(self, node: Any) -> None:
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise self._error(f"the node {node.name} ({node.op_type}) holds a graph of its own")
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            raise self._error("it is quantized already")

    def _keep(self, node: Any) -> None:
        for position, name in enumerate(node.input):
            if name in self.half_outputs:
                node.input[position] = self._restored(name)
        self.nodes.append(node)

    def _halve(self, node: Any, outputs: set[str]) -> None:
        fp32_inputs = _ALWAYS_FP32_INPUTS.get(node.op_type, ())
        for position, name in enumerate(node.input):
            if position in fp32_inputs or name in self.half_outputs:
                continue
            if name in self.weights or name in self.floats:
                node.input[position] = self._half(name)
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == self.onnx.TensorProto.FLOAT:
                attribute.i = self.onnx.TensorProto.FLOAT16
        names = list(node.output)
        for position, name in enumerate(names):
            if name in self.floats and name in outputs:  # a heavy node that ends the network: cast its result
                inner = f"{name}_fp16"
                node.output[position] = inner
                self.restored[inner] = name
        self.nodes.append(node)
        for position, name in enumerate(names):
            inner = node.output[position]
            if inner != name:
                self._cast(inner, name, self.onnx.TensorProto.FLOAT)
            elif name in self.floats:
                self.half_outputs.add(name)

    def _half(self, name: str) -> str:
        """The fp16 copy of an fp32 tensor: a converted weight, or a cast made once."""
        if name not in self.halved:
            self.halved[name] = f"{name}_fp16"
            if name in self.weights:
                self._add_half_weight(name)
            else:
                self._cast(name, f"{name}_fp16", self.onnx.TensorProto.FLOAT16)
        return self.halved[name]

    def _restored(self, name: str) -> str:
        if name not in self.restored:
            self.restored[name] = f"{name}_fp32"
            self._cast(name, f"{name}_fp32", self.onnx.TensorProto.FLOAT)
        return self.restored[name]

    def _cast(self, source: str, target: str, to: int) -> None:
        self.nodes.append(self.onnx.helper.make_node("Cast", [source], [target], name=f"cast_{target}", to=to))

    def _add_half_weight(self, name: str) -> None:
        values = self.onnx.numpy_helper.to_array(self.weights[name])
        largest = float(np.abs(values).max()) if values.size else 0.0
        if np.isfinite(largest) and largest > _HALF_MAX:
            raise self._error(f"the weight {name} reaches {largest:.3g}, more than fp16 holds ({_HALF_MAX:.0f})")
        half = self.onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_fp16")
        self.graph.initializer.append(half)

    def _error(self, reason: str) -> EngineError:
        return EngineError(f"cannot convert {self.path} to fp16: {reason}; use --precision fp32")
