"""Training samples from prepared scans: which frame comes when, and what it looks like after augmentation."""

import fnmatch
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from redwood_depth.camera import TrainingCamera
from training.config import TrainConfig
from training.data.augment import random_light, random_view
from training.data.prepared_data import PreparedScan
from training.data.scan_preparation import resize_color
from training.errors import TrainingError

CAMERA = TrainingCamera(fx_over_width=525 / 640, fy_over_height=525 / 480)  # Redwood's own
BALANCE_WIDTH = 0.25  # of a logarithm: how alike median depths are that count as one
OPEN_SCANS = 128  # a scan holds two files open, and a process may often have 1024

Sample = dict[str, Tensor]


class FrameSamples(Dataset[Sample]):
    """Frames of prepared scans by number, scan after scan: sample (draw, frame) is frame `frame` augmented by `draw`.

    A sample holds `image` (3, H, W) uint8 RGB, `depth` (H, W) float32 metres at the training camera, 0 = missing,
    `label`, the class index or -1, `share`, what part of its scan it is, and `draw`. What augmentation does depends on
    the seed and the draw alone, so a run can be repeated, and resumed, with any number of workers.
    """

    def __init__(self, scans: Sequence[PreparedScan], config: TrainConfig, *, augment: bool) -> None:
        self._scans = list(scans)
        self._first = np.cumsum([0, *(len(scan) for scan in scans)])
        self._config = config
        self._augment = augment
        self._arrays: dict[int, tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]] = {}

    def __len__(self) -> int:
        return int(self._first[-1])

    def __getitem__(self, at: tuple[int, int]) -> Sample:
        draw, frame = at
        number = int(np.searchsorted(self._first, frame, side="right")) - 1
        scan = self._scans[number]
        if number not in self._arrays:
            if len(self._arrays) >= OPEN_SCANS:
                del self._arrays[next(iter(self._arrays))]
            self._arrays[number] = scan.image, scan.depth
        images, depths = (array[frame - self._first[number]] for array in self._arrays[number])
        depth_m = depths.astype(np.float32) / np.float32(1000)
        rng = np.random.default_rng([self._config.seed, draw])
        image, depth = self._view(np.asarray(images), depth_m, scan, rng)
        return {
            "image": torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))),
            "depth": torch.from_numpy(np.ascontiguousarray(depth)),
            "label": torch.tensor(scan.class_index),
            "share": torch.tensor(1 / len(scan)),
            "draw": torch.tensor(draw),
        }

    def _view(
        self,
        image: npt.NDArray[np.uint8],
        depth_m: npt.NDArray[np.float32],
        scan: PreparedScan,
        rng: np.random.Generator,
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        config, size = self._config, (self._config.height, self._config.width)
        if self._augment and config.augment_camera:
            image, depth_m = random_view(image, depth_m, scan.intrinsics, CAMERA, size, rng)
        else:
            depth_m = as_training_camera(depth_m, scan)
            if image.shape[:2] != size:
                image = resize_color(image, *size)
                resized_m = cv2.resize(depth_m, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
                depth_m = resized_m.astype(np.float32, copy=False)
        if self._augment and config.flip and rng.random() < 0.5:
            image, depth_m = image[:, ::-1], depth_m[:, ::-1]
        if self._augment and config.augment_light:
            image = random_light(np.ascontiguousarray(image), rng)
        if self._augment and config.swap_red_green and rng.random() < 0.25:
            image = image[..., [1, 0, 2]]
        return image, depth_m


def as_training_camera(depth_m: npt.NDArray[np.float32], scan: PreparedScan) -> npt.NDArray[np.float32]:
    """Depth (H, W) in metres as the training camera would measure it: divided by what the estimator multiplies with."""
    return depth_m / np.float32(scan.intrinsics.depth_scale(CAMERA))


class DrawSampler(Sampler[tuple[int, int]]):
    """(draw, frame) for the samples of an epoch: seeded, shared out among processes, and able to start in the middle.

    "scans": a scan by its weight, then one of its frames, so that a long scan of one room does not drown a short one.
    "frames": every frame once, and some twice where the last batch would not be full.
    `start` samples of this process's share are skipped, once: a resumed epoch's.
    """

    def __init__(
        self, scans: Sequence[PreparedScan], config: TrainConfig, *, rank: int = 0, processes: int = 1
    ) -> None:
        """Raises TrainingError where scan_weights leave no scan."""
        self._lengths = np.array([len(scan) for scan in scans])
        self._first = np.cumsum([0, *self._lengths])
        self._config, self._rank, self._processes = config, rank, processes
        self._share = scan_shares(scans, config)
        frames, block = int(self._lengths.sum()), config.batch_size * processes
        if config.sampling == "frames":
            self._per_epoch = -(-frames // block) * block
        else:
            self._per_epoch = max(block, (config.samples_per_epoch or frames) // block * block)
        self.epoch = self.start = 0

    def __len__(self) -> int:
        return self._per_epoch // self._processes

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return len(self) // self._config.batch_size

    def set_epoch(self, epoch: int) -> None:
        """Lightning says so before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:
        start, self.start = self.start, 0
        views = self.epoch // self._config.reuse_views
        frames, order = self._frames(views), np.arange(self._per_epoch)
        if self._config.reuse_views > 1:
            order = np.random.default_rng([self._config.seed, self.epoch, 2]).permutation(order)
        for index in order[self._rank + start * self._processes :: self._processes]:
            yield views * self._per_epoch + int(index), int(frames[index])

    def _frames(self, epoch: int) -> npt.NDArray[np.int64]:
        rng = np.random.default_rng([self._config.seed, epoch, 1])
        if self._config.sampling == "frames":
            order = rng.permutation(self._lengths.sum())
            return np.resize(order, self._per_epoch)
        scans = rng.choice(len(self._lengths), self._per_epoch, p=self._share)
        frames: npt.NDArray[np.int64] = (rng.random(self._per_epoch) * self._lengths[scans]).astype(np.int64)
        return self._first[scans] + frames


def scan_shares(scans: Sequence[PreparedScan], config: TrainConfig) -> npt.NDArray[np.float64]:
    """Probability of each scan: `scan_weights`, and divided by how often its median depth comes, to `balance_depth`.

    1 makes the distribution of the medians flat, as far as there are any; 0 leaves it as it is.

    Raises:
        TrainingError: the weights leave no scan.
    """
    weights: npt.NDArray[np.float64] = _weights(scans, config.scan_weights)
    if config.balance_depth > 0:
        inside = [depth_inside(scan, config) for scan in scans]
        log_m = np.array([np.log(np.median(depth_m)) if depth_m.size else np.nan for depth_m in inside])
        known = np.isfinite(log_m)
        apart = (log_m[known, None] - log_m[None, known]) / BALANCE_WIDTH
        density = np.exp(-(apart**2) / 2) @ weights[known]
        weights[known] /= density**config.balance_depth
    shares: npt.NDArray[np.float64] = weights / weights.sum()
    return shares


def _weights(scans: Sequence[PreparedScan], patterns: dict[str, float]) -> npt.NDArray[np.float64]:
    """The weight of the last pattern that each scan's name matches, 1 without any."""
    weights = np.ones(len(scans))
    for pattern, weight in patterns.items():
        matching = [fnmatch.fnmatch(scan.name, pattern) for scan in scans]
        if not any(matching) or not weight >= 0:
            raise TrainingError(f"scan_weights: {pattern!r} matches no training scan, or {weight} is negative")
        weights[matching] = weight
    if not weights.sum() > 0:
        raise TrainingError("scan_weights leave no scan to train on")
    return np.asarray(weights / weights.sum())


def depth_inside(scan: PreparedScan, config: TrainConfig) -> npt.NDArray[np.float32]:
    """Some of a scan's depths at the training camera that are inside the range, in metres; none where it has none."""
    some_m = scan.depth[:: max(1, len(scan) // 20), ::8, ::8].astype(np.float32) / np.float32(1000)
    depth_m = as_training_camera(some_m, scan)
    low, high = config.depth_range_m
    return depth_m[(depth_m >= low) & (depth_m <= high)]


def training_median_m(scans: Sequence[PreparedScan], config: TrainConfig) -> float:
    """Median depth at the training camera, scans weighing as they are drawn.

    Raises:
        TrainingError: no scan has depth in the range.
    """
    rng = np.random.default_rng(0)
    samples, weights = [], []
    share = scan_shares(scans, config)
    for scan, part in zip(scans, share, strict=True):
        inside = depth_inside(scan, config)
        if inside.size:
            samples.append(rng.choice(inside, 200))
            weights.append(np.full(200, part))
    if not samples:
        low, high = config.depth_range_m
        raise TrainingError(f"no training scan has depth between {low:g} and {high:g} m")
    values, shares = np.concatenate(samples), np.concatenate(weights)
    order = values.argsort()
    return float(values[order][np.searchsorted(shares[order].cumsum(), shares.sum() / 2)])
