"""python -m training train: a configuration and prepared data -> a run."""

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from redwood_depth.commands.shared.progress_bar import Progress

if TYPE_CHECKING:
    from training.config import TrainConfig
    from training.data.prepared_data import PreparedData

DESCRIPTION = """\
Train the network that a configuration describes on prepared data.

RUN becomes
  RUN/config.yaml, run.json      every key of the configuration; git revision, versions, scans
  RUN/checkpoints/{best,last}.ckpt   the best by validation AbsRel, and the newest
  RUN/history.json, tensorboard/     losses and validation scores an epoch (tensorboard --logdir RUN)
  RUN/metrics.json, figures/     scores on the test scans, and pictures of them, once it is done

Run it again after a stop, a crash or a power cut: it goes on at the last checkpoint. Ctrl-C finishes a step and
saves, and so does SIGTERM, to this process or to its whole group (timeout, systemd, SLURM); exit code 130.
"""
EPILOG = """\
examples:
  python -m training train --config config/train/demo.yaml --data out/data --output out/run
  python -m training train --config config/train/robot.yaml --data out/data --output out/run epochs=5 encoder=resnet50
  python -m training train --config config/train/paper.yaml --data out/data --output out/paper \\
      devices=4 precision=bf16-mixed
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command on its parser, with the function that runs it as `command`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--config", required=True, type=Path, metavar="FILE", help="a file of config/train")
    parser.add_argument("--data", required=True, type=Path, help="what python -m training prepare has written")
    parser.add_argument("--output", required=True, type=Path, metavar="RUN", help="the folder to write, or to go on in")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="any key of the configuration")
    parser.set_defaults(command=_command)


def _command(arguments: argparse.Namespace) -> int:
    from training.config import load_config
    from training.run.callbacks import own_signals

    with own_signals():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # before and behind the training too, as Ctrl-C
        return _train(arguments, load_config(arguments.config, arguments.overrides))


def _train(arguments: argparse.Namespace, config: "TrainConfig") -> int:
    from training.data.prepared_data import PreparedData
    from training.run.start import is_first_process
    from training.run.train_run import is_trained, train

    data, run = PreparedData.load(arguments.data), arguments.output
    if is_trained(run):
        print(f"{run} was trained to its end before")
    finished = train(config, data, run)
    if not is_first_process():  # of several that train together; the first one says and writes what there is
        return 0
    if not finished:
        print(f"stopped; the same command goes on from {run}", file=sys.stderr)
        return 130
    _score(run, data)
    return 0


def _score(run: Path, data: "PreparedData") -> None:
    """Scores and figures of the test scans, and what lies where; a run that has its scores keeps them."""
    from training.run.folder import HISTORY, METRICS, TrainedRun, read_json
    from training.run.split_scores import score_lines, score_run

    rows, scans = read_json(run / HISTORY), data.scans("test")
    best = min(rows, key=lambda row: row["validation/abs_rel"])
    print(f"best epoch {best['epoch'] + 1} of {len(rows)}: validation AbsRel {best['validation/abs_rel']:.3f}")
    if not scans:
        print(f"note: {data.folder} has no scan for test, so there are no scores", file=sys.stderr)
    elif not (run / METRICS).exists():
        with Progress("test scans", len(scans)) as progress:
            results = score_run(TrainedRun.load(run), data, "test", progress.advance)
        print("\n".join(score_lines(results)))
    parts = ["checkpoints, history.json, tensorboard", *(["metrics.json, figures"] if scans else [])]
    print(f"wrote {run}: {', '.join(parts)}; next: python -m training export {run} --output BUNDLE")
