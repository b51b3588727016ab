"""Labelled photos without depth, one folder a class, for the class head."""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from redwood_depth.errors import ScanError
from redwood_depth.scans import decode_color
from training.class_head import CLASS_GROUPS, ClassPhotos
from training.dataset import resize_color
from training.encoder import Encoder


def photo_files(folder: Path) -> list[tuple[str, Path]]:
    """(class, file) of every JPEG in FOLDER/CLASS/. Raises ScanError where there is none of a known class."""
    files = [(name, path) for name in CLASS_GROUPS for path in sorted((folder / name).glob("*.jpg"))]
    if not files:
        raise ScanError(f"no photos in {folder}: expected folders named {', '.join(CLASS_GROUPS)} with *.jpg in them")
    return files


def load_photo(path: Path, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """(*size, 3) uint8 RGB, resized as the robot resizes. Raises ScanError where the file is no image."""
    try:
        return resize_color(decode_color(path.read_bytes()), size)
    except (ScanError, OSError) as error:
        raise ScanError(f"{path}: {error}") from error


def class_photos(encoder: Encoder, folder: Path, size: tuple[int, int]) -> ClassPhotos:
    """Features and labels of all photos in a folder; crops named PHOTO_NUMBER.jpg share the source PHOTO."""
    files = photo_files(folder)
    labels = torch.tensor([list(CLASS_GROUPS).index(name) for name, _ in files])
    stems = [re.split(r"[_.]", path.name)[0] for _, path in files]
    sources = torch.tensor([sorted(set(stems)).index(stem) for stem in stems])
    return ClassPhotos(image_features(encoder, [load_photo(path, size) for _, path in files]), labels, sources)


def image_features(encoder: Encoder, images: list[npt.NDArray[np.uint8]]) -> torch.Tensor:
    """Pooled encoder features (N, F) of N images (h, w, 3) of one size."""
    with torch.no_grad():
        return torch.cat([encoder(torch.from_numpy(image).float().permute(2, 0, 1)[None])[1] for image in images])
