"""A bundle as a checkpoint: the weights in its ONNX graph, back in the network that they were exported from.

The exporter keeps the names of the state dict and folds each batch norm into the convolution before it. Folded weights
are put back as they are, and the batch norm behind them does nothing but add the bias; `set_statistics` gives it the
statistics of images afterwards, so that it may learn. Neither changes what the network answers.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from training.errors import TrainingError
from training.network.class_head import ClassHead
from training.network.model import DepthClassModel

PREFIX = "model."  # of BundleGraph, whose names the graph has
Weights = dict[str, Tensor]


def read_weights(path: Path) -> Weights:
    """The tensors of an exported graph by their names in the network; of a convolution `NAME.bias` is the folded one.

    Raises:
        TrainingError: it cannot be read, or holds weights of less than 32 bits, which are no checkpoint.
    """
    try:
        graph = onnx.load(path).graph
    except (OSError, DecodeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TrainingError(f"{path} cannot be read as an ONNX model ({reason})") from error
    tensors = {tensor.name: np.array(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    named = {name.removeprefix(PREFIX): values for name, values in tensors.items() if name.startswith(PREFIX)}
    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) > 2 and node.input[1].startswith(PREFIX):
            convolution = node.input[1].removeprefix(PREFIX).removesuffix("weight")
            named[f"{convolution}bias"] = tensors[node.input[2]]
    if not named or any(values.dtype != np.float32 for values in named.values()):
        raise TrainingError(f"{path} is no checkpoint: export it with --precision fp32, from this package")
    return {name: torch.from_numpy(values) for name, values in named.items()}


def fill_from_weights(model: DepthClassModel, weights: Weights) -> None:
    """Put them into encoder and decoder of a network of the same architecture; where they do not fit, nothing changes.

    Raises:
        TrainingError: a weight is missing or has another shape.
    """
    state: Weights = {}
    for part in ("encoder", "decoder"):
        for name, convolution, norm in _convolutions(getattr(model, part), part):
            state |= _unfolded(name, convolution, norm, weights)
    for name, values in state.items():
        if model.state_dict()[name].shape != values.shape:
            found, wanted = tuple(values.shape), tuple(model.state_dict()[name].shape)
            raise TrainingError(f"the bundle is of another network: {name} is {found}, not {wanted}")
    model.load_state_dict(state, strict=False)


@torch.no_grad()
def folded_weights(model: DepthClassModel) -> Weights:
    """The weights of encoder and decoder as an export has them, each batch norm folded into its convolution."""
    folded: Weights = {}
    for part in ("encoder", "decoder"):
        for name, convolution, norm in _convolutions(getattr(model, part), part):
            weight, bias = convolution.weight, convolution.bias
            if norm is not None:
                scale, shift = _affine(norm[1])
                weight = weight * scale[:, None, None, None]
                bias = shift if bias is None else shift + scale * bias
            folded[f"{name}.weight"] = weight.clone()
            if bias is not None:
                folded[f"{name}.bias"] = bias.clone()
    return folded


def class_head_of(weights: Weights) -> ClassHead:
    """The class head over ImageNet's rows and the learned ones. Raises TrainingError where the bundle has another."""
    try:
        weight, bias, groups = (weights[f"class_head.{name}"] for name in ("linear.weight", "linear.bias", "groups"))
    except KeyError as error:
        raise TrainingError(
            f"the bundle's class head is not one of rows in ImageNet's classifier: no {error}"
        ) from error
    head = ClassHead(weight.shape[1], groups)
    head.linear.load_state_dict({"weight": weight, "bias": bias})
    return head


def learned_rows(weights: Weights, classes: int) -> tuple[Tensor, Tensor]:
    """Weight (C + 1, F) and bias (C + 1,) of the rows that were fitted, as `fit_rows` gives them."""
    head = class_head_of(weights)
    return head.linear.weight.detach()[-classes - 1 :].clone(), head.linear.bias.detach()[-classes - 1 :].clone()


@torch.no_grad()
def set_statistics(model: DepthClassModel, images_rgb: Tensor) -> None:
    """Give the decoder's batch norms mean and deviation of their inputs over images (B, 3, H, W) in 0..255.

    Their own scale and shift change with them, so that the network's answers in evaluation stay as they are.
    """
    norms = [module for module in model.decoder.modules() if isinstance(module, _BatchNorm)]
    handles = [norm.register_forward_pre_hook(_take_statistics) for norm in norms]
    try:
        model.eval()(images_rgb)
    finally:
        for handle in handles:
            handle.remove()


def _affine(norm: _BatchNorm) -> tuple[Tensor, Tensor]:
    """Scale and shift (C,) of what a batch norm does in evaluation."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale, norm.bias - scale * norm.running_mean


def _take_statistics(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    assert isinstance(norm, _BatchNorm)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    variance, mean = torch.var_mean(inputs[0].float(), dim=(0, 2, 3), correction=0)
    old, shift = _affine(norm)  # the answer is old * x + shift, before and after
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_(old * (variance + norm.eps).sqrt())
    norm.bias.copy_(shift + old * mean)


def _convolutions(part: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Conv2d, tuple[str, _BatchNorm] | None]]:
    """Each convolution with its name and the batch norm that follows it, in order of definition."""
    layers = [(f"{prefix}.{name}", module) for name, module in part.named_modules()]
    layers = [(name, module) for name, module in layers if isinstance(module, (nn.Conv2d, _BatchNorm))]
    for number, (name, module) in enumerate(layers):
        if isinstance(module, nn.Conv2d):
            after = layers[number + 1] if number + 1 < len(layers) else ("", module)
            yield name, module, (after[0], after[1]) if isinstance(after[1], _BatchNorm) else None


def _unfolded(name: str, convolution: nn.Conv2d, norm: tuple[str, _BatchNorm] | None, weights: Weights) -> Weights:
    """The state of a convolution and of the batch norm behind it, which adds the folded bias."""
    try:
        weight, bias = weights[f"{name}.weight"], weights.get(f"{name}.bias")
        if norm is None:
            return {f"{name}.weight": weight, **({f"{name}.bias": weights[f"{name}.bias"]} if bias is not None else {})}
        place, layer = norm
        shift = weights[f"{name}.bias"]
    except KeyError as error:
        raise TrainingError(f"the bundle is no checkpoint of this network: it has no {error}") from error
    if convolution.bias is not None:
        raise TrainingError(f"{name} has a bias and a batch norm behind it, which the export cannot be undone of")
    one = torch.ones_like(shift)
    return {
        f"{name}.weight": weight,
        f"{place}.weight": one,
        f"{place}.bias": shift,
        f"{place}.running_mean": torch.zeros_like(shift),
        f"{place}.running_var": one - layer.eps,
    }
