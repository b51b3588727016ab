"""The color encodings of sensor_msgs that are understood, one row each: how pixels are stored, what makes them RGB."""

from dataclasses import dataclass

import cv2


@dataclass(frozen=True)
class Encoding:
    """How pixels are stored: `channels` of `bits`, and OpenCV's code that makes them RGB, None where they are.

    A pixel of a `mosaic` or of subsampled color (`shared`) is made of its neighbors' values too, so such images are
    converted at full size before they are resized. `chroma_rows` of a row's length follow an image's brightness, a row
    of it each. `bridge_name` is what cv_bridge calls it, None where cv_bridge does not know it.
    """

    channels: int
    bits: int
    to_rgb: int | None
    mosaic: bool = False
    shared: bool = False
    chroma_rows: float = 0.0
    bridge_name: str | None = None


# OpenCV names a mosaic after its second row's second and third pixel, ROS after its first two rows: hence RGGB is BG.
_BAYER = {
    "rggb": cv2.COLOR_BayerBG2RGB,
    "bggr": cv2.COLOR_BayerRG2RGB,
    "gbrg": cv2.COLOR_BayerGR2RGB,
    "grbg": cv2.COLOR_BayerGB2RGB,
}
_INTERLEAVED = {  # OpenCV's order where a name says none, as cv_bridge takes it
    "rgb8": (3, 8, None),
    "bgr8": (3, 8, cv2.COLOR_BGR2RGB),
    "8UC3": (3, 8, cv2.COLOR_BGR2RGB),
    "rgba8": (4, 8, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, 8, cv2.COLOR_BGRA2RGB),
    "8UC4": (4, 8, cv2.COLOR_BGRA2RGB),
    "mono8": (1, 8, cv2.COLOR_GRAY2RGB),
    "8UC1": (1, 8, cv2.COLOR_GRAY2RGB),
    "rgb16": (3, 16, None),
    "bgr16": (3, 16, cv2.COLOR_BGR2RGB),
    "16UC3": (3, 16, cv2.COLOR_BGR2RGB),
    "rgba16": (4, 16, cv2.COLOR_RGBA2RGB),
    "bgra16": (4, 16, cv2.COLOR_BGRA2RGB),
    "mono16": (1, 16, cv2.COLOR_GRAY2RGB),
    "16UC1": (1, 16, cv2.COLOR_GRAY2RGB),
}
_YUV422 = {
    "yuv422": (cv2.COLOR_YUV2RGB_UYVY, "yuv422"),
    "uyvy": (cv2.COLOR_YUV2RGB_UYVY, "yuv422"),
    "yuv422_yuy2": (cv2.COLOR_YUV2RGB_YUY2, "yuv422_yuy2"),
    "yuyv": (cv2.COLOR_YUV2RGB_YUY2, "yuv422_yuy2"),
}
ENCODINGS = {
    **{name: Encoding(*row) for name, row in _INTERLEAVED.items()},
    **{
        f"bayer_{pattern}{bits}": Encoding(1, bits, code, mosaic=True, bridge_name=f"bayer_{pattern}8")
        for bits in (8, 16)
        for pattern, code in _BAYER.items()
    },
    **{name: Encoding(2, 8, code, shared=True, bridge_name=known) for name, (code, known) in _YUV422.items()},
    "nv12": Encoding(1, 8, cv2.COLOR_YUV2RGB_NV12, shared=True, chroma_rows=0.5),
    "nv21": Encoding(1, 8, cv2.COLOR_YUV2RGB_NV21, shared=True, chroma_rows=0.5),
    "nv24": Encoding(1, 8, cv2.COLOR_YUV2RGB_YUY2, shared=True, chroma_rows=2.0),  # as YUY2 of twice the width
}
COLOR_ENCODINGS = tuple(ENCODINGS)
