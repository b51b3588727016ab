"""A bundle's ONNX graph as a PyTorch model with the same weights, run eagerly, layer by layer.

For the node that people write first: they have the trained PyTorch model, and a bundle has only its export. Layers that
the export has folded into others (batch normalization after a convolution) stay folded, which favors PyTorch.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, fx, nn
from torch.nn import functional

_TYPES = {1: torch.float32, 2: torch.uint8, 6: torch.int32, 7: torch.int64, 10: torch.float16}


class UnknownOperator(Exception):
    """The graph holds an operator that is not written here."""


def load_torch_model(path: Path) -> nn.Module:
    """model.onnx -> module: image uint8 (1, H, W, 3) -> depth (1, H, W), class_scores (1, C).

    Raises:
        UnknownOperator: see there; its name is in the text.
    """
    graph, tracer = onnx.load(path).graph, fx.Graph()
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    model, values = nn.Module(), {graph.input[0].name: tracer.placeholder("image")}
    for index, node in enumerate(graph.node):
        attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Constant":
            constants[node.output[0]] = numpy_helper.to_array(attributes["value"])
            continue
        weights = [constants.get(name) for name in node.input]
        convert = _OPERATORS.get(node.op_type)
        if convert is None:
            raise UnknownOperator(f"{node.op_type} is not known to bench/torch_graph.py")
        function, inputs = convert(attributes, weights)
        arguments = []
        for position in inputs:
            name = node.input[position]
            if name in constants and name not in values:
                model.register_buffer(f"constant_{index}_{position}", torch.from_numpy(constants[name].copy()))
                arguments.append(tracer.get_attr(f"constant_{index}_{position}"))
            else:
                arguments.append(values[name])
        if isinstance(function, nn.Module):
            model.add_module(f"layer_{index}", function)
            values[node.output[0]] = tracer.call_module(f"layer_{index}", tuple(arguments))
        else:
            values[node.output[0]] = tracer.call_function(function, tuple(arguments))
    tracer.output(tuple(values[output.name] for output in graph.output))
    return fx.GraphModule(model, tracer).eval()


# Each operator: (attributes, its inputs where they are constants) -> what to call, and on which inputs.
Attributes: TypeAlias = dict[str, Any]
Weights: TypeAlias = list[Any]
Converted: TypeAlias = tuple[Callable[..., Tensor] | nn.Module, Sequence[int]]


def _symmetric(pads: Sequence[int]) -> tuple[int, int]:
    if len(pads) != 4 or tuple(pads[:2]) != tuple(pads[2:]):
        raise UnknownOperator(f"pads {list(pads)}: only symmetric ones of two axes are written here")
    return pads[0], pads[1]


def _conv(attributes: Attributes, weights: Weights) -> Converted:
    kernel, bias = weights[1], weights[2] if len(weights) > 2 else None
    groups, strides = attributes.get("group", 1), tuple(attributes.get("strides", (1, 1)))
    dilations = tuple(attributes.get("dilations", (1, 1)))
    before, pads = [], tuple(attributes.get("pads", (0, 0, 0, 0)))
    if pads[:2] != pads[2:]:  # TensorFlow's "same"
        before, pads = [nn.ZeroPad2d((pads[1], pads[3], pads[0], pads[2]))], (0, 0, 0, 0)
    size = (kernel.shape[1] * groups, kernel.shape[0], kernel.shape[2:])
    layer = nn.Conv2d(*size, strides, pads[:2], dilations, groups, bias=bias is not None)
    layer.weight.data = torch.from_numpy(kernel.copy())
    if bias is not None:
        layer.bias = nn.Parameter(torch.from_numpy(bias.copy()))
    return (nn.Sequential(*before, layer) if before else layer), (0,)


def _batch_norm(attributes: Attributes, weights: Weights) -> Converted:
    layer = nn.BatchNorm2d(len(weights[1]), eps=attributes.get("epsilon", 1e-5)).eval()
    names = ("weight", "bias", "running_mean", "running_var")
    layer.load_state_dict({name: torch.from_numpy(w.copy()) for name, w in zip(names, weights[1:], strict=True)}, False)
    return layer, (0,)


def _pad(attributes: Attributes, weights: Weights) -> Converted:
    if attributes.get("mode", b"constant") != b"edge":
        raise UnknownOperator(f"Pad of mode {attributes.get('mode')}: only edge is written here")
    half = len(weights[1]) // 2
    before, after = weights[1][:half].tolist(), weights[1][half:].tolist()
    pads = [size for axis in range(half - 1, half - 3, -1) for size in (before[axis], after[axis])]
    return lambda x: functional.pad(x, pads, mode="replicate"), (0,)


def _clip(_: Attributes, weights: Weights) -> Converted:
    low, high = (None if value is None else float(value) for value in (*weights[1:], None, None)[:2])
    return (nn.ReLU6() if (low, high) == (0.0, 6.0) else lambda x: torch.clamp(x, low, high)), (0,)


def _resize(attributes: Attributes, weights: Weights) -> Converted:
    if attributes.get("mode", b"nearest") != b"linear":
        return nn.Upsample(scale_factor=tuple(float(scale) for scale in weights[2][2:])), (0,)
    sizes = weights[3] if len(weights) > 3 else None
    align = attributes.get("coordinate_transformation_mode", b"half_pixel") == b"align_corners"
    size = None if sizes is None else tuple(sizes[2:].tolist())
    factor = None if sizes is not None else tuple(weights[2][2:].tolist())
    return nn.Upsample(size, factor, mode="bilinear", align_corners=align), (0,)


def _reduce_mean(attributes: Attributes, weights: Weights) -> Converted:
    axes = [int(axis) for axis in (weights[1] if len(weights) > 1 else attributes["axes"])]
    keep = bool(attributes.get("keepdims", 1))
    return lambda x: x.mean(dim=axes, keepdim=keep), (0,)


def _gemm(attributes: Attributes, weights: Weights) -> Converted:
    kernel = weights[1] if attributes.get("transB", 0) else weights[1].T
    layer = nn.Linear(kernel.shape[1], kernel.shape[0], bias=len(weights) > 2)
    layer.weight.data = torch.from_numpy(np.ascontiguousarray(kernel) * np.float32(attributes.get("alpha", 1.0)))
    if len(weights) > 2:
        layer.bias.data = torch.from_numpy(weights[2].copy()) * attributes.get("beta", 1.0)
    return layer, (0,)


def _pool(kind: type[nn.MaxPool2d] | type[nn.AvgPool2d]) -> Callable[[Attributes, Weights], Converted]:
    def convert(attributes: Attributes, _: Weights) -> Converted:
        size, strides = tuple(attributes["kernel_shape"]), tuple(attributes.get("strides", (1, 1)))
        ceil = bool(attributes.get("ceil_mode", 0))
        return kind(size, strides, _symmetric(attributes.get("pads", (0, 0, 0, 0))), ceil_mode=ceil), (0,)

    return convert


def _plain(function: Callable[..., Tensor], inputs: int = 1) -> Callable[[Attributes, Weights], Converted]:
    return lambda attributes, weights: (function, range(inputs))


def _axes(weights: Weights) -> tuple[int, ...]:
    return tuple(int(axis) for axis in np.atleast_1d(weights[1]))


def _gather(attributes: Attributes, weights: Weights) -> Converted:
    axis, indices = attributes.get("axis", 0), torch.from_numpy(np.array(weights[1], np.int64))

    def gather(x: Tensor) -> Tensor:
        along = axis % x.ndim
        return x.index_select(along, indices.flatten()).reshape(*x.shape[:along], *indices.shape, *x.shape[along + 1 :])

    return gather, (0,)


_OPERATORS: dict[str, Callable[[Attributes, Weights], Converted]] = {
    "Conv": _conv,
    "BatchNormalization": _batch_norm,
    "Pad": _pad,
    "Clip": _clip,
    "Resize": _resize,
    "ReduceMean": _reduce_mean,
    "Gemm": _gemm,
    "Gather": _gather,
    "MaxPool": _pool(nn.MaxPool2d),
    "AveragePool": _pool(nn.AvgPool2d),
    "GlobalAveragePool": lambda *_: (nn.AdaptiveAvgPool2d(1), (0,)),
    "Relu": lambda *_: (nn.ReLU(), (0,)),
    "LeakyRelu": lambda attributes, _: (nn.LeakyReLU(attributes.get("alpha", 0.01)), (0,)),
    "HardSwish": lambda *_: (nn.Hardswish(), (0,)),
    "HardSigmoid": lambda attributes, _: (
        lambda x: torch.clamp(x * attributes.get("alpha", 0.2) + attributes.get("beta", 0.5), 0.0, 1.0),
        (0,),
    ),
    "Sigmoid": _plain(torch.sigmoid),
    "Exp": _plain(torch.exp),
    "Log": _plain(torch.log),
    "Add": _plain(torch.add, 2),
    "Sub": _plain(torch.sub, 2),
    "Mul": _plain(torch.mul, 2),
    "Div": _plain(torch.div, 2),
    "MatMul": _plain(torch.matmul, 2),
    "Identity": _plain(lambda x: x),
    "Softmax": lambda attributes, _: (lambda x: functional.softmax(x, attributes.get("axis", -1)), (0,)),
    "Concat": lambda attributes, weights: (
        lambda *parts: torch.cat(parts, attributes["axis"]),
        range(len(weights)),
    ),
    "Cast": lambda attributes, _: (lambda x: x.to(_TYPES[attributes["to"]]), (0,)),
    "Transpose": lambda attributes, _: (lambda x: x.permute(attributes["perm"]), (0,)),
    "Reshape": lambda _, weights: (lambda x: x.reshape([int(n) for n in weights[1]]), (0,)),
    "Flatten": lambda attributes, _: (nn.Flatten(attributes.get("axis", 1)), (0,)),
    "Squeeze": lambda _, weights: (lambda x: x.squeeze(_axes(weights)), (0,)),
    "Unsqueeze": lambda _, weights: (lambda x: x.unsqueeze(_axes(weights)[0]), (0,)),
    "Slice": lambda attributes, weights: (_sliced(weights), (0,)),
}


def _sliced(weights: Weights) -> Callable[[Tensor], Tensor]:
    starts, ends = weights[1], weights[2]
    axes = weights[3] if len(weights) > 3 else range(len(starts))

    def cut(x: Tensor) -> Tensor:
        index = [slice(None)] * x.ndim
        for start, end, axis in zip(starts, ends, axes, strict=True):
            index[int(axis)] = slice(int(start), int(min(end, 2**31)))
        return x[tuple(index)]

    return cut
