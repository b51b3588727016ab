"""python -m training prepare: scans -> prepared data."""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from redwood_depth.bundle import NO_CLASS
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.errors import ScanError
from redwood_depth.parallel import BACKENDS
from training.commands.number_arguments import not_negative, positive
from training.data.preparation import PreparedData, PrepareSettings, prepare
from training.data.scan_preparation import PAIRINGS
from training.data.splits import SPLITS

DESCRIPTION = """\
Read scans once, and write what training reads a hundred times: small images in memory-mapped arrays.

ROOT holds scans in the Redwood layout, folders or zips, one folder a class:
  ROOT/CLASS/SCAN_ID/{rgb,depth}  or  ROOT/CLASS/SCAN_ID.zip
A scan directly below ROOT has the class "none": none of the classes is in view.
Bags with colour, depth and camera_info (MCAP, SQLite, ROS 1) are taken like scans, or given themselves.

DATA becomes
  DATA/CLASS/SCAN_ID/image.npy    uint8 (N, H, W, 3) RGB, resized by area
  DATA/CLASS/SCAN_ID/depth.npy    uint16 (N, H, W) millimetres, nearest measurement, 0 = missing
  DATA/index.json                 per scan: frames, intrinsics, time stamps, what was skipped and why
  DATA/splits.json                train, validation and test by scan; yours to edit: what it says is kept

Colour and depth are paired by their time stamps (--pairing position is the paper's mistake, for the study). Scans
whose info.json says "use": "evaluation only" are for the test.
Run it again after a stop, or with more scans: what is finished stays, and so does each scan's split (unless --seed
changes). Exit code 0 as long as one scan could be prepared; the summary names those that could not.
"""
EPILOG = """\
examples:
  python -m training prepare scans --output out/data
  python -m training prepare places --output out/data --place-separator _     # whole places are held out
  python -m training prepare out/synthetic scans --output out/data --height 192 --width 256 --frames-per-scan 100
"""
SHOWN_FRAMES = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    default = PrepareSettings()
    parser.add_argument(
        "roots",
        nargs="+",
        type=Path,
        metavar="ROOT",
        help="folder of scans or bags, or a bag; several are put together",
    )
    parser.add_argument("--output", required=True, type=Path, metavar="DATA", help="the folder to write")
    parser.add_argument("--height", type=positive, default=default.height, help="pixels, default %(default)s")
    parser.add_argument("--width", type=positive, default=default.width, help="pixels, default %(default)s")
    parser.add_argument(
        "--frames-per-scan",
        type=not_negative,
        default=default.frames_per_scan,
        metavar="N",
        help="evenly spread in time, default %(default)s; 0: all",
    )
    parser.add_argument(
        "--pairing",
        choices=PAIRINGS,
        default=default.pairing,
        help="stamp: by time (default); position: frame i with frame i, the paper's mistake, for the study only",
    )
    parser.add_argument(
        "--depth-unit",
        type=float,
        metavar="M",
        help="meters that one unit of depth is, such as 0.0002 (default: as recorded, else 0.001)",
    )
    parser.add_argument(
        "--place-separator",
        default="",
        metavar="TEXT",
        help="scans named alike up to it are one place, in one split: lab_door and lab_desk with _ (default: none are)",
    )
    parser.add_argument("--seed", type=int, help="of the splits, default that of DATA/splits.json, else 0")
    parser.add_argument("--jobs", type=positive, help="scans at a time, default one a core")
    parser.add_argument(
        "--backend",
        choices=BACKENDS,
        default=BACKENDS[0],
        help="default %(default)s: the cores of this machine; dask and ray: a cluster, see docs/cluster.md",
    )
    parser.set_defaults(command=_command)


def _command(arguments: argparse.Namespace) -> int:
    if arguments.depth_unit is not None and not 0 < arguments.depth_unit <= 1:
        raise ScanError(f"--depth-unit must lie between 0 and 1 m, not {arguments.depth_unit:g}")
    settings = PrepareSettings(
        arguments.height,
        arguments.width,
        arguments.frames_per_scan,
        pairing=arguments.pairing,
        depth_unit_m=arguments.depth_unit,
    )
    start_s = time.monotonic()
    with Progress("scans") as progress:

        def step(name: str, total: int) -> None:
            progress.total = total
            progress.advance(name)

        data, failed, notes = prepare(
            arguments.roots,
            arguments.output,
            settings,
            seed=arguments.seed,
            place_separator=arguments.place_separator,
            jobs=arguments.jobs,
            backend=arguments.backend,
            step=step,
        )
    _print_table(data)
    print(f"wrote {arguments.output} in {time.monotonic() - start_s:.1f} s")
    if arguments.pairing == "position":
        notes = ["paired by position: wrong after the first lost frame, and for the study only", *notes]
    for line in [*notes, *_frame_notes(data), *_split_notes(data)]:
        print(f"note: {line}", file=sys.stderr)
    for name, reason in failed.items():
        print(f"failed: {name}: {reason}", file=sys.stderr)
    return 0


def _print_table(data: PreparedData) -> None:
    print(f"{'class':20} {'scans':>6} {'frames':>8} " + " ".join(f"{split:>10}" for split in SPLITS))
    for name in sorted({scan.class_name for scan in data.all_scans}):
        scans = [scan for scan in data.all_scans if scan.class_name == name]
        places = Counter(data.splits[scan.name] for scan in scans)
        counts = " ".join(f"{places[split]:10}" for split in SPLITS)
        print(f"{name:20} {len(scans):6} {sum(map(len, scans)):8} {counts}")


def _frame_notes(data: PreparedData) -> list[str]:
    """What of the scans could not be used."""
    records = [scan.record for scan in data.all_scans]
    corrupt = [f"{record.name}: {line}" for record in records for line in record.corrupt]
    color, depth = sum(r.unpaired_color for r in records), sum(r.unpaired_depth for r in records)
    notes = [f"{color} colour and {depth} depth frames have no partner near in time"] if color or depth else []
    notes += [f"{record.name}: {line}" for record in records for line in record.notes]
    if corrupt:
        more = f"; {len(corrupt) - SHOWN_FRAMES} more in index.json" if len(corrupt) > SHOWN_FRAMES else ""
        notes.append(f"{len(corrupt)} frames cannot be used: {'; '.join(corrupt[:SHOWN_FRAMES])}{more}")
    return notes


def _split_notes(data: PreparedData) -> list[str]:
    notes = [f"no scan for {split}: more scans are needed" for split in SPLITS if not data.scans(split)]
    if len(data.classes) == 1:
        notes.append(f"one class only, {data.classes[0]}: nothing to tell apart")
    if not data.classes:
        notes.append(f"all scans are of class {NO_CLASS!r}: put them into ROOT/CLASS to learn classes")
    return notes
