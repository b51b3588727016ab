"""Render the sample scan: a walk past a bicycle, two wheeled bins and a car, as a Redwood-format RGB-D scan."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from redwood_depth.commands.shared.command_line import command_parser, run_command
from training.synthetic.places.street import sample_path, sample_street
from training.synthetic.recording import Recording, render_scan
from training.synthetic.rendering.light import Light
from training.synthetic.rendering.render import Camera
from training.synthetic.rendering.sky import Sky, sky_picture


def _render(arguments: argparse.Namespace) -> int:
    recording = Recording()
    light = Light(sky_picture(Sky(), np.random.default_rng(recording.seed)))
    about = {"source": "redwood_depth, python -m training.synthetic.sample: procedural scene, modeled depth sensor"}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("rendering", total=sum(map(len, recording.stamps())))
        render_scan(
            arguments.output,
            sample_street(),
            light,
            sample_path(),
            Camera(),
            recording,
            samples=arguments.samples,
            about=about,
            done=lambda: progress.advance(task),
        )
    color = len(list((arguments.output / "rgb").glob("*.jpg")))
    size = sum(file.stat().st_size for file in arguments.output.rglob("*-*.*"))
    print(f"{arguments.output}: {color} color frames, {size / 1e6:.2f} MB")
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
