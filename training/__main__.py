"""python -m training COMMAND: the offline half, run from the checkout."""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from redwood_depth.commands.shared.command_line import command_parser, run_command

DESCRIPTION = """\
Make, train and measure model bundles, from Redwood's scans or rendered ones.

  download    Redwood's scans of some classes
  synthesize  scans of our own, rendered
  prepare     scans -> memory-mapped arrays, an index, splits by scan
  train       prepared data -> a run: checkpoints, curves, scores
  evaluate    scores of a run on prepared data
  average     several runs from one bundle -> a bundle: the mean of their weights
  export      a run -> a model bundle for the robot
  reference   reference outputs for a bundle that was exported before
  study       what the paper's mistakes cost, one by one
"""
EPILOG = """\
from nothing to a bundle:
  python -m training synthesize --scans 60 --frames 8 --size 256x192 --output out/scans
  python -m training prepare out/scans --output out/data
  python -m training train --config config/train/demo.yaml --data out/data --output out/run
  python -m training evaluate out/run --data out/data
  python -m training export out/run --output out/bundle
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_parser("python -m training", DESCRIPTION, EPILOG)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    given = sys.argv[1:] if argv is None else argv
    for name, (summary, add_arguments) in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name in given:  # a command imports what it needs, torch above all, only when it is asked for
            add_arguments(command)
    return run_command(parser, lambda arguments: arguments.command(arguments), argv)


def _in_module(name: str) -> Callable[[argparse.ArgumentParser], None]:
    """`add_arguments` of a module in training.commands, imported when it is called."""
    return lambda parser: importlib.import_module(f"training.commands.{name}").add_arguments(parser)


COMMANDS = {
    "download": ("Redwood's scans of some classes", _in_module("download")),
    "synthesize": ("RGB-D scans of our own, rendered", _in_module("synthesize")),
    "prepare": ("scans -> memory-mapped arrays, an index, splits by scan", _in_module("prepare")),
    "train": ("prepared data -> a run: checkpoints, curves, scores", _in_module("train")),
    "evaluate": ("scores of a run on prepared data", _in_module("evaluate")),
    "average": ("the mean of runs that began with one bundle", _in_module("average")),
    "export": ("a run -> a model bundle for the robot", _in_module("export")),
    "reference": ("reference outputs for a bundle that was exported before", _in_module("reference")),
    "study": ("what the paper's mistakes cost, one by one", _in_module("study")),
}


if __name__ == "__main__":
    sys.exit(main())
