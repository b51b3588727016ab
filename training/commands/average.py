"""python -m training average: the mean of runs that began with one bundle -> a bundle."""

import argparse
from pathlib import Path

from redwood_depth.commands.shared.progress_bar import Progress

DESCRIPTION = """\
Put the mean of the weights of several RUNs into a bundle; a RUN may be one of its checkpoints, or a bundle.
They must have begun with BUNDLE (start_from) and left its encoder as it was: its classes are kept. With --keep a
share of BUNDLE's own weights takes part, and less of what it knew is forgotten.

The result is scored on the test scans of DATA, compared with PyTorch, and written as python -m training export does.
"""
EPILOG = """\
example:
  python -m training average redwood_depth/models/demo out/run1 out/run2 --keep 0.05 --data out/data --output out/bundle
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command on its parser, with the function that runs it as `command`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="what the runs began with; gives the classes")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="a run, a checkpoint of one, or a bundle")
    parser.add_argument("--data", type=Path, required=True, help="prepared data to score and compare with")
    parser.add_argument("--output", required=True, type=Path, metavar="BUNDLE", help="the folder to write")
    parser.add_argument(
        "--keep", type=_share, default=0.0, metavar="SHARE", help="of BUNDLE's own weights, 0 to 1, default %(default)s"
    )
    parser.add_argument("--name", help="of the model, default that of the first bundle")
    parser.add_argument("--model-version", default="0.1.0", metavar="V", help="default %(default)s")
    parser.set_defaults(command=_command)


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not within 0..1")
    return share


def _command(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from training.data.prepared_data import PreparedData
    from training.export.averaging import average
    from training.export.bundle_export import export_bundle, split_scores_of
    from training.run.split_scores import score_lines, score_run

    data = PreparedData.load(arguments.data)
    run, bundle = average(arguments.bundle, arguments.runs, arguments.keep)
    with Progress("scans", len(data.scans("test"))) as progress:
        results = score_run(run, data, "test", progress.advance)
    print("\n".join(score_lines(results)))
    kept = {name: rates for name, rates in bundle.scores.items() if name.startswith("classes of ")}
    bundle = replace(
        bundle,
        folder=arguments.output,
        name=arguments.name or bundle.name,
        version=arguments.model_version,
        scores=kept | split_scores_of(results, data.folder.name),
    )
    with Progress("export") as progress:
        written, _ = export_bundle(run.module.model, bundle, data, progress.advance)
    print(f"wrote {written.folder}: the mean of {len(arguments.runs)}")
    return 0
