"""Render the sample scan: a walk past a bicycle, two wheeled bins and a car, as a Redwood-format RGB-D scan."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from redwood_depth.commands.command_line import command_parser, run_command
from training.synthetic.camera_path import HandheldPath
from training.synthetic.depth_sensor import DepthSensor
from training.synthetic.render import Camera, develop, load_scene, render_colour, render_surface
from training.synthetic.scan_folder import Stamp, colour_file, depth_file, write_colour, write_depth, write_info
from training.synthetic.scene import Street, sample_path, sample_street
from training.synthetic.sky import Sky, sky_picture


@dataclass(frozen=True)
class Recording:
    """How the walk is recorded; the frames dropped are counted from 0 in their own stream."""

    frames: int = 48
    fps: float = 9.0
    colour_dropped: tuple[int, ...] = (21,)
    depth_dropped: tuple[int, ...] = (8, 37)
    depth_delay_us: int = 6_500
    jitter_us: int = 900
    exposure: float = 1.35
    noise: float = 0.004
    jpeg_quality: int = 85
    seed: int = 7

    def stamps(self) -> tuple[list[Stamp], list[Stamp]]:
        """When colour and when depth frames are taken: two clocks, a few milliseconds apart, each with gaps."""
        rng = np.random.default_rng(self.seed)
        ticks = np.round(1e6 * (1 / 30 + np.arange(self.frames) / self.fps)).astype(int)
        colour = ticks + rng.integers(-self.jitter_us, self.jitter_us, self.frames)
        depth = ticks + self.depth_delay_us + rng.integers(-self.jitter_us, self.jitter_us, self.frames)
        return _numbered(colour, self.colour_dropped), _numbered(depth, self.depth_dropped)


def _numbered(times_us: NDArray[np.int64], dropped: tuple[int, ...]) -> list[Stamp]:
    kept = [int(time_us) for index, time_us in enumerate(times_us) if index not in dropped]
    return [Stamp(number, time_us) for number, time_us in enumerate(kept, start=1)]


def render_scan(
    output: Path, street: Street, path: HandheldPath, camera: Camera, recording: Recording, samples: int
) -> None:
    """Render what is missing of a scan into `output`; files that exist are kept, info.json is written last."""
    output.mkdir(parents=True, exist_ok=True)
    colour, depth = recording.stamps()
    scene = load_scene(street.parts, sky_picture(Sky(), np.random.default_rng(recording.seed)))
    sensor = DepthSensor(focal_px=camera.fx)
    for stamp in track(colour, description="colour"):
        if not colour_file(output, stamp).exists():
            radiance = render_colour(scene, camera, path.pose(stamp.time_s), samples=samples, seed=stamp.number)
            rng = np.random.default_rng([recording.seed, 2, stamp.number])
            image = develop(radiance, exposure=recording.exposure, noise=recording.noise, rng=rng)
            write_colour(colour_file(output, stamp), image, recording.jpeg_quality)
    for stamp in track(depth, description="depth "):
        if not depth_file(output, stamp).exists():
            surface = render_surface(scene, camera, path.pose(stamp.time_s), seed=stamp.number)
            rng = np.random.default_rng([recording.seed, 1, stamp.number])
            measured = sensor.measure(surface.z_m, surface.incidence, surface.albedo, rng)
            write_depth(depth_file(output, stamp), measured)
    write_info(output, scan_info(street, path, camera, recording))


def scan_info(street: Street, path: HandheldPath, camera: Camera, recording: Recording) -> dict[str, Any]:
    """What info.json says: the camera, the units, where the scan comes from, and the class in view of colour frames."""
    colour, _ = recording.stamps()
    labels = {
        stamp.name: street.label(path.pose(stamp.time_s), fx=camera.fx, width=camera.width, height=camera.height)
        for stamp in colour
    }
    return {
        **asdict(camera),
        "depth_unit": "mm",
        "frames": len(colour),
        "nominal_fps": recording.fps,
        "kind": "synthetic",
        "source": "redwood_depth, python -m training.synthetic.sample: procedural scene, modelled depth sensor",
        "licence": "Apache-2.0",
        "labels": {name: label for name, label in labels.items() if label is not None},
    }


def _render(arguments: argparse.Namespace) -> int:
    render_scan(arguments.output, sample_street(), sample_path(), Camera(), Recording(), arguments.samples)
    colour = len(list((arguments.output / "rgb").glob("*.jpg")))
    size = sum(file.stat().st_size for file in arguments.output.rglob("*-*.*"))
    print(f"{arguments.output}: {colour} colour frames, {size / 1e6:.2f} MB")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """The command `python -m training.synthetic.sample`."""
    parser = command_parser(
        "python -m training.synthetic.sample",
        "Render the sample scan that ships with the project: about 50 frames, 640x480, in the Redwood layout.\n"
        "A stopped run goes on where it stopped: frames that exist are kept. Remove the folder to start anew.",
        "example:\n  python -m training.synthetic.sample --output out/sample_scan",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="SCAN", help="folder of the scan, made if missing"
    )
    parser.add_argument(
        "--samples", type=int, default=16, help="light paths a pixel: more is slower and cleaner (default %(default)s)"
    )
    return run_command(parser, _render, argv)


if __name__ == "__main__":
    raise SystemExit(main())
