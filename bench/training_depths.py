"""python -m bench.training_depths --data DATA --config FILE --output FIGURE: at which distances a run learns.

A histogram of the frames' median depths as they are drawn, scans by their weights, and its percentiles on the terminal.
Depths are those at the training camera. Run it with the interpreter of training, with the KEY=VALUE of the run:
  python -m bench.training_depths --data out/data --config config/train/robot.yaml --output docs/training_depths.png \\
      balance_depth=0.3
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt

from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.files import whole_path
from training.config import TrainConfig, load_config
from training.data.dataset import as_training_camera, scan_shares
from training.data.prepared_data import PreparedData, PreparedScan

matplotlib.use("Agg")
from matplotlib import pyplot

SHOWN = (5, 25, 50, 75, 95)  # percentiles
EDGES_M = np.geomspace(0.2, 10, 24)

Floats = npt.NDArray[np.float64]


def frame_medians(scans: Sequence[PreparedScan], config: TrainConfig) -> tuple[Floats, Floats]:
    """Median depth of each frame in metres, and the share of the draws that it is; frames without depth left out."""
    low, high = config.depth_range_m
    medians, shares = [], []
    for scan, share in zip(scans, scan_shares(scans, config), strict=True):
        for depth_mm in scan.depth[:, ::4, ::4]:
            depth_m = as_training_camera(depth_mm.astype(np.float32) / 1000, scan)
            inside = depth_m[(depth_m >= low) & (depth_m <= high)]
            if inside.size:
                medians.append(float(np.median(inside)))
                shares.append(share / len(scan))
    return np.array(medians), np.array(shares) / sum(shares)


def percentiles(medians_m: Floats, shares: Floats, wanted: Sequence[float]) -> list[float]:
    """Weighted percentiles of the medians, in metres."""
    order = medians_m.argsort()
    reached = shares[order].cumsum()
    return [float(medians_m[order][min(int(np.searchsorted(reached, p / 100)), len(order) - 1)]) for p in wanted]


def draw(medians_m: Floats, shares: Floats, path: Path) -> None:
    figure, axis = pyplot.subplots(figsize=(5, 2.2), layout="constrained")
    axis.hist(medians_m, bins=list(EDGES_M), weights=100 * shares, color="0.4")
    axis.set(xscale="log", xlabel="median depth of a training frame, m", ylabel="% of the samples")
    axis.set_xticks([0.25, 0.5, 1, 2, 4, 8], ["0.25", "0.5", "1", "2", "4", "8"], minor=False)
    with whole_path(path) as partial:
        figure.savefig(partial, format="png", dpi=90)
    pyplot.close(figure)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    parser = command_parser("python -m bench.training_depths", __doc__ or "")
    parser.add_argument("--data", type=Path, required=True, help="what python -m training prepare has written")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="a file of config/train")
    parser.add_argument("--output", type=Path, required=True, metavar="FIGURE", help="the PNG to write")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="any key of the configuration")
    return run_command(parser, _command, argv)


def _command(arguments: argparse.Namespace) -> int:
    config, data = load_config(arguments.config, arguments.overrides), PreparedData.load(arguments.data)
    medians_m, shares = frame_medians(data.scans("train"), config)
    draw(medians_m, shares, arguments.output)
    found = ", ".join(f"{value:.2f}" for value in percentiles(medians_m, shares, SHOWN))
    print(f"medians of {len(medians_m)} frames, percentiles {', '.join(map(str, SHOWN))}: {found} m")
    return 0


if __name__ == "__main__":
    sys.exit(main())
