"""How a scene is recorded: stamps on two clocks, exposure, noise, JPEG, the depth sensor, the files of the scan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.synthetic.objects.mesh import Floats
from training.synthetic.places.street import Street
from training.synthetic.rendering.camera_path import HandheldPath
from training.synthetic.rendering.depth_sensor import DepthSensor
from training.synthetic.rendering.light import Light
from training.synthetic.rendering.render import Camera, develop, load_scene, render_color, render_surface, srgb
from training.synthetic.scan_folder import Stamp, color_file, depth_file, write_color, write_depth, write_info

SENSOR_WIDTH_PX = 640  # the depth sensor's own; a smaller picture is a smaller copy of what it measures


@dataclass(frozen=True)
class Recording:
    """How a walk is recorded; the frames dropped are counted from 0 in their own stream.

    key: the mean brightness, 0..1 of white, that the exposure is metered for; None keeps `exposure` as it is.
    white_balance: how far the camera makes the mean of a metered picture gray, 0..1; tint: what it errs by, (3,).
    drift: how far the exposure wanders, as a share.
    """

    frames: int = 48
    fps: float = 9.0
    color_dropped: tuple[int, ...] = (21,)
    depth_dropped: tuple[int, ...] = (8, 37)
    depth_delay_us: int = 6_500
    jitter_us: int = 900
    exposure: float = 1.35
    key: float | None = None
    drift: float = 0.0
    white_balance: float = 0.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur_px: float = 0.0
    noise: float = 0.004
    jpeg_quality: int = 85
    bounces: int = 3
    seed: int = 7

    def stamps(self) -> tuple[list[Stamp], list[Stamp]]:
        """When color and when depth frames are taken: two clocks, a few milliseconds apart, each with gaps."""
        rng = np.random.default_rng(self.seed)
        ticks = np.round(1e6 * (1 / 30 + np.arange(self.frames) / self.fps)).astype(int)
        color = ticks + rng.integers(-self.jitter_us, self.jitter_us, self.frames)
        depth = ticks + self.depth_delay_us + rng.integers(-self.jitter_us, self.jitter_us, self.frames)
        return _numbered(color, self.color_dropped), _numbered(depth, self.depth_dropped)

    def exposure_at(self, time_s: float) -> float:
        """What the metered exposure is multiplied by at a time."""
        return float(np.exp(self.drift * np.sin(2.1 * time_s + self.seed)))


def _numbered(times_us: NDArray[np.int64], dropped: tuple[int, ...]) -> list[Stamp]:
    kept = [int(time_us) for index, time_us in enumerate(times_us) if index not in dropped]
    return [Stamp(number, time_us) for number, time_us in enumerate(kept, start=1)]


def render_scan(
    output: Path,
    street: Street,
    light: Light,
    path: HandheldPath,
    camera: Camera,
    recording: Recording,
    *,
    samples: int,
    about: dict[str, Any],
    done: Callable[[], None] = lambda: None,
) -> None:
    """Render what is missing of a scan into `output`; files that exist are kept, info.json is written last.

    samples: light paths a pixel; about: what else info.json says; done: called after each frame of either stream.
    """
    output.mkdir(parents=True, exist_ok=True)
    color, depth = recording.stamps()
    scene = load_scene(street.parts, light)
    exposure: Floats | None = None
    for stamp in color:
        if not color_file(output, stamp).exists():
            exposure = _metered(scene, camera, path, recording) if exposure is None else exposure
            _record_color(color_file(output, stamp), scene, camera, path, recording, stamp, samples, exposure)
        done()
    scale = camera.width / SENSOR_WIDTH_PX
    sensor = DepthSensor(focal_px=camera.fx).scaled(scale)
    for stamp in depth:
        if not depth_file(output, stamp).exists():
            surface = render_surface(scene, camera, path.pose(stamp.time_s), seed=stamp.number)
            rng = np.random.default_rng([recording.seed, 1, stamp.number])
            measured = sensor.measure(surface.z_m, surface.incidence, surface.albedo, rng)
            write_depth(depth_file(output, stamp), measured)
        done()
    write_info(output, {**_info(street, path, camera, recording), **about})


def _record_color(
    file: Path,
    scene: Any,
    camera: Camera,
    path: HandheldPath,
    recording: Recording,
    stamp: Stamp,
    samples: int,
    exposure: Floats,
) -> None:
    """Render, develop and write one color frame."""
    pose, bounces = path.pose(stamp.time_s), recording.bounces
    half = max(1, samples // 2)
    first, second = (
        render_color(scene, camera, pose, samples=half, seed=2 * stamp.number + turn, bounces=bounces)
        for turn in (0, 1)
    )
    exposure = exposure * recording.exposure_at(stamp.time_s)
    difference = srgb(first * exposure).astype(np.float32) - srgb(second * exposure)
    image = develop(
        (first + second) / 2,
        exposure=exposure,
        noise=recording.noise,
        rng=np.random.default_rng([recording.seed, 2, stamp.number]),
        blur_px=recording.blur_px,
        smoothing=float(np.clip(0.9 * np.median(np.abs(difference)), 1.5, 10.0)),
    )
    write_color(file, image, recording.jpeg_quality)


def _metered(scene: Any, camera: Camera, path: HandheldPath, recording: Recording) -> Floats:
    """The exposure of each channel, (3,), from small pictures at the start and the end of the recording."""
    if recording.key is None:
        return np.full(3, recording.exposure)
    small = camera.scaled(32 / camera.width)
    ends = (0.0, (recording.frames - 1) / recording.fps)
    pictures = [render_color(scene, small, path.pose(time_s), samples=16, seed=9) for time_s in ends]
    radiance = np.concatenate([picture.reshape(-1, 3) for picture in pictures]).astype(np.float64)
    mean = np.minimum(radiance, 3 * np.median(radiance) + 1e-6).mean(axis=0)
    gains = (mean.mean() / np.maximum(mean, 1e-6)) ** recording.white_balance
    low, high = 1e-4, 1e4
    for _ in range(40):  # the brighter the exposure, the brighter the picture, up to white
        middle = np.sqrt(low * high)
        too_dark = np.minimum(radiance * gains * middle, 1).mean() < recording.key
        low, high = (middle, high) if too_dark else (low, middle)
    return np.asarray(gains * low * np.array(recording.tint))


def _info(street: Street, path: HandheldPath, camera: Camera, recording: Recording) -> dict[str, Any]:
    """What info.json says: the camera, the units, where the scan comes from, and the class in view of color frames."""
    color, _ = recording.stamps()
    labels = {
        stamp.name: street.label(path.pose(stamp.time_s), fx=camera.fx, width=camera.width, height=camera.height)
        for stamp in color
    }
    return {
        **asdict(camera),
        "depth_unit": "mm",
        "frames": len(color),
        "nominal_fps": recording.fps,
        "kind": "synthetic",
        "license": "Apache-2.0",
        "labels": {name: label for name, label in labels.items() if label is not None},
    }
