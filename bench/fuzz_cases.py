"""Random and mutated camera messages: images of every sort of damage, compressed ones, camera_info."""

import math
import random
import struct
import zlib
from array import array
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage

from bench.harness.ros import camera_info, header_at
from redwood_depth.images.encodings import COLOR_ENCODINGS
from redwood_depth.node.messages import image_message

_UNKNOWN = ("", "nv12", "RGB8", "rgb8 ", "32FC1", "64FC3", "yuv999", "bayer_rggb12", "ü" * 40, "x" * 5000, "../../etc")
_SIZES = (0, 1, 2, 3, 16, 47, 48, 64, 65, 480, 4096, 16384, 16385, 65536, 2**31 - 1, 2**31, 2**32 - 1)
_FLOATS = (0.0, -0.0, -1.0, 1e-300, 1e300, math.nan, math.inf, -math.inf)
_CHANNELS = {"mono8": 1, "8UC1": 1, "rgb8": 3, "bgr8": 3, "8UC3": 3, "rgba8": 4, "bgra8": 4}


def _set(message: Any, **values: int) -> None:
    for name, value in values.items():
        setattr(message, name, value)


class FuzzCases:
    """A stream of messages that one seed determines."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._index = 0

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def count(self, most: int) -> int:
        return self._random.randint(1, most)

    def image(self) -> Any:
        """An Image with one to three fields that may not fit the rest."""
        message = self._plausible_image()
        for change in self._random.sample(self._image_changes(), self._random.choice((0, 1, 1, 1, 2, 3))):
            change(message)
        return message

    def compressed(self) -> Any:
        """A CompressedImage: whole, cut, with bytes altered or exchanged, a bomb, or noise."""
        make = self._random.choice(
            (self._picture, self._cut, self._cut, self._altered, self._altered, self._bomb, self._noise, self._spliced)
        )
        form = self._random.choice(("jpeg", "png", "rgb8; jpeg compressed bgr8", "", "tiff", "x" * 300))
        return CompressedImage(header=self._header(), format=form, data=array("B", make()))

    def camera_info(self) -> CameraInfo:
        """A CameraInfo, most of them impossible in some way."""
        info = camera_info(self._header(), self._random.choice((1, 48, 480)), self._random.choice((1, 64, 640)))
        for change in self._random.sample(self._info_changes(), self._random.choice((0, 1, 1, 2))):
            change(info)
        return info

    def _header(self) -> Any:
        self._index += 1
        return header_at(self._index, self._random.choice(("camera", "", "a/b", "x" * 500)))

    def _plausible_image(self) -> Any:
        encoding = self._random.choice(COLOR_ENCODINGS)
        height, width = self._random.choice(((48, 64), (2, 2), (1, 1), (7, 5), (240, 320)))
        bytes_each = _CHANNELS.get(
            encoding, 8 if "a16" in encoding else 6 if "gb16" in encoding or "gr16" in encoding else 2
        )
        image = image_message(self._header(), np.zeros((height, width, bytes_each), np.uint8), encoding)
        image.data = array("B", self._random.randbytes(len(image.data)))
        return image

    def _image_changes(self) -> list[Callable[[Any], None]]:
        pick, between = self._random.choice, self._random.randint
        return [
            lambda m: setattr(m, "encoding", pick(_UNKNOWN)),
            lambda m: setattr(m, "encoding", pick(COLOR_ENCODINGS)),
            lambda m: setattr(m, "height", pick(_SIZES)),
            lambda m: setattr(m, "width", pick(_SIZES)),
            lambda m: setattr(m, "step", pick((0, 1, m.width, m.step + between(1, 9), max(0, m.step - 1), *_SIZES))),
            lambda m: setattr(m, "data", m.data[: between(0, len(m.data))]),
            lambda m: setattr(m, "data", array("B", bytes(m.data) + self._random.randbytes(between(1, 5000)))),
            lambda m: setattr(m, "is_bigendian", pick((1, 2, 255))),
            lambda m: _set(m, height=pick(_SIZES), width=pick(_SIZES)),
        ]

    def _info_changes(self) -> list[Callable[[Any], None]]:
        pick, between = self._random.choice, self._random.randint
        return [
            lambda i: i.k.__setitem__(between(0, 8), pick(_FLOATS)),
            lambda i: i.p.__setitem__(between(0, 11), pick(_FLOATS)),
            lambda i: setattr(i, "width", pick(_SIZES)),
            lambda i: setattr(i, "height", pick(_SIZES)),
            lambda i: setattr(i, "d", [pick(_FLOATS) for _ in range(between(0, 40))]),
            lambda i: setattr(i, "binning_x", pick(_SIZES)),
            lambda i: setattr(i, "binning_y", pick(_SIZES)),
            lambda i: setattr(i.roi, "width", pick(_SIZES)),
            lambda i: setattr(i.roi, "x_offset", pick(_SIZES)),
            lambda i: setattr(i, "distortion_model", pick(("", "fisheye", "x" * 300))),
        ]

    def _picture(self) -> bytes:
        shape = self._random.choice(((48, 64, 3), (48, 64), (1, 1, 3), (240, 320, 3), (48, 64, 4)))
        kind = ".jpg" if len(shape) == 3 and shape[2] == 3 and self.chance(0.6) else ".png"
        coarse = np.frombuffer(self._random.randbytes(48), np.uint8).reshape(4, 4, 3)
        pixels = cv2.resize(coarse, shape[1::-1])
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) if len(shape) == 2 else pixels
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA) if len(shape) == 3 and shape[2] == 4 else pixels
        return cv2.imencode(kind, pixels)[1].tobytes()

    def _cut(self) -> bytes:
        data = self._picture()
        return data[: self._random.randint(0, len(data))]

    def _altered(self) -> bytes:
        data = bytearray(self._picture())
        first = self._random.choice((len(data), 60))  # anywhere, or in the header
        for _ in range(self.count(20)):
            data[self._random.randrange(min(first, len(data)))] = self._random.randrange(256)
        return bytes(data)

    def _spliced(self) -> bytes:
        first, second = self._picture(), self._picture()
        return first[: self._random.randint(0, len(first))] + second[self._random.randint(0, len(second)) :]

    def _noise(self) -> bytes:
        start = self._random.choice((b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"<svg"))
        return start + self._random.randbytes(self._random.choice((0, 1, 7, 500, 20_000)))

    def _bomb(self) -> bytes:
        return png_that_claims(self._random.choice(((30_000, 30_000), (2**31 - 1, 1), (16_384, 16_384), (16_385, 1))))


def png_that_claims(size: tuple[int, int]) -> bytes:
    """A PNG of some hundred bytes, with correct checksums, that says it has `size` (width, height) in pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(50_000)))
        + chunk(b"IEND", b"")
    )
