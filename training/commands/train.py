"""python -m training train: a configuration and prepared data -> a run."""

import argparse
import json
import sys
from pathlib import Path

DESCRIPTION = """\
Train the network that a configuration describes on prepared data.

RUN becomes
  RUN/config.yaml, run.json      every key of the configuration; git revision, versions, scans
  RUN/checkpoints/{best,last}.ckpt   the best by validation AbsRel, and the newest
  RUN/history.json, tensorboard/     losses and validation scores an epoch (tensorboard --logdir RUN)
  RUN/metrics.json, figures/     scores on the test scans, and pictures of them, once it is done

Run it again after a stop, a crash or a power cut: it goes on at the last checkpoint. Ctrl-C finishes a step and saves.
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
    from training.prepared_data import PreparedData
    from training.train import train

    config = load_config(arguments.config, arguments.overrides)
    data = PreparedData.load(arguments.data)
    if not train(config, data, arguments.output):
        print(f"stopped; the same command goes on from {arguments.output}", file=sys.stderr)
        return 130
    row = json.loads((arguments.output / "history.json").read_text("utf-8"))[-1]
    print(f"wrote {arguments.output}: {row['step']} steps, validation AbsRel {row['validation/abs_rel']:.3f}")
    return 0
