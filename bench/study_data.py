"""python -m bench.study_data SCAN... --output OUT: data for the study from a few long recordings.

Each recording is cut in time: its first 70 % is for training, the next 10 % for validation, the last 20 % is scored.
So the study shows what a recipe learns of a place, not what it knows of others. Of the color images every 20th is left
out, as where a recording loses frames: paired by position, color and depth then drift apart. OUT becomes

  OUT/scans/NAME/NAME-{first,middle,last}/   links to the recordings' images; the places are the classes
  OUT/stamp, OUT/position                    the same prepared, paired in each way, with the same splits

Recordings may be "evaluation only" (info.json): then they are scored whole and not trained on; with --cut-all they are
cut as the others, for weights that the study throws away and nobody ships. Run it with the interpreter of training:
 python -m training study --data OUT/stamp --position-data OUT/position --output OUT/runs
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.errors import ScanError
from redwood_depth.scans.redwood import RedwoodScan
from training.data.preparation import PrepareSettings, prepare
from training.data.recording_frames import EVALUATION_ONLY
from training.data.scan_preparation import PAIRINGS
from training.data.splits import write_splits

LOST_EVERY = 20  # color images
THROWN_AWAY = "a study whose weights are thrown away"
STRETCHES = (("first", "train", 0.0, 0.7), ("middle", "validation", 0.7, 0.8), ("last", "test", 0.8, 1.0))


def cut(scan: Path, folder: Path, cut_all: bool = False) -> dict[str, str]:
    """Link a recording's images into stretches below `folder`; returns the split of each by its name.

    Raises:
        ScanError: it is not a folder with rgb/ and depth/ that belong together.
    """
    if not scan.is_dir():
        raise ScanError(f"{scan} is not a folder with rgb/ and depth/")
    with RedwoodScan.open(scan) as source:
        colors = [entry for number, entry in enumerate(source.colors, 1) if number % LOST_EVERY]
        begin_us = min(source.colors[0][0], source.depths[0][0])
        length_us = 1 + max(source.colors[-1][0], source.depths[-1][0]) - begin_us
        whole = not cut_all and str(source.info.get("use", "")).startswith(EVALUATION_ONLY)
        stretches = (("whole", "test", 0.0, 1.0),) if whole else STRETCHES
        splits = {}
        for part, split, low, high in stretches:
            place = folder / f"{scan.name}-{part}"
            for kind, entries in (("rgb", colors), ("depth", source.depths)):
                (place / kind).mkdir(parents=True)
                for stamp_us, name in entries:
                    if low <= (stamp_us - begin_us) / length_us < high:
                        (place / kind / Path(name).name).symlink_to((scan / name).resolve())
            info = {**source.info, "use": THROWN_AWAY} if cut_all else source.info
            (place / "info.json").write_text(json.dumps(info), "utf-8")
            splits[f"{folder.name}/{place.name}"] = split
    return splits


def make(scans: Sequence[Path], output: Path, cut_all: bool = False) -> None:
    """Write `output` anew. Raises ScanError as `cut`, PreparedDataError as `prepare`."""
    for name in ("scans", *PAIRINGS):
        shutil.rmtree(output / name, ignore_errors=True)
    splits: dict[str, str] = {}
    for scan in scans:
        splits |= cut(scan, output / "scans" / scan.name, cut_all)
    for pairing in PAIRINGS:
        (output / pairing).mkdir(parents=True)
        write_splits(output / pairing / "splits.json", 0, splits)
        with Progress(f"scans, by {pairing}") as progress:
            settings = PrepareSettings(frames_per_scan=0, pairing=pairing)
            prepare([output / "scans"], output / pairing, settings, step=lambda _, total: progress.expect(total))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    parser = command_parser("python -m bench.study_data", __doc__ or "")
    parser.add_argument("scans", nargs="+", type=Path, metavar="SCAN", help="a folder with rgb/ and depth/")
    parser.add_argument("--cut-all", action="store_true", help="train on those that are evaluation only, too")
    parser.add_argument("--output", type=Path, required=True, metavar="OUT", help="the folder to write, anew")
    return run_command(parser, _command, argv)


def _command(arguments: argparse.Namespace) -> int:
    make(arguments.scans, arguments.output, arguments.cut_all)
    return 0


if __name__ == "__main__":
    sys.exit(main())
