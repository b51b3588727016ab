"""Labeled photos without depth, one folder a class, for the class head."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from redwood_depth.bundle import NO_CLASS
from redwood_depth.errors import ScanError
from redwood_depth.scans.redwood import decode_color
from training.data.augment import random_light
from training.data.scan_preparation import resize_color

Image = npt.NDArray[np.uint8]
SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Photo:
    """A photo's file and class; crops named PHOTO_NUMBER.jpg share the source PHOTO."""

    path: Path
    class_name: str

    @property
    def source(self) -> str:
        return f"{self.class_name}/{re.split(r'[_.]', self.path.name)[0]}"

    def read(self) -> Image:
        """(H, W, 3) uint8 RGB. Raises ScanError where the file is not an image."""
        try:
            return decode_color(self.path.read_bytes())
        except (ScanError, OSError) as error:
            raise ScanError(f"{self.path}: {error}") from error


def find_photos(folder: Path, classes: Sequence[str]) -> list[Photo]:
    """The photos in FOLDER/CLASS/ for each of `classes` and "none". Raises ScanError where there are none."""
    names = [*classes, NO_CLASS]
    photos = [
        Photo(path, name) for name in names for path in sorted((folder / name).glob("*")) if path.suffix in SUFFIXES
    ]
    if not photos:
        raise ScanError(f"no photos in {folder}: expected folders named {', '.join(names)} with JPEG or PNG in them")
    return photos


def photo_view(image: Image, size: tuple[int, int], rng: np.random.Generator | None) -> Image:
    """A photo as an image of `size` (height, width); with `rng` a random part, perhaps mirrored, in other light."""
    if rng is None:
        return resize_color(image, *size)
    height, width = image.shape[:2]
    part = rng.uniform(0.75, 1.0, 2)
    rows, columns = (max(2, round(part[0] * height)), max(2, round(part[1] * width)))
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    view = resize_color(np.ascontiguousarray(image[top : top + rows, left : left + columns]), *size)
    return random_light(np.ascontiguousarray(view[:, ::-1]) if rng.random() < 0.5 else view, rng)
