"""From a color image to metric depth and class scores."""

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.bundle import ModelBundle
from redwood_depth.camera import Intrinsics
from redwood_depth.engines.engine import Engine
from redwood_depth.errors import EngineError
from redwood_depth.images.decode import ColorImage
from redwood_depth.prediction import Prediction


class Estimator:
    """Resize, engine, focal correction, calibration, resize back. Used by the thread that opened `engine`."""

    def __init__(self, bundle: ModelBundle, engine: Engine) -> None:
        self.bundle = bundle
        self.engine = engine

    def predict(
        self,
        image: ColorImage,
        intrinsics: Intrinsics | None = None,
        output_size: tuple[int, int] | None = None,
        out: NDArray[np.float32] | None = None,
    ) -> Prediction:
        """Depth and class scores of one image.

        Args:
            image: the image, of any size.
            intrinsics: the camera's, for the focal correction; None leaves depth as for the training camera.
            output_size: (height, width) of the depth in pixels; None: the model's own.
            out: where depth is written, an array of the output's size; None: new memory.

        Raises:
            EngineError: the backend failed, or its output is not finite.
        """
        bundle = self.bundle
        depth, class_scores = self.engine.infer(image.resized_rgb(bundle.height, bundle.width))
        if not (np.isfinite(depth).all() and np.isfinite(class_scores).all()):
            raise EngineError(f"{self.engine.description} gave an output that is not finite")
        scale = intrinsics.depth_scale(bundle.training_camera) if intrinsics else 1.0
        small_m = np.multiply(depth, np.float32(scale), dtype=np.float32)
        if bundle.calibration:
            small_m = bundle.calibration.scale.applied(small_m)
        if output_size is None or output_size == small_m.shape:
            depth_m = small_m if out is None else out
            np.copyto(depth_m, small_m)
        else:
            height, width = output_size
            depth_m = np.asarray(cv2.resize(small_m, (width, height), out, interpolation=cv2.INTER_LINEAR), np.float32)
        return Prediction(depth_m, class_scores.copy(), scale)

    def close(self) -> None:
        self.engine.close()
