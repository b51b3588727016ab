"""From a colour image to metric depth and class scores."""

import cv2
import numpy as np

from redwood_depth.bundle import ModelBundle
from redwood_depth.camera import Intrinsics
from redwood_depth.engines.engine import Engine
from redwood_depth.errors import EngineError
from redwood_depth.images import ColorImage
from redwood_depth.prediction import Prediction


class Estimator:
    """Resize, engine, focal correction, resize back. Used by the thread that opened `engine`."""

    def __init__(self, bundle: ModelBundle, engine: Engine) -> None:
        self.bundle = bundle
        self.engine = engine

    def predict(
        self, image: ColorImage, intrinsics: Intrinsics | None = None, output_size: tuple[int, int] | None = None
    ) -> Prediction:
        """Depth and class scores of one image.

        Args:
            image: the image, of any size.
            intrinsics: the camera's, for the focal correction; None leaves depth as for the training camera.
            output_size: (height, width) of the depth in pixels; None: the model's own.

        Raises:
            EngineError: the backend failed, or its output is not finite.
        """
        bundle = self.bundle
        depth, class_scores = self.engine.infer(image.resized_rgb(bundle.height, bundle.width))
        if not (np.isfinite(depth).all() and np.isfinite(class_scores).all()):
            raise EngineError(f"{self.engine.description} gave an output that is not finite")
        scale = intrinsics.depth_scale(bundle.training_camera) if intrinsics else 1.0
        depth_m = np.multiply(depth, np.float32(scale), dtype=np.float32)
        if output_size is not None and output_size != depth_m.shape:
            height, width = output_size
            depth_m = np.asarray(cv2.resize(depth_m, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
        return Prediction(depth_m, class_scores.copy(), scale)

    def close(self) -> None:
        self.engine.close()
