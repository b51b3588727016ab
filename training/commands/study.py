"""python -m training study: what the paper's mistakes cost."""

import argparse
import sys
from pathlib import Path

from training.commands.number_arguments import positive

DESCRIPTION = """\
What the paper's mistakes cost, measured: two tables and a figure.

recipe    the paper's recipe, turned into ours by one change after another: pairing, mask, normalization, loss,
          optimizer, augmentation, sampling
encoders  encoders x preprocessing (their own; / 255 alone; scaled twice, which is what Keras' EfficientNetV2 saw in the
          paper) x frozen, partly or all trained x paired by stamp or by position, with the paper's loss

Every cell is scored on the test scans of --data, with missing depth masked, beside the best constant depth. Its
training is a run in DIR/CELL. Run the command again after a stop: finished cells are skipped, a stopped one goes on. A
cell that fails is named, and the rest goes on; the exit code is then 1. Encoders whose weights cannot be had are
skipped.

DIR becomes
  DIR/study.json, study.md, study.png   results, tables, figure
  DIR/CELL/                             the runs, as python -m training train makes them
"""
EPILOG = """\
examples:
  python -m training prepare scans --output out/study_stamp
  python -m training prepare scans --output out/study_position --pairing position
  python -m training study --data out/study_stamp --position-data out/study_position --output out/study
  python -m training study --data out/study_stamp --output out/study --tables encoders --trainings frozen \\
      --encoders tf_efficientnet_lite0 densenet169=densenet169.safetensors --seeds 3

Time: a cell takes --steps x 0.5 s on one core at 96x128 with EfficientNet-Lite0 frozen, about three times that all
trained.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command on its parser, with the function that runs it as `command`."""
    from training.network.encoder import TRAINABLE
    from training.study.grid import StudySettings

    default = StudySettings()
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", required=True, type=Path, help="what python -m training prepare has written")
    parser.add_argument("--position-data", type=Path, metavar="DATA", help="the same with --pairing position")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="the folder to write, or to go on in")
    parser.add_argument(
        "--steps",
        type=positive,
        default=default.steps,
        metavar="N",
        help="a cell, to the nearest epoch, default %(default)s",
    )
    parser.add_argument(
        "--batch", type=positive, default=default.batch, metavar="N", help="images a step, default %(default)s"
    )
    parser.add_argument(
        "--seeds", type=positive, default=default.seeds, metavar="N", help="trainings a cell, default %(default)s"
    )
    parser.add_argument("--tables", nargs="+", choices=default.tables, default=default.tables, help="default both")
    parser.add_argument(
        "--encoders",
        nargs="+",
        default=default.encoders,
        metavar="NAME[=FILE]",
        help="of timm, with a file of weights where there is no network; the first is the recipe's; default "
        + " ".join(default.encoders),
    )
    parser.add_argument("--trainings", nargs="+", choices=TRAINABLE, default=TRAINABLE, help="default all three")
    parser.add_argument(
        "--finished-only", action="store_true", help="train nothing: tables and figure of the cells that are finished"
    )
    parser.set_defaults(command=_command)


def _command(arguments: argparse.Namespace) -> int:
    from training.data.prepared_data import PreparedData
    from training.study.grid import StudySettings, study
    from training.study.tables import FIGURE, TABLE, write_report

    folders = {"stamp": arguments.data}
    if arguments.position_data:
        folders["position"] = arguments.position_data
    data = {pairing: PreparedData.load(folder) for pairing, folder in folders.items()}
    settings = StudySettings(
        arguments.steps,
        arguments.seeds,
        arguments.batch,
        tuple(arguments.tables),
        tuple(arguments.encoders),
        tuple(arguments.trainings),
    )
    results = study(data, arguments.output, settings, _say, finished_only=arguments.finished_only)
    write_report(results, arguments.output)
    print((arguments.output / TABLE).read_text("utf-8"), end="")
    print(f"wrote {arguments.output}: {TABLE}, {FIGURE}, study.json")
    if results.missing:
        print(f"not trained yet: {len(results.missing)} cells; leave out --finished-only to do so", file=sys.stderr)
    for name, reason in results.skipped.items():
        print(f"skipped: {name}: {reason}", file=sys.stderr)
    for name, reason in results.failed.items():
        print(f"failed: {name}: {reason}", file=sys.stderr)
    return 1 if results.failed else 0


def _say(number: int, total: int, name: str, outcome: str) -> None:
    """One line before a cell where people watch, one line after it everywhere."""
    if outcome or sys.stderr.isatty():
        print(f"[{number}/{total}] {name}{': ' if outcome else ' ...'}{outcome}", file=sys.stderr, flush=True)
