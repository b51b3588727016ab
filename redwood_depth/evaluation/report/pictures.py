"""Frames of the report as pictures in data URIs."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.evaluation.report.colors import MISSING_RGB
from redwood_depth.evaluation.report.frame_selection import Panel
from redwood_depth.images.preview import color_depth

ERROR_LIMIT = 0.5  # relative errors from here on have the strongest color
_JPEG_QUALITY = 86
_TOO_NEAR_BGR, _RIGHT_BGR, _TOO_FAR_BGR = (172, 102, 33), (247, 247, 247), (43, 24, 178)


@dataclass(frozen=True)
class FramePictures:
    """The four pictures of a frame as data URIs."""

    image: str
    truth: str
    prediction: str
    error: str


def frame_pictures(panel: Panel, range_m: tuple[float, float]) -> FramePictures:
    """Image, true and predicted depth on one color scale over `range_m`, and the signed relative error."""
    return FramePictures(
        _jpeg(cv2.cvtColor(panel.image_rgb, cv2.COLOR_RGB2BGR)),
        _png(_depth_picture(panel.true_m, range_m)),
        _png(_depth_picture(panel.pred_m, range_m)),
        _png(_error_picture(panel.pred_m / panel.true_m - 1.0)),
    )


def shown_range_m(panels: Sequence[Panel]) -> tuple[float, float]:
    """Range of depth that the pictures' colors span: nearly all of the true depth in them, in round numbers."""
    true_m = np.concatenate([panel.true_m[np.isfinite(panel.true_m)] for panel in panels])
    low, high = np.percentile(true_m, (1, 99))
    low, high = max(0.1, np.floor(4 * low) / 4), np.ceil(2 * high) / 2
    return float(low), float(max(high, low + 0.5))


def depth_gradient(range_m: tuple[float, float]) -> str:
    """The depth colors as CSS gradient stops, from near to far."""
    depths_m = np.geomspace(*range_m, 17, dtype=np.float32)
    colors = color_depth(depths_m[None], range_m)[0]
    return ", ".join(f"#{red:02x}{green:02x}{blue:02x}" for blue, green, red in colors.tolist())


def error_gradient() -> str:
    """The error colors as CSS gradient stops, from too near to too far."""
    colors = _error_colors(np.linspace(-1, 1, 9))
    return ", ".join(f"#{red:02x}{green:02x}{blue:02x}" for blue, green, red in colors.tolist())


def _depth_picture(depth_m: NDArray[Any], range_m: tuple[float, float]) -> NDArray[np.uint8]:
    valid = np.isfinite(depth_m) & (depth_m > 0)
    return np.where(valid[..., None], color_depth(depth_m, range_m), MISSING_RGB[::-1]).astype(np.uint8)


def _error_picture(relative: NDArray[Any]) -> NDArray[np.uint8]:
    valid = np.isfinite(relative)
    colors = _error_colors(np.where(valid, relative, 0.0) / ERROR_LIMIT)
    return np.where(valid[..., None], colors, MISSING_RGB[::-1]).astype(np.uint8)


def _error_colors(share: NDArray[Any]) -> NDArray[np.uint8]:
    """BGR of -1 (too near) to 1 (too far), white at 0."""
    share = np.clip(share, -1.0, 1.0)[..., None]
    end = np.where(share < 0, _TOO_NEAR_BGR, _TOO_FAR_BGR)
    mixed = _RIGHT_BGR + np.abs(share) ** 0.75 * (end - np.array(_RIGHT_BGR))
    return np.asarray(mixed, np.uint8)


def _jpeg(picture: NDArray[Any]) -> str:
    return _data_uri("jpeg", cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))[1])


def _png(picture: NDArray[Any]) -> str:
    return _data_uri("png", cv2.imencode(".png", picture)[1])


def _data_uri(kind: str, encoded: NDArray[Any]) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(encoded.tobytes()).decode('ascii')}"
