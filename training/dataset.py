"""Scans in memory, and an endless supply of augmented training samples from them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from redwood_depth.camera import Intrinsics, TrainingCamera
from redwood_depth.errors import ScanError
from redwood_depth.scans import RedwoodScan, decode_color, decode_depth
from training.augment import random_light, random_view

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedScan:
    """A scan's frames: colors (H, W, 3) uint8 RGB, depths (H, W) uint16 mm with 0 = missing, all of one camera."""

    name: str
    intrinsics: Intrinsics
    colors: list[npt.NDArray[np.uint8]]
    depths: list[npt.NDArray[np.uint16]]
    unpaired: int


def load_scan(path: Path | str, max_frames: int | None = None) -> LoadedScan:
    """Read a scan, or `max_frames` of it spread evenly.

    Raises:
        ScanError: as RedwoodScan.open, or an image is corrupt or of another size than the camera's.
    """
    with RedwoodScan.open(path) as scan:
        frames = scan.frames
        if scan.unpaired:
            _log.warning("%s: %d colour frames have no depth frame near in time", path, scan.unpaired)
        if max_frames is not None and len(frames) > max_frames:
            frames = [frames[i] for i in np.linspace(0, len(frames) - 1, max_frames).round().astype(int)]
        colors = [decode_color(scan.color_bytes(frame)) for frame in frames]
        depths = [decode_depth(scan.depth_bytes(frame)) for frame in frames]
        size = (scan.intrinsics.height, scan.intrinsics.width)
        for frame, color, depth in zip(frames, colors, depths, strict=True):
            if color.shape[:2] != size or depth.shape != size:
                raise ScanError(
                    f"{path}: {frame.color} and {frame.depth} must be {size[1]}x{size[0]}, as its camera is"
                )
        return LoadedScan(scan.name, scan.intrinsics, colors, depths, scan.unpaired)


def resize_color(color: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """(H, W, 3) -> (*size, 3) by area, exactly as the robot's estimator resizes."""
    return cv2.resize(color, size[::-1], interpolation=cv2.INTER_AREA)


def training_depth_m(scan: LoadedScan, index: int, camera: TrainingCamera) -> npt.NDArray[np.float32]:
    """Depth (H, W) of a frame in metres, as the training camera would measure it; 0 = missing."""
    return scan.depths[index].astype(np.float32) / np.float32(1000 * scan.intrinsics.depth_scale(camera))


def training_median_m(scans: Sequence[LoadedScan], camera: TrainingCamera, depth_range_m: tuple[float, float]) -> float:
    """Median depth at the training camera; each scan counts the same, however many frames it has.

    Raises:
        ScanError: a scan has no depth in the range.
    """
    samples, (low, high) = [], depth_range_m
    for scan in scans:
        sample = np.concatenate([training_depth_m(scan, i, camera)[::8, ::8].ravel() for i in range(len(scan.depths))])
        samples.append(sample[(sample >= low) & (sample <= high)])
        if not len(samples[-1]):
            raise ScanError(f"scan {scan.name} has no depth between {low:g} and {high:g} m")
    shortest = min(len(values) for values in samples)
    rng = np.random.default_rng(0)
    return float(np.median(np.concatenate([rng.choice(values, shortest, replace=False) for values in samples])))


class TrainingSamples(Dataset[tuple[Tensor, Tensor]]):
    """Augmented samples: image (3, h, w) float 0..255 and depth (h, w) metres at the training camera, 0 = missing.

    Sample `index` depends on `seed` and `index` alone, so a run can be repeated with any number of workers. A scan is
    drawn by its weight first, then one of its frames: a long scan of one room does not drown a short one.
    """

    def __init__(
        self,
        scans: Sequence[LoadedScan],
        weights: Sequence[float],
        camera: TrainingCamera,
        size: tuple[int, int],
        length: int,
        seed: int,
    ) -> None:
        self._scans = scans
        self._weights = np.asarray(weights) / np.sum(weights)
        self._camera = camera
        self._size = size
        self._length = length
        self._seed = seed

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([self._seed, index])
        scan = self._scans[rng.choice(len(self._scans), p=self._weights)]
        frame = rng.integers(len(scan.colors))
        depth_m = scan.depths[frame].astype(np.float32) / 1000
        image, depth = random_view(scan.colors[frame], depth_m, scan.intrinsics, self._camera, self._size, rng)
        image = random_light(image, rng)
        return torch.from_numpy(image).float().permute(2, 0, 1), torch.from_numpy(depth)
