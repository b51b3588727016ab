"""evaluate_bag: score a model's depth and class on the RGB-D frames of bags."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from redwood_depth.bag_pairs import MAX_GAP_NS
from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.commands.command_line import command_parser, run_command
from redwood_depth.commands.progress import Progress
from redwood_depth.commands.score_table import score_table
from redwood_depth.engines import BACKENDS
from redwood_depth.errors import BagError, BundleError, EngineError
from redwood_depth.evaluate import BagEvaluation, EvaluationOptions, ScoredFrame, evaluate_bag
from redwood_depth.metrics import MAX_DEPTH_M
from redwood_depth.model_predictor import ModelPredictor
from redwood_depth.report.evidence import Evidence
from redwood_depth.report.page import check_report_packages, write_report
from redwood_depth.results import model_entry, versions, write_csv, write_json
from redwood_depth.summary import Subject, summarize, summarize_bag

_DESCRIPTION = """\
Score a model on bags with colour and depth images, MCAP or SQLite, raw or compressed. Each colour image is
paired with the depth image nearest in time (at most 20 ms apart); the prediction is compared at the depth image's
size, where it is valid: 0.1 m to --max-depth. Scores are per-frame means, averaged over frames.

Beside the model stand its scores after scaling each frame to the true median, and two baselines: the best
constant depth for these very frames, and the median depth of the model's training data."""

_EPILOG = """\
examples:
  evaluate_bag car_bag
  evaluate_bag kitchen.mcap hall.db3 --model my_bundle --json scores.json
  evaluate_bag car_bag --label car        # every frame shows a car: score the class as well
  evaluate_bag robot_bag --image-topic /front/rgb/image_raw --depth-topic /front/depth_registered/image_raw

exit code: 0 when every bag was scored whole, 1 when a bag failed or is damaged (what is readable is scored)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    parser = command_parser("evaluate_bag", _DESCRIPTION, _EPILOG)
    parser.add_argument("bags", nargs="+", metavar="BAG", help="a bag folder, or a single .mcap or .db3 file")
    parser.add_argument("--model", default=DEMO_BUNDLE, metavar="BUNDLE", type=Path, help="default: the bundled model")
    parser.add_argument("--backend", default="auto", choices=BACKENDS, help="default: auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores there as well")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the scores of each frame there")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write an HTML page with figures and frames there")
    parser.add_argument("--label", metavar="CLASS", help="the class that every frame of every bag shows")
    parser.add_argument("--max-depth", type=float, default=MAX_DEPTH_M, metavar="M", help="default: %(default)g")
    parser.add_argument("--image-topic", metavar="T", help="colour images (default: found by type and name)")
    parser.add_argument("--depth-topic", metavar="T", help="depth images registered to colour (default: found)")
    parser.add_argument("--camera-info-topic", metavar="T", help="calibration of the colour camera (default: found)")
    return run_command(parser, _evaluate_bags, argv)


def _evaluate_bags(arguments: argparse.Namespace) -> int:
    options = _options(arguments)
    if arguments.report:
        check_report_packages()
    bundle = ModelBundle.load(arguments.model)
    if options.label is not None and options.label not in bundle.classes:
        raise BundleError(f"the model {bundle.name} knows no class {options.label!r}, only {', '.join(bundle.classes)}")
    evidence = Evidence(options.min_depth_m, options.max_depth_m) if arguments.report else None
    cv2.setNumThreads(1)  # the cores work on different frames
    with ModelPredictor(bundle, arguments.backend) as predictor:
        evaluations = [_evaluate_one(path, predictor, options, evidence) for path in arguments.bags]
        description = predictor.description
    scored = [evaluation for evaluation in evaluations if evaluation is not None]
    if not scored:
        return 1
    result = _result(scored, bundle, options, description)
    _print(result)
    if arguments.json:
        write_json(arguments.json, result)
    if arguments.csv:
        write_csv(arguments.csv, result["bags"], result["model"]["classes"])
    if arguments.report and evidence:
        write_report(arguments.report, result, evidence)
    return 0 if len(scored) == len(evaluations) and all(one.complete for one in scored) else 1


def _options(arguments: argparse.Namespace) -> EvaluationOptions:
    options = EvaluationOptions(
        color_topic=arguments.image_topic,
        depth_topic=arguments.depth_topic,
        camera_info_topic=arguments.camera_info_topic,
        label=arguments.label,
        max_depth_m=arguments.max_depth,
    )
    if not options.min_depth_m < options.max_depth_m <= 1000.0:
        raise BagError(f"--max-depth must lie between {options.min_depth_m:g} and 1000 m, not {options.max_depth_m:g}")
    return options


def _evaluate_one(
    path: str, predictor: ModelPredictor, options: EvaluationOptions, evidence: Evidence | None
) -> BagEvaluation | None:
    """The bag's scores, or None and a line on stderr."""
    watch = partial(evidence.add, bag=str(Path(path).expanduser())) if evidence else _ignore
    try:
        with Progress(f"scoring {path}") as bar:

            def show(expected: int) -> None:
                bar.total = expected
                bar.advance()

            evaluation = evaluate_bag(path, predictor, options, show, watch, predictor.threads)
    except (BagError, EngineError) as error:
        print(f"evaluate_bag: error: {error}", file=sys.stderr)
        return None
    if evaluation.damage:
        print(f"evaluate_bag: error: {path} was scored in part: {evaluation.damage}", file=sys.stderr)
    return evaluation


def _ignore(frame: ScoredFrame) -> None:
    pass


def _result(
    scored: list[BagEvaluation], bundle: ModelBundle, options: EvaluationOptions, engine: str
) -> dict[str, Any]:
    """All bags together, and under "bags" each by itself."""
    subject = Subject(bundle.classes, bundle.class_threshold, bundle.training_median_m)
    return {
        "evaluated_at": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "command": shlex.join(["evaluate_bag", *sys.argv[1:]]),
        "model": model_entry(bundle, engine),
        "versions": versions(),
        "warnings": [],
        "max_gap_ms": MAX_GAP_NS / 1e6,
        **summarize(scored, subject, options),
        "bags": [summarize_bag(one, subject, options) for one in scored],
    }


def _print(result: dict[str, Any]) -> None:
    model = result["model"]
    print(f"{model['name']} {model['version']} on {model['engine']}")
    for bag in result["bags"]:
        print(f"\n{bag['bag']}: {bag['topics']['color']} against {bag['topics']['depth']}")
        print(score_table(bag))
    if len(result["bags"]) > 1:
        print(f"\nall {len(result['bags'])} bags")
        print(score_table(result))


if __name__ == "__main__":
    sys.exit(main())
