"""evaluate_bag: score depth and class on the RGB-D frames of bags: of a model, of a live node, of a recorded topic."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from redwood_depth.commands.shared.command_line import command_parser, positive, run_command
from redwood_depth.commands.shared.compare_runs import compare_runs
from redwood_depth.commands.shared.evaluate_request import EvaluateRequest, LiveRequest, Outputs
from redwood_depth.commands.shared.evaluation import evaluate_request
from redwood_depth.commands.shared.evaluation_output import print_result, write_files
from redwood_depth.engines import BACKENDS
from redwood_depth.errors import BagError
from redwood_depth.evaluation.metrics import MAX_DEPTH_M
from redwood_depth.evaluation.recordings import expanded
from redwood_depth.evaluation.scoring import EvaluationOptions

_DESCRIPTION = """\
Score depth on bags with color and depth images (MCAP or SQLite, raw or compressed), on Redwood scans, or on what
`python -m training prepare` made of them: a whole folder (its test split) or a single DATA/CLASS/SCAN_ID. Each
color image is paired with the depth image nearest in time (at most 20 ms apart); the prediction is compared at
the depth image's size, where it is valid: 0.1 m to --max-depth. Scores are per-frame means, averaged over frames.

What is scored is a model in this process, as fast as it goes; with --live the node, while the bag is played to it
through DDS: the node `perception` that runs already, else one that is started for it; with --predictions a depth
topic that the bag itself holds, of whatever network.

Of a labeled bag without depth the class alone is scored.

Beside it stand its scores after scaling each frame to the true median, and baselines: the best constant depth for
these very frames, and the median depth of the model's training data."""

_EPILOG = """\
examples:
  evaluate_bag car_bag --report car.html
  evaluate_bag kitchen.mcap hall.db3 --model my_bundle --json scores.json --csv frames.csv
  evaluate_bag car_bag --label car        # every frame shows a car: score the class as well
  evaluate_bag bags/* --labels labels.csv # lines such as: car_bag, car
  evaluate_bag car_bag --live --rate 2    # through the node, twice as fast: latency, drops, load
  evaluate_bag run_7 --predictions /midas/depth --depth-topic /camera/depth/image_raw
  evaluate_bag bags/* --compare old_bundle new_bundle --report compare.html
  evaluate_bag --compare monday.json tuesday.json
  evaluate_bag robot_bag --image-topic /front/rgb/image_raw --depth-topic /front/depth_registered/image_raw

exit code: 0 when every bag was scored whole, 1 when a bag failed or is damaged (what is readable is scored)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    parser = command_parser("evaluate_bag", _DESCRIPTION, _EPILOG)
    parser.add_argument(
        "bags", nargs="*", metavar="BAG", type=Path, help="a bag folder, .mcap, .db3, .bag; or a scan, prepared scans"
    )
    what = parser.add_argument_group("what is scored")
    what.add_argument("--model", metavar="BUNDLE", type=Path, help="default: the bundled model")
    what.add_argument("--backend", default="auto", choices=BACKENDS, help="default: auto")
    what.add_argument("--live", action="store_true", help="score what the node publishes while the bag is played to it")
    what.add_argument("--namespace", metavar="N", help="with --live: that of the running node (default: any)")
    what.add_argument("--rate", type=positive, metavar="R", help="with --live: times the bag's pace (default: 1)")
    what.add_argument("--predictions", metavar="T", help="score this recorded depth topic instead of a model")
    what.add_argument(
        "--prediction-offset",
        type=float,
        default=0.0,
        metavar="S",
        help="with --predictions: seconds that their stamps are late, as a network's that stamps when it sends",
    )
    what.add_argument(
        "--compare", nargs=2, type=Path, metavar=("A", "B"), help="two bundles, or JSON results of earlier runs"
    )
    truth = parser.add_argument_group("ground truth")
    truth.add_argument("--label", metavar="CLASS", help="the class that every frame of every bag shows")
    truth.add_argument("--labels", type=Path, metavar="FILE", help="CSV with a bag and its class on each line")
    truth.add_argument("--max-depth", type=float, default=MAX_DEPTH_M, metavar="M", help="default: %(default)g")
    truth.add_argument(
        "--protocol",
        choices=("ours", "paper"),
        default="ours",
        help="paper: MAE and SSIM at 96x128 without a mask as well, for comparison with Nayak et al.",
    )
    truth.add_argument(
        "--registered",
        action="store_true",
        help="depth is of the color image, whatever frames, sizes and camera_info say",
    )
    truth.add_argument(
        "--depth-unit",
        type=positive,
        metavar="M",
        help="meters that one unit of the depth images is, such as 0.0002 (default: as recorded, else 0.001, floats 1)",
    )
    truth.add_argument(
        "--depth-kind",
        choices=("z", "ray"),
        default="z",
        help="ray: ground truth is the distance along each pixel's ray; it is turned into depth with the calibration",
    )
    truth.add_argument("--image-topic", metavar="T", help="color images (default: found by type and name)")
    truth.add_argument("--depth-topic", metavar="T", help="depth images registered to color (default: found)")
    truth.add_argument("--camera-info-topic", metavar="T", help="calibration of the color camera (default: found)")
    out = parser.add_argument_group("results, besides the table")
    out.add_argument("--report", type=Path, metavar="FILE", help="an HTML page with figures and frames")
    out.add_argument("--json", type=Path, metavar="FILE", help="all scores, those of each frame as well")
    out.add_argument("--csv", type=Path, metavar="FILE", help="the scores of each frame")
    out.add_argument("--write", type=Path, metavar="BAG", help="a bag of image, ground truth, prediction and error")
    return run_command(parser, lambda arguments: _evaluate_bag(_request(arguments)), argv)


def _request(arguments: argparse.Namespace) -> EvaluateRequest:
    if arguments.rate is not None and not arguments.live:
        raise BagError("--rate is the pace of --live; without it bags are read as fast as the model goes")
    if arguments.namespace is not None and (not arguments.live or arguments.compare):
        raise BagError("--namespace is that of a running node: it goes with --live, not with --compare")
    live = LiveRequest(  # two models need nodes of their own
        arguments.namespace, arguments.rate or 1.0, own_node=bool(arguments.compare)
    )
    request = EvaluateRequest(
        recordings=expanded(arguments.bags),
        command=shlex.join(["evaluate_bag", *sys.argv[1:]]),
        model=arguments.model,
        backend=arguments.backend,
        live=live if arguments.live else None,
        predictions=arguments.predictions,
        prediction_offset_s=arguments.prediction_offset,
        compare=tuple(arguments.compare) if arguments.compare else None,
        labels=arguments.labels,
        options=EvaluationOptions(
            color_topic=arguments.image_topic,
            depth_topic=arguments.depth_topic,
            camera_info_topic=arguments.camera_info_topic,
            label=arguments.label,
            max_depth_m=arguments.max_depth,
            paper=arguments.protocol == "paper",
            registered=arguments.registered,
            depth_unit_m=arguments.depth_unit,
            ray=arguments.depth_kind == "ray",
        ),
        outputs=Outputs(arguments.report, arguments.json, arguments.csv, arguments.write),
    )
    request.check()
    return request


def _evaluate_bag(request: EvaluateRequest) -> int:
    if request.compare:
        return compare_runs(request, request.compare)
    evaluated = evaluate_request(request)
    if evaluated.result is None:
        return 1
    print_result(evaluated.result)
    write_files(evaluated, request.outputs)
    return 0 if evaluated.whole else 1


if __name__ == "__main__":
    sys.exit(main())
