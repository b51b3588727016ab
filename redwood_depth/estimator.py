"""From a color image to metric depth and class scores: the Python entry point."""

from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.camera import Intrinsics
from redwood_depth.engines import open_engine
from redwood_depth.engines.engine import Engine
from redwood_depth.errors import CameraError, EngineError, ImageError
from redwood_depth.images.decode import ColorImage
from redwood_depth.prediction import Prediction


class Estimator:
    """Resize, engine, focal correction, calibration, resize back. Used by the thread that opened `engine`."""

    def __init__(self, bundle: ModelBundle, engine: Engine) -> None:
        self.bundle = bundle
        self.engine = engine

    @classmethod
    def open(cls, bundle: Path | str = DEMO_BUNDLE, *, backend: str = "auto", threads: int = 0) -> "Estimator":
        """Open a model on the calling thread, which then uses and closes it; a context manager.

        Args:
            bundle: folder of a model bundle; default: the bundled model.
            backend: "auto" (TensorRT where it can run, else ONNX Runtime), "onnxruntime" or "tensorrt". A TensorRT
                engine that is built first takes minutes, and says so on stderr.
            threads: CPU threads of ONNX Runtime, 0: one a core.

        Raises:
            BundleError: the bundle is missing or damaged.
            EngineError: the backend is missing, or refuses the model.
        """
        loaded = ModelBundle.load(bundle)
        return cls(loaded, open_engine(loaded, backend, threads))

    def predict(
        self,
        image: ColorImage | NDArray[np.uint8],
        intrinsics: Intrinsics | None = None,
        output_size: tuple[int, int] | None = None,
        out: NDArray[np.float32] | None = None,
    ) -> Prediction:
        """Depth and class scores of one image.

        Args:
            image: RGB uint8 (H, W, 3) of any size, or a decoded camera image.
            intrinsics: the camera's, of this very image, for the focal correction; None leaves depth as for the
                training camera.
            output_size: (height, width) of the depth in pixels; None: the array's, or for a decoded camera image the
                model's own.
            out: where depth is written, an array of the output's size; None: new memory.

        Raises:
            ImageError: the array is not an RGB image.
            CameraError: the intrinsics are not of this image.
            EngineError: the backend failed, or its output is not finite.
        """
        if not isinstance(image, ColorImage):
            decoded = _checked(image, intrinsics)
            output_size = output_size or (image.shape[0], image.shape[1])
            image = decoded
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
        return Prediction(depth_m, class_scores.copy(), scale, bundle.classes, bundle.class_threshold)

    def close(self) -> None:
        self.engine.close()

    def __enter__(self) -> "Estimator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _checked(image: NDArray[np.uint8], intrinsics: Intrinsics | None) -> ColorImage:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ImageError(f"an image is RGB uint8 (H, W, 3), not {image.dtype} {image.shape}")
    height, width = image.shape[:2]
    if intrinsics and (intrinsics.height, intrinsics.width) != (height, width):
        raise CameraError(
            f"intrinsics of {intrinsics.width}x{intrinsics.height} do not fit an image of {width}x{height}"
        )
    return ColorImage(np.ascontiguousarray(image))
