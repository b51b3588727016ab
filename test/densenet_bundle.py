"""A bundle with the structure and the size of DenseNet169 with a U-Net decoder, its weights random: made without torch.

torchvision's DenseNet169 layer by layer (growth 32, blocks of 6, 12, 32 and 32), skips at strides 2 to 16, bilinear
upsampling, log depth through a sigmoid, class scores through a softmax; 21 million weights.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from redwood_depth.bundle import MODEL_FILE, ModelBundle, file_sha256
from redwood_depth.camera import TrainingCamera

GROWTH, BOTTLENECK, BLOCKS = 32, 128, (6, 12, 32, 32)
DECODER = (416, 208, 104, 52)
DEPTH_RANGE_M = (0.1, 10.0)


class _Graph:
    """Nodes and weights in the order they are made; every method returns the name of its output."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"node_{output}", **attributes))
        return output

    def weight(self, values: Any) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def conv(self, x: str, channels: tuple[int, int], size: int, stride: int = 1) -> str:
        into, out = channels
        scale = np.sqrt(2.0 / (into * size * size))
        kernel = self.random.standard_normal((out, into, size, size), dtype=np.float32) * np.float32(scale)
        pads = [size // 2] * 4
        return self.node("Conv", x, self.weight(kernel), strides=[stride] * 2, pads=pads, kernel_shape=[size] * 2)

    def norm_relu(self, x: str, channels: int) -> str:
        zeros, ones = np.zeros(channels, np.float32), np.ones(channels, np.float32)
        parameters = [self.weight(values) for values in (ones, zeros, zeros, ones)]
        return self.node("Relu", self.node("BatchNormalization", x, *parameters))

    def dense_block(self, x: str, channels: int, layers: int) -> tuple[str, int]:
        for _ in range(layers):
            inner = self.conv(self.norm_relu(x, channels), (channels, BOTTLENECK), 1)
            fresh = self.conv(self.norm_relu(inner, BOTTLENECK), (BOTTLENECK, GROWTH), 3)
            x, channels = self.node("Concat", x, fresh, axis=1), channels + GROWTH
        return x, channels

    def upsampled(self, x: str) -> str:
        scales = self.weight(np.array([1, 1, 2, 2], np.float32))
        return self.node("Resize", x, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")


def _depth_and_scores(graph: _Graph) -> None:
    x = graph.node("Transpose", graph.node("Cast", "image", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    mean = graph.weight(np.full((1, 3, 1, 1), 114.0, np.float32))
    spread = graph.weight(np.full((1, 3, 1, 1), 58.0, np.float32))
    x = graph.node("Div", graph.node("Sub", x, mean), spread)
    stem = graph.norm_relu(graph.conv(x, (3, 64), 7, stride=2), 64)
    x = graph.node("MaxPool", stem, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    skips, channels = [(stem, 64), (x, 64)], 64
    for index, layers in enumerate(BLOCKS):
        x, channels = graph.dense_block(x, channels, layers)
        x = graph.norm_relu(x, channels)
        if index < 3:
            x = graph.conv(x, (channels, channels // 2), 1)
            x, channels = graph.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]), channels // 2
            if index < 2:
                skips.append((x, channels))
    pooled = graph.node("Flatten", graph.node("GlobalAveragePool", x))
    linear = graph.weight(graph.random.standard_normal((channels, 4), dtype=np.float32) * np.float32(0.05))
    softmax = graph.node("Softmax", graph.node("MatMul", pooled, linear), axis=1)
    known = graph.weight(np.eye(4, 3, dtype=np.float32))  # the fourth class is none of the known ones
    graph.node("MatMul", softmax, known, output="class_scores")
    for (skip, skip_channels), width in zip(reversed(skips), DECODER, strict=True):
        x = graph.node("Concat", graph.upsampled(x), skip, axis=1)
        x = graph.node("LeakyRelu", graph.conv(x, (channels + skip_channels, width), 3), alpha=0.2)
        channels = width
    log_depth = graph.node("Sigmoid", graph.upsampled(graph.conv(x, (channels, 1), 3)))
    low, high = np.log(np.float32(DEPTH_RANGE_M))
    log_depth = graph.node("Mul", log_depth, graph.weight(high - low))
    log_depth = graph.node("Add", log_depth, graph.weight(low))
    graph.node("Squeeze", graph.node("Exp", log_depth), graph.weight(np.array([1])), output="depth")


def write_densenet_bundle(folder: Path, height: int = 96, width: int = 128) -> ModelBundle:
    folder.mkdir(parents=True, exist_ok=True)
    graph = _Graph(seed=169)
    _depth_and_scores(graph)
    outputs = {"depth": [1, height, width], "class_scores": [1, 3]}
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "densenet169",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, height, width, 3])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    onnx.checker.check_model(model)
    (folder / MODEL_FILE).write_bytes(model.SerializeToString())
    bundle = ModelBundle(
        folder=folder,
        name="densenet169",
        version="1.0",
        classes=("car", "trash container", "bicycle"),
        height=height,
        width=width,
        depth_range_m=DEPTH_RANGE_M,
        training_camera=TrainingCamera(525 / 640, 525 / 480),
        encoder="densenet169",
        precision="fp32",
        class_threshold=0.2,
        training_median_m=2.0,
        sha256=file_sha256(folder / MODEL_FILE),
    )
    bundle.write_description()
    return bundle
