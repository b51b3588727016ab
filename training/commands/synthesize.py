"""python -m training synthesize: rendered scans in the Redwood layout."""

from __future__ import annotations

import argparse
import importlib.util
import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from redwood_depth.errors import ScanError
from training.commands.number_arguments import not_negative, positive
from training.synthetic.batch import ScanPlan, label_of, synthesize
from training.synthetic.rendering.renderer import VARIANTS

DESCRIPTION = """\
Render RGB-D scans in the Redwood layout: procedural cars, trash containers and bicycles, and scans that show none of
them, in streets, yards, garages and rooms. Nothing is downloaded; textures and shapes are made here.

Scans lie as OUTPUT/CLASS/sSEED-INDEX/{rgb,depth,info.json}, the classes in turn, every fourth scan in OUTPUT/none.
The same seed, index and options give the same scan, whatever --jobs. A stopped run goes on where it stopped: finished
scans are skipped, and a larger --scans adds to those that are there.
"""
EPILOG = """\
examples:
  python -m training synthesize --scans 12 --output out/synthetic --frames 10 --size 256x192
  python -m training synthesize --scans 200 --output out/scans --seed 3 --renderer llvm

Time, on two cores: 1 to 1.5 seconds a frame of 256x192, about 6 of 640x480; more cores, more at once.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command on its parser, with the function that runs it as `command`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--scans", type=positive, required=True, metavar="N", help="how many scans")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="ROOT", help="folder for the scans, made if missing"
    )
    parser.add_argument("--seed", type=not_negative, default=0, help="another seed, other scans (default %(default)s)")
    parser.add_argument("--frames", type=positive, default=20, help="frames a scan (default %(default)s)")
    parser.add_argument(
        "--size",
        type=_size,
        default=(640, 480),
        metavar="WxH",
        help="width x height in pixels, from 64x48; the focal length follows the width (default 640x480)",
    )
    parser.add_argument(
        "--samples",
        type=positive,
        default=12,
        help="light paths a pixel: more is slower and cleaner (default %(default)s)",
    )
    parser.add_argument(
        "--none-share",
        type=_share,
        default=0.25,
        metavar="SHARE",
        help="share of scans without an object, in OUTPUT/none, 0 to 1 (default %(default)s)",
    )
    parser.add_argument(
        "--jobs",
        type=positive,
        default=len(os.sched_getaffinity(0)),
        help="scans at a time (default: one a core, %(default)s)",
    )
    parser.add_argument(
        "--renderer",
        choices=sorted(VARIANTS),
        default="scalar",
        help="llvm: two to three times as fast, where libLLVM 19 or newer is installed (default %(default)s)",
    )
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Render what is missing, with progress on stderr and a summary on stdout."""
    if importlib.util.find_spec("mitsuba") is None:
        raise ScanError("synthesize needs the renderer mitsuba: pip install -r training/requirements.txt")
    width, height = arguments.size
    plans = [
        ScanPlan(
            index,
            label_of(index, arguments.none_share),
            arguments.seed,
            arguments.frames,
            width,
            height,
            arguments.samples,
        )
        for index in range(arguments.scans)
    ]
    columns = (TextColumn("synthesize"), BarColumn(), MofNCompleteColumn(), TextColumn("frames"), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=arguments.scans * arguments.frames, note="")
        summary = synthesize(
            plans,
            arguments.output,
            arguments.jobs,
            lambda scans, frames: progress.update(task, completed=frames, note=f"{scans} of {len(plans)} scans"),
            arguments.renderer,
        )
    counts = ", ".join(f"{count} {label}" for label, count in sorted(summary.scans.items()))
    print(f"{arguments.output}: {len(plans)} scans ({counts})")
    if summary.frames:
        each = summary.seconds / summary.frames
        print(f"rendered {summary.rendered} of them, {summary.frames} color frames, {each:.2f} s a frame")
    return 0


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()) or not (64 <= int(width) <= 4096 and 48 <= int(height) <= 4096):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 640x480, 64x48 at least")
    return int(width), int(height)


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return value
