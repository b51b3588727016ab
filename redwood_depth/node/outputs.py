"""The node's publishers, and what one prediction becomes on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from vision_msgs.msg import Classification, LabelInfo

from redwood_depth.bundle import ModelBundle
from redwood_depth.camera import Intrinsics
from redwood_depth.images.decode import ColorImage
from redwood_depth.images.preview import preview_bgr
from redwood_depth.node.lens import Lens, Rays, rays_through
from redwood_depth.node.messages import (
    blank_depth_message,
    camera_info_message,
    classification_message,
    depth_message,
    depth_pixels,
    image_message,
    label_info_message,
)
from redwood_depth.node.point_cloud import point_cloud_message, points_from_depth
from redwood_depth.prediction import Prediction

# Reliable, because a best-effort publisher is never heard by a reliable subscriber (RViz, rosbag2); a short history.
_QOS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.RELIABLE)
_LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


@dataclass(frozen=True)
class FrameContext:
    """What the outputs need to know of the frame that a prediction belongs to."""

    header: Header
    image: ColorImage
    camera_info: CameraInfo | None
    intrinsics: Intrinsics | None
    lens: Lens | None = None  # of a raw image that is distorted


class Outputs:
    """Publishers of one configured node."""

    def __init__(self, node: Node, bundle: ModelBundle, depth_encoding: str) -> None:
        self._bundle = bundle
        self._depth_encoding = depth_encoding
        self._label_threshold: float | None = None
        self._meters: Image | None = None  # the 32FC1 message; it stays, and with it the memory of its pixels
        self._rays: tuple[tuple[Intrinsics, Lens | None], Rays] | None = None
        self._depth: Publisher = node.create_publisher(Image, "depth/image", _QOS)
        self._camera_info: Publisher = node.create_publisher(CameraInfo, "depth/camera_info", _QOS)
        self._classification: Publisher = node.create_publisher(Classification, "classification", _QOS)
        self._preview: Publisher = node.create_publisher(Image, "preview/image", _QOS)
        self._points: Publisher = node.create_publisher(PointCloud2, "depth/points", _QOS)
        self._label_info: Publisher = node.create_publisher(LabelInfo, "label_info", _LATCHED)

    def publish_labels(self, header: Header, threshold: float) -> None:
        """The classes and the threshold in force, latched; again where the threshold has changed."""
        if threshold == self._label_threshold:
            return
        self._label_threshold = threshold
        self._label_info.publish(label_info_message(header, self._bundle.classes, threshold))

    def are_watched(self) -> bool:
        """Whether anybody listens to any output of a frame."""
        outputs = (self._depth, self._classification, self._camera_info, self._preview, self._points)
        return any(publisher.get_subscription_count() for publisher in outputs)

    def points_are_watched(self) -> bool:
        """Whether anybody listens to the cloud, which needs a calibration."""
        return bool(self._points.get_subscription_count())

    def depth_canvas(self, height: int, width: int) -> NDArray[np.float32] | None:
        """Where the next frame's depth (H, W) can be written so that `publish` need not copy it; None: in 16UC1."""
        if self._depth_encoding != "32FC1":
            return None
        if self._meters is None or (self._meters.height, self._meters.width) != (height, width):
            self._meters = blank_depth_message(height, width)
        return depth_pixels(self._meters)

    def _depth_message(self, header: Header, depth_m: NDArray[np.float32]) -> Image:
        canvas = self.depth_canvas(*depth_m.shape)
        if canvas is None or self._meters is None:
            return depth_message(header, depth_m, self._depth_encoding)
        if not np.may_share_memory(canvas, depth_m):
            canvas[...] = depth_m
        self._meters.header = header
        return self._meters

    def publish(self, context: FrameContext, prediction: Prediction, threshold: float) -> None:
        """Depth, camera_info and classification of a frame, all under the header of its image."""
        header, depth_m = context.header, prediction.depth_m
        self.publish_labels(header, threshold)
        self._depth.publish(self._depth_message(header, depth_m))
        self._camera_info.publish(camera_info_message(header, context.camera_info, *depth_m.shape))
        classes, scores = self._bundle.classes, prediction.class_scores
        self._classification.publish(classification_message(header, classes, scores, threshold))

    def publish_pictures(self, context: FrameContext, prediction: Prediction, threshold: float) -> Rays | None:
        """Preview and point cloud, each only where somebody subscribes; the rays of the cloud's points.

        The cloud needs a calibration. None: no cloud was made.
        """
        header, depth_m, bundle = context.header, prediction.depth_m, self._bundle
        if self._preview.get_subscription_count():
            picture = preview_bgr(
                context.image.rgb(), depth_m, bundle.classes, prediction.class_scores, threshold, bundle.depth_range_m
            )
            self._preview.publish(image_message(header, picture, "bgr8"))
        if context.intrinsics is None or not self.points_are_watched():
            return None
        rays = self._rays_of(context.intrinsics.scaled(*depth_m.shape), context.lens)
        points = points_from_depth(depth_m, context.image.resized_rgb(*depth_m.shape), rays)
        self._points.publish(point_cloud_message(header, points))
        return rays

    def _rays_of(self, intrinsics: Intrinsics, lens: Lens | None) -> Rays:
        """Computed once a calibration, kept while it stays."""
        if self._rays is None or self._rays[0] != (intrinsics, lens):
            self._rays = (intrinsics, lens), rays_through(intrinsics, lens)
        return self._rays[1]

    def destroy(self, node: Node) -> None:
        for publisher in (
            self._depth,
            self._camera_info,
            self._classification,
            self._preview,
            self._points,
            self._label_info,
        ):
            node.destroy_publisher(publisher)
