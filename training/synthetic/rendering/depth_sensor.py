"""A structured-light depth camera in numbers: what a PrimeSense Carmine makes of the true depth.

After Khoshelham and Elberink, "Accuracy and Resolution of Kinect Depth Data" (Sensors 2012): the sensor measures
disparity in steps of 1/8 pixel, so that a step of depth grows with its square; it sees nothing where the projector's
pattern is hidden, returns too weakly or is smeared over an edge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
WINDOW_PX = 5  # what is thinner than half of it, such as a spoke, is overlooked: the sensor matches patches, not pixels


@dataclass(frozen=True)
class DepthSensor:
    """The sensor's measures: meters, pixels of disparity, shares of reflectance."""

    min_m: float = 0.4
    max_m: float = 8.0
    baseline_m: float = 0.075
    focal_px: float = 525.0
    step_px: float = 0.125
    noise_px: float = 0.03
    dark_albedo: float = 0.026
    grazing_cosine: float = 0.10
    window_px: int = WINDOW_PX

    def scaled(self, scale: float) -> DepthSensor:
        """The same sensor whose picture is made smaller afterwards: its steps are as fine in meters as before.

        `focal_px` is that of the small picture already.
        """
        window_px = WINDOW_PX if scale > 0.6 else 3
        return replace(self, step_px=self.step_px * scale, noise_px=self.noise_px * scale, window_px=window_px)

    def step_m(self, z_m: float) -> float:
        """The distance between two neighboring depths that the sensor can tell, at a depth."""
        return z_m**2 / (self.focal_px * self.baseline_m) * self.step_px

    def measure(self, z_m: Image, incidence: Image, albedo: Image, rng: np.random.Generator) -> NDArray[np.uint16]:
        """The depth image in millimeters, (H, W) uint16, 0 = missing.

        z_m: true depth along the optical axis, 0 where nothing was hit; incidence: cosine between ray and normal;
        albedo: reflectance 0..1; all (H, W).
        """
        z_m = cv2.medianBlur(z_m, self.window_px).astype(np.float32, copy=False)
        seen = (z_m >= self.min_m) & (z_m <= self.max_m)
        seen &= self._lit(z_m) & ~self._smeared(z_m, rng) & self._returned(incidence, albedo, rng)
        measured = self.quantized(np.where(seen, z_m, 1.0), self.noise_px * patches(rng, z_m.shape, 3.0))
        seen &= (measured >= self.min_m) & (measured <= self.max_m)
        return np.where(seen, np.round(1000 * measured), 0).astype(np.uint16)

    def quantized(self, z_m: Image, noise_px: NDArray[np.float64] | float = 0.0) -> NDArray[np.float64]:
        """Depth after its disparity was disturbed and rounded to steps; the same shape, meters."""
        disparity = self.focal_px * self.baseline_m / z_m.astype(np.float64) + noise_px
        steps = np.maximum(np.round(disparity / self.step_px), 1)
        return self.focal_px * self.baseline_m / (steps * self.step_px)

    def _lit(self, z_m: Image) -> NDArray[np.bool_]:
        """Where the projector, one baseline to the right of the camera, sees the surface too."""
        height, width = z_m.shape
        shift = self.focal_px * self.baseline_m / np.where(z_m > 0, z_m, np.inf)
        column = np.arange(width)[None] - shift
        slot = np.round(column).astype(np.int64) + width  # far left of the image too
        flat = np.arange(height)[:, None] * 3 * width + np.clip(slot, 0, 3 * width - 1)
        nearest = np.full(height * 3 * width, np.inf)
        np.minimum.at(nearest, flat.ravel(), np.where(z_m > 0, z_m, np.inf).ravel())
        return np.asarray(z_m <= nearest[flat] + 0.02 + 0.01 * z_m**2)

    def _smeared(self, z_m: Image, rng: np.random.Generator) -> NDArray[np.bool_]:
        """The ragged seam along jumps of depth, where the matching window straddles two surfaces."""
        spread = cv2.dilate(z_m, np.ones((3, 3), np.uint8)) - cv2.erode(z_m, np.ones((3, 3), np.uint8))
        jump = (spread > 0.06 * np.maximum(z_m, 0.5)).astype(np.uint8)
        wide = cv2.dilate(jump, np.ones((3, 3), np.uint8))
        return (jump > 0) & (patches(rng, z_m.shape, 1.5) > -0.6) | (wide > 0) & (patches(rng, z_m.shape, 2.0) > 0.9)

    def _returned(self, incidence: Image, albedo: Image, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Where enough light comes back: not from glass, black paint and lacquer, nor at a grazing angle."""
        uneven = patches(rng, albedo.shape, 4.0)
        reflectance = cv2.GaussianBlur(albedo, (5, 5), 1.2)
        return (reflectance > self.dark_albedo * (1 + 0.12 * uneven)) & (
            incidence > self.grazing_cosine * (1 + 0.25 * uneven)
        )


def patches(rng: np.random.Generator, shape: tuple[int, ...], size_px: float) -> NDArray[np.float64]:
    """Noise of deviation 1 that is alike within a few pixels, (H, W)."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape), (0, 0), size_px)
    return np.asarray(noise * (2 * size_px * np.sqrt(np.pi)), np.float64)
