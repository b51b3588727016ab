"""What the node says of the images that it sees, each thing once an activation. No rclpy."""

from typing import Any

import numpy as np

from redwood_depth.camera import Intrinsics, TrainingCamera
from redwood_depth.node.lens import Lens, Rays, is_known
from redwood_depth.node.said_once import SaidOnce

Size = tuple[int, int]  # (height, width) in pixels
_PATIENCE = 10  # images without a calibration, before that is more than a late camera_info
_STRONGLY_BENT = 0.02  # of the image's width
_WHOLE_VIEW = 0.7  # short side over focal length, 38 degrees: side by side stereo has it, a strip such as KITTI's 0.52
_MOST_ELONGATED = 1.45  # times the training camera's: 16:9 beside 4:3 is 1.33, two images side by side are 2


class ImageWords:
    """Looks at each image after it was answered; almost free once its words are said."""

    def __init__(self, said: SaidOnce, topic: str) -> None:
        self._said = said
        self.topic = topic
        self._uncalibrated = 0  # images in a row

    def look(
        self, message: Any, size: Size, intrinsics: Intrinsics | None, scale: float, training: TrainingCamera
    ) -> None:
        """Of an Image or CompressedImage `message` of `size`, its depth multiplied by `scale` for its focal length.

        `intrinsics` are those of an image of that size, None where they are not known.
        """
        header = message.header
        if not header.frame_id:
            self._said.warning("frame", _NO_FRAME)
        if not (header.stamp.sec or header.stamp.nanosec):
            self._said.warning("stamp", _NO_STAMP)
        self._uncalibrated = 0 if intrinsics else self._uncalibrated + 1
        self._said.info("first", f"first image on {self.topic}: {_described(message, size)}")
        if intrinsics:
            self._said.info("focal", f"focal length {intrinsics.fx:.1f} px of {size[1]}: depth times {scale:.2f}")
        if self._uncalibrated == _PATIENCE or (intrinsics and not _is_cropped(intrinsics)):
            self._warn_of_aspect(size, training)

    def points_are_asked_for(self, nobody_calibrates: bool) -> None:
        """Somebody waits for a cloud, which needs a calibration; `nobody_calibrates`: none will come."""
        if nobody_calibrates or self._uncalibrated >= _PATIENCE:
            self._said.warning("points", _NO_POINTS)

    def look_at_cloud(self, rays: Rays, lens: Lens | None, size: Size) -> None:
        """Of a cloud that was made of an image of `size`, along these rays."""
        if lens is None:
            return
        if not is_known(lens):
            model = f"{lens.model or 'none'} with {len(lens.coefficients)} coefficients"
            self._said.warning("lens", f"distortion model {model} is not known: depth/points takes it for a pinhole's")
        elif rays.bent_px > _STRONGLY_BENT * size[1]:
            blind = float(np.isnan(rays.x).mean())
            without = f"; the model fails for {blind:.0%} of the pixels, which have no point" if blind else ""
            self._said.warning("lens", f"{self.topic} {_STRONG_LENS.format(rays.bent_px)}{without}")

    def _warn_of_aspect(self, size: Size, training: TrainingCamera) -> None:
        """A long image is several views, where no calibration says that it is the middle strip of one."""
        elongation = max(size) / min(size)
        trained = training.fy_over_height / training.fx_over_width
        if elongation > _MOST_ELONGATED * max(trained, 1 / trained):
            self._said.warning("aspect", f"an image of {size[1]}x{size[0]} is hardly one view {_OF_A_CAMERA}")


def _is_cropped(intrinsics: Intrinsics) -> bool:
    """Whether the short side spans less than a usual camera's whole view, as that of a strip of one does."""
    spans = intrinsics.height / intrinsics.fy, intrinsics.width / intrinsics.fx
    return min(spans) < _WHOLE_VIEW


def _described(message: Any, size: Size) -> str:
    encoding = message.format if hasattr(message, "format") else message.encoding
    frame = f", frame {message.header.frame_id}" if message.header.frame_id else ""
    return f"{size[1]}x{size[0]} {encoding}{frame}"


_OF_A_CAMERA = (
    "of a camera such as the model's: side by side stereo and panoramas must be cut into views first; "
    "a camera that does see so needs its camera_info"
)
_NO_FRAME = (
    "images have no frame_id, and so have the outputs: tf, RViz and costmaps cannot place them; "
    "give the camera driver its frame"
)
_NO_STAMP = (
    "images have no stamp (0), and so have the outputs: tf, message filters and evaluate_bag cannot use them; "
    "let the camera driver stamp its images"
)
_STRONG_LENS = (
    "is not rectified, and its lens bends it by up to {:.0f} px: depth/points follows the lens, but who makes clouds "
    "of depth/image takes it for a pinhole's; the rectified topic serves both"
)
_NO_POINTS = "depth/points is asked for, but needs a calibration: no camera_info that fits the image has come"
