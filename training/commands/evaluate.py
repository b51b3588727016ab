"""python -m training evaluate: scores of a run on prepared data."""

import argparse
import json
from pathlib import Path
from typing import Any

from redwood_depth.commands.progress import Progress
from training.splits import SPLITS

DESCRIPTION = """\
Score the best checkpoint of a run on the scans of a split: depth at the prepared size with missing depth masked, beside
the best constant depth and the training median; median-scaled; as the paper measured; classes with "none of these".

Writes RUN/metrics.json and RUN/figures/*.png (test split), which python -m training export puts into the bundle.
"""
EPILOG = """\
examples:
  python -m training evaluate out/run --data out/data
  python -m training evaluate out/run --data out/data --split validation --json validation.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command on its parser, with the function that runs it as `command`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("run", type=Path, metavar="RUN", help="what python -m training train has written")
    parser.add_argument("--data", required=True, type=Path, help="what python -m training prepare has written")
    parser.add_argument("--split", choices=SPLITS, default="test", help="default %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the scores to this file")
    parser.set_defaults(command=_command)


def _command(arguments: argparse.Namespace) -> int:
    from training.evaluate import evaluate
    from training.figures import draw_figures
    from training.prepared_data import PreparedData
    from training.run_folder import FIGURES, METRICS, TrainedRun
    from training.whole_files import write_whole

    run, data = TrainedRun.load(arguments.run), PreparedData.load(arguments.data)
    scans = data.scans(arguments.split)
    with Progress("scans", len(scans)) as progress:
        results = {"split": arguments.split, **evaluate(run, scans, progress.advance)}
    text = json.dumps(results, indent=1) + "\n"
    if arguments.split == "test":
        write_whole(arguments.run / METRICS, text)
        draw_figures(run, scans, results, arguments.run / FIGURES)
    if arguments.json:
        write_whole(arguments.json, text)
    _print(results)
    return 0


def _print(results: dict[str, Any]) -> None:
    names = ("abs_rel", "mae", "rmse", "delta1")
    print(f"{'':34} {'frames':>6} " + " ".join(f"{name:>8}" for name in names) + "   best constant: abs_rel  mae")
    rows = {f"all of {results['split']}": results} | results["scans"]
    for name, row in rows.items():
        if "abs_rel" in row:
            constant = row["best_constant"]
            values = " ".join(f"{row[key]:8.3f}" for key in names)
            print(f"{name[:34]:34} {row['frames']:6} {values}   {constant['abs_rel']:22.3f} {constant['mae']:5.3f}")
    if classes := results["classes"]:
        print(f"classes at threshold {classes['threshold']:.2f}: accuracy {classes['accuracy']:.3f}, without it "
              f"{classes['top1'] if classes['top1'] is None else round(classes['top1'], 3)}")  # fmt: skip
