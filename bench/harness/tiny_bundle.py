"""A model bundle of a few nodes, so that tests know what the network must answer.

depth = low + (high - low) * mean brightness of the pixel; class_scores = the mean color of the image, a third each:
a red image is class 0 with 1/3 * 1, a white one has 1/3 each.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from redwood_depth.bundle import MODEL_FILE, ModelBundle, file_sha256
from redwood_depth.camera import TrainingCamera

CLASSES = ("car", "trash container", "bicycle")
DEPTH_RANGE_M = (0.5, 8.5)


def write_tiny_bundle(folder: Path, height: int = 24, width: int = 32, threshold: float = 0.2) -> ModelBundle:
    folder.mkdir(parents=True, exist_ok=True)
    low, high = DEPTH_RANGE_M
    constants = {
        "scale": np.float32((high - low) / 255.0),
        "low": np.float32(low),
        "third": np.float32(1.0 / (3.0 * 255.0)),
        "channel_axis": np.array([3], np.int64),
        "pixel_axes": np.array([1, 2], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["float_image"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float_image", "channel_axis"], ["brightness"], keepdims=0),
        helper.make_node("Mul", ["brightness", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "low"], ["depth"]),
        helper.make_node("ReduceMean", ["float_image", "pixel_axes"], ["color"], keepdims=0),
        helper.make_node("Mul", ["color", "third"], ["class_scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, height, width, 3])],
        [
            helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, height, width]),
            helper.make_tensor_value_info("class_scores", TensorProto.FLOAT, [1, 3]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    (folder / MODEL_FILE).write_bytes(model.SerializeToString())
    bundle = ModelBundle(
        folder=folder,
        name="tiny",
        version="1.0",
        classes=CLASSES,
        height=height,
        width=width,
        depth_range_m=DEPTH_RANGE_M,
        training_camera=TrainingCamera(525 / 640, 525 / 480),
        encoder="none",
        precision="fp32",
        class_threshold=threshold,
        training_median_m=2.0,
        sha256=file_sha256(folder / MODEL_FILE),
    )
    bundle.write_description()
    return bundle
