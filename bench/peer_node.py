"""The node that people write first, as a peer of ours: python -m bench.peer_node MODEL TORCH THREADS --ros-args ...

PyTorch eager, cv_bridge's way of conversion (a full-size copy), a reliable subscription with a queue of ten, inference
in the callback of a single-threaded executor, `tobytes()` assigned to Image.data. Topics, outputs, weights and resizing
are ours, so that the two differ in nothing else. TORCH is a folder of packages to import torch and onnx from where this
environment has none.
"""

import site
import sys
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from vision_msgs.msg import Classification, ObjectHypothesis

from redwood_depth.bundle import ModelBundle
from redwood_depth.images.decode import area_resized

_QUEUE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)


class PeerNode(Node):  # type: ignore[misc]  # ROS packages are not typed
    """Everything in the callback."""

    def __init__(self, bundle: ModelBundle, threads: int) -> None:
        import torch

        from bench.torch_graph import load_torch_model

        super().__init__("perception")
        if threads:
            torch.set_num_threads(threads)
        self._torch = torch
        self._bundle = bundle
        self._model = load_torch_model(bundle.model_path)
        self._info: CameraInfo | None = None
        self._depth = self.create_publisher(Image, "depth/image", _QUEUE)
        self._depth_info = self.create_publisher(CameraInfo, "depth/camera_info", _QUEUE)
        self._classes = self.create_publisher(Classification, "classification", _QUEUE)
        self.create_subscription(CameraInfo, "camera_info", self._receive_info, _QUEUE)
        self.create_subscription(Image, "image", self._receive, _QUEUE)
        self.get_logger().info(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")

    def _receive_info(self, message: CameraInfo) -> None:
        self._info = message

    def _receive(self, message: Image) -> None:
        torch, bundle = self._torch, self._bundle
        image = np.array(message.data, np.uint8).reshape(message.height, message.width, 3)  # a copy, as cv_bridge makes
        small = area_resized(image, bundle.height, bundle.width)
        with torch.inference_mode():
            depth, scores = self._model(torch.from_numpy(small)[None])
            size = (message.height, message.width)
            depth = torch.nn.functional.interpolate(depth[None], size=size, mode="bilinear", align_corners=False)
        self._publish(message, depth[0, 0].cpu().numpy() * self._depth_scale(), scores[0].cpu().numpy())

    def _depth_scale(self) -> np.float32:
        if self._info is None:
            return np.float32(1)
        k, info, training = self._info.k, self._info, self._bundle.training_camera
        ratios = k[0] / info.width / training.fx_over_width * (k[4] / info.height / training.fy_over_height)
        return np.float32(np.sqrt(ratios))

    def _publish(self, message: Image, depth_m: Any, scores: Any) -> None:
        answer = Image(header=message.header, height=message.height, width=message.width, encoding="32FC1")
        answer.step = 4 * message.width
        answer.data = depth_m.astype(np.float32).tobytes()
        self._depth.publish(answer)
        info = self._info or CameraInfo()
        info.header = message.header
        self._depth_info.publish(info)
        names = [(float(score), name) for score, name in zip(scores, self._bundle.classes, strict=True)]
        results = [
            ObjectHypothesis(class_id=name, score=score)
            for score, name in sorted(names, reverse=True)
            if score >= self._bundle.class_threshold
        ]
        self._classes.publish(Classification(header=message.header, results=results))


def main() -> int:
    """Entry point. Returns the exit code."""
    model, packages, threads = (sys.argv.pop(1) for _ in range(3))
    if packages:
        site.addsitedir(packages)  # behind this environment's own packages
    rclpy.init(args=sys.argv)
    try:
        rclpy.spin(PeerNode(ModelBundle.load(Path(model)), int(threads)))
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
