"""python -m training COMMAND: the offline half, run from the checkout."""

import argparse
import importlib
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.command_line import command_parser, run_command

THREADS = 2

DESCRIPTION = """\
Train and measure model bundles.

  download  Redwood's scans of some classes
  synthesize  scans of our own, rendered
  prepare   scans -> memory-mapped arrays, an index, splits by scan
  train     scans (and labelled photos for the class head) -> a model bundle
  evaluate  scores of a bundle on scans and photos, beside the best constant depth and the training median
"""
EPILOG = """\
examples:
  python -m training train --scans data/living_room data/lab_floor=0.5 --crops data/street_crops --output out/bundle
  python -m training evaluate out/bundle --scan data/red_kitchen --json out/scores.json
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


def _add_train(parser: argparse.ArgumentParser) -> None:
    from training.train import TrainingConfig

    parser.add_argument(
        "--scans", nargs="+", required=True, type=_weighted_path, metavar="SCAN[=WEIGHT]",
        help="Redwood scans, folders or zips; a weight says how often a scan is drawn (default 1)",
    )  # fmt: skip
    parser.add_argument("--crops", type=Path, help="labelled photos for the class head, one folder a class")
    parser.add_argument("--output", required=True, type=Path, metavar="BUNDLE", help="the folder to write")
    parser.add_argument("--epochs", type=_positive, default=TrainingConfig.epochs, help="default %(default)s")
    parser.add_argument(
        "--samples-per-epoch", type=_positive, default=TrainingConfig.samples_per_epoch, help="default %(default)s"
    )
    parser.add_argument("--batch-size", type=_positive, default=TrainingConfig.batch_size, help="default %(default)s")
    parser.add_argument(
        "--size", type=_positive, nargs=2, default=(TrainingConfig.height, TrainingConfig.width),
        metavar=("HEIGHT", "WIDTH"), help="input of the model in pixels, multiples of 32; default 192 256",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=TrainingConfig.seed, help="default %(default)s")
    parser.set_defaults(command=_train)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--scan", nargs="+", default=[], type=Path, help="Redwood scans to score depth on")
    parser.add_argument("--crops", type=Path, help="labelled photos to score classes on, one folder a class")
    parser.add_argument("--json", type=Path, help="also write the scores to this file")
    parser.add_argument("--record", action="store_true", help="also write the scores into the bundle's model.json")
    parser.set_defaults(command=_evaluate)


def _train(arguments: argparse.Namespace) -> int:
    import torch

    from training.train import TrainingConfig, train

    torch.set_num_threads(THREADS)
    config = TrainingConfig(
        scans=arguments.scans,
        output=arguments.output,
        crops=arguments.crops,
        height=arguments.size[0],
        width=arguments.size[1],
        epochs=arguments.epochs,
        samples_per_epoch=arguments.samples_per_epoch,
        batch_size=arguments.batch_size,
        seed=arguments.seed,
    )
    with _progress() as progress:
        task = progress.add_task("training", total=config.steps, note="")
        bundle = train(config, lambda step, loss: progress.update(task, completed=step + 1, note=f"loss {loss:.3f}"))
    print(f"wrote {bundle.folder} ({bundle.model_path.stat().st_size / 1e6:.1f} MB)")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from training.evaluate import evaluate_photos, evaluate_scan, load_estimator

    estimator = load_estimator(arguments.bundle)
    scores = {}
    with _progress() as progress:
        for path in arguments.scan:
            task = progress.add_task(path.name, total=None, note="")
            scores[path.name] = evaluate_scan(estimator, path, lambda task=task: progress.advance(task))
    if arguments.crops:
        scores[arguments.crops.name] = evaluate_photos(estimator, arguments.crops)
    text = json.dumps(scores, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", "utf-8")
    if arguments.record:
        _record(estimator.bundle, scores)
    return 0


def _record(bundle: ModelBundle, scores: dict[str, object]) -> None:
    replace(bundle, scores={**bundle.scores, **scores}).write_description()


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True))


def _weighted_path(text: str) -> tuple[Path, float]:
    path, _, weight = text.partition("=")
    value = float(weight or 1)
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"the weight in {text} must be positive")
    return Path(path), value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


COMMANDS = {
    "download": ("Redwood's scans of some classes", _in_module("download")),
    "synthesize": ("RGB-D scans of our own, rendered", _in_module("synthesize")),
    "prepare": ("scans -> memory-mapped arrays, an index, splits by scan", _in_module("prepare")),
    "train": ("scans -> a model bundle", _add_train),
    "evaluate": ("scores of a bundle", _add_evaluate),
}


if __name__ == "__main__":
    sys.exit(main())
