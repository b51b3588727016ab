"""python -m training evaluate: scores of a run on prepared data."""

import argparse
from pathlib import Path

from redwood_depth.commands.shared.progress_bar import Progress
from training.data.splits import SPLITS

DESCRIPTION = """\
Score the best checkpoint of a run, or a bundle, on the scans of a split: depth at the prepared size with missing depth
masked, beside the best constant depth and the training median; median-scaled; as the paper measured; classes with "none
of these". Real scans are also put together by place: mean, median and worst place.

Of a run it writes RUN/metrics.json and RUN/figures/*.png (test split), which python -m training export puts into the
bundle.
"""
EPILOG = """\
examples:
  python -m training evaluate out/run --data out/data
  python -m training evaluate redwood_depth/models/demo --data out/data
  python -m training evaluate out/run --data out/data --split validation --json validation.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command on its parser, with the function that runs it as `command`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("run", type=Path, metavar="RUN", help="what train has written, or a bundle")
    parser.add_argument("--data", required=True, type=Path, help="what python -m training prepare has written")
    parser.add_argument("--split", choices=SPLITS, default="test", help="default %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the scores to this file")
    parser.set_defaults(command=_command)


def _command(arguments: argparse.Namespace) -> int:
    from redwood_depth.files import write_whole
    from training.data.prepared_data import PreparedData
    from training.run.bundle_start import is_bundle, run_of_bundle
    from training.run.folder import TrainedRun
    from training.run.split_scores import score_lines, score_run, scores_json

    load = run_of_bundle if is_bundle(arguments.run) else TrainedRun.load
    run, data = load(arguments.run), PreparedData.load(arguments.data)
    with Progress("scans", len(data.scans(arguments.split))) as progress:
        results = score_run(run, data, arguments.split, progress.advance)
    if arguments.json:
        write_whole(arguments.json, scores_json(results))
    print("\n".join(score_lines(results)))
    return 0
