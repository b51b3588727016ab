"""The path of a camera carried by hand: a smooth curve through stations, with the shake of a hand on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.synthetic.objects.mesh import Floats, rotation


@dataclass(frozen=True)
class Station:
    """Where the camera is at a time, and the point it looks at; meters, seconds."""

    time_s: float
    position_m: tuple[float, float, float]
    target_m: tuple[float, float, float]


def look_at(position_m: Floats, target_m: Floats) -> Floats:
    """The pose (4, 4), camera to world, of a level camera: x right, y down, z towards the target."""
    ahead = (target_m - position_m) / np.linalg.norm(target_m - position_m)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(ahead, right), ahead], axis=-1)
    pose[:3, 3] = position_m
    return pose


class HandheldPath:
    """Poses along a spline through stations, shaken by slow sines: the same seed gives the same path."""

    def __init__(
        self, stations: Sequence[Station], *, seed: int, shake_m: float = 0.008, shake_deg: float = 0.5
    ) -> None:
        """Stations in order of time; the shake is a standard deviation per axis."""
        rng = np.random.default_rng(seed)
        self._times = np.array([station.time_s for station in stations])
        self._points = np.array([[*station.position_m, *station.target_m] for station in stations])  # (N, 6)
        self._frequency_hz = rng.uniform(0.4, 2.5, (6, 5))
        self._phase = rng.uniform(0, 2 * np.pi, (6, 5))
        self._size = np.repeat([shake_m, shake_deg], 3) * np.sqrt(2 / 5)

    def pose(self, time_s: float) -> Floats:
        """The pose (4, 4), camera to world, at a time; before the first station and after the last it stands still."""
        point = self._spline(float(np.clip(time_s, self._times[0], self._times[-1])))
        shake = self._size * np.sin(2 * np.pi * self._frequency_hz * time_s + self._phase).sum(axis=1)
        pose = look_at(point[:3] + shake[:3], point[3:])
        for axis, degrees in zip("xyz", shake[3:], strict=True):
            pose[:3, :3] = pose[:3, :3] @ rotation(axis, float(degrees))
        return pose

    def _spline(self, time_s: float) -> Floats:
        """Cubic Hermite between stations; slopes by finite differences, as Catmull and Rom; flat at both ends."""
        slopes = np.zeros_like(self._points)
        slopes[1:-1] = (self._points[2:] - self._points[:-2]) / (self._times[2:] - self._times[:-2])[:, None]
        last = int(np.clip(np.searchsorted(self._times, time_s, side="right") - 1, 0, len(self._times) - 2))
        span = self._times[last + 1] - self._times[last]
        s = (time_s - self._times[last]) / span
        start, end = self._points[last], self._points[last + 1]
        point: Floats = (
            (2 * s**3 - 3 * s**2 + 1) * start
            + (s**3 - 2 * s**2 + s) * span * slopes[last]
            + (3 * s**2 - 2 * s**3) * end
            + (s**3 - s**2) * span * slopes[last + 1]
        )
        return point
