"""An fp16 graph computed in half precision, as a GPU does: every tensor between two operations has 16 bits.

ONNX Runtime computes such a graph on a CPU in fp32, where nothing overflows. ONNX's reference evaluator follows the
types of the graph; its convolution alone is replaced by PyTorch's, which is twenty times as fast.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from torch.nn import functional

Array = npt.NDArray[Any]


class Conv(OpRun):  # type: ignore[misc]  # the name is the operator's
    """A convolution of two dimensions in the type of its input; products are summed in fp32, as in tensor cores."""

    op_domain = ""

    def _run(self, x: Array, w: Array, b: Array | None = None, **attributes: Any) -> tuple[Array]:
        top, left, bottom, right = attributes.get("pads") or (0, 0, 0, 0)
        padded = functional.pad(torch.tensor(x), (left, right, top, bottom))
        bias = None if b is None else torch.tensor(b)
        strides, dilations = attributes.get("strides") or 1, attributes.get("dilations") or 1
        result = functional.conv2d(
            padded, torch.tensor(w), bias, strides, 0, dilations, groups=attributes.get("group") or 1
        )
        return (result.numpy(),)


class HalfArithmetic:
    """A graph with fp16 in it, on a CPU without shortcuts."""

    def __init__(self, path: Path) -> None:
        self._evaluator = ReferenceEvaluator(str(path), new_ops=[Conv])

    def run(self, image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """image uint8 (H, W, 3) -> depth_m float32 (H, W), class_scores float32 (C,); what overflows is infinite."""
        with np.errstate(over="ignore", invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the overflow is what is looked for
            depth, class_scores = self._evaluator.run(["depth", "class_scores"], {"image": image[None]})
        return depth[0], class_scores[0]
