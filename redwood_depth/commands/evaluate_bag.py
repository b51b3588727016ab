"""evaluate_bag: score depth and class on the RGB-D frames of bags: of a model, of a live node, of a recorded topic."""

import argparse
import contextlib
import shlex
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.commands.play_bag import positive
from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.commands.shared.compare_runs import compare_runs
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.commands.shared.score_table import live_table, score_line, score_table
from redwood_depth.engines import BACKENDS
from redwood_depth.errors import BagError
from redwood_depth.evaluation.labels import check_labels, label_key, read_labels
from redwood_depth.evaluation.live.live_source import LiveSource, bundle_of, find_node
from redwood_depth.evaluation.metrics import MAX_DEPTH_M, MIN_DEPTH_M
from redwood_depth.evaluation.output_bag import ComparisonWriter
from redwood_depth.evaluation.predictor import ModelPredictor
from redwood_depth.evaluation.recordings import expanded
from redwood_depth.evaluation.report.frame_selection import Evidence
from redwood_depth.evaluation.report.page import check_report_packages, write_report
from redwood_depth.evaluation.result_files import result_head, training_warning, write_csv, write_json
from redwood_depth.evaluation.run import Outcome, Task, run_side_by_side, run_task
from redwood_depth.evaluation.scoring import EvaluationOptions
from redwood_depth.evaluation.sources import ModelSource, PredictionSource, TopicSource
from redwood_depth.evaluation.summary import summarize_each
from redwood_depth.scans.prepared import class_of

_TABLES = 8  # of more bags there is a line each, and the table of all together

_DESCRIPTION = """\
Score depth on bags with colour and depth images (MCAP or SQLite, raw or compressed), on Redwood scans, or on what
`python -m training prepare` made of them: a whole folder (its test split) or a single DATA/CLASS/SCAN_ID. Each
colour image is paired with the depth image nearest in time (at most 20 ms apart); the prediction is compared at
the depth image's size, where it is valid: 0.1 m to --max-depth. Scores are per-frame means, averaged over frames.

What is scored is a model in this process, as fast as it goes; with --live the node, while the bag is played to it
through DDS: the node `perception` that runs already, else one that is started for it; with --predictions a depth
topic that the bag itself holds, of whatever network.

Of a labelled bag without depth the class alone is scored.

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
        "--compare", nargs=2, type=Path, metavar=("A", "B"), help="two bundles, or JSON results of earlier runs"
    )
    truth = parser.add_argument_group("the truth")
    truth.add_argument("--label", metavar="CLASS", help="the class that every frame of every bag shows")
    truth.add_argument("--labels", type=Path, metavar="FILE", help="CSV with a bag and its class on each line")
    truth.add_argument("--max-depth", type=float, default=MAX_DEPTH_M, metavar="M", help="default: %(default)g")
    truth.add_argument(
        "--protocol",
        choices=("ours", "paper"),
        default="ours",
        help="paper: MAE and SSIM at 96x128 without a mask as well, for comparison with Nayak et al.",
    )
    truth.add_argument("--image-topic", metavar="T", help="colour images (default: found by type and name)")
    truth.add_argument("--depth-topic", metavar="T", help="depth images registered to colour (default: found)")
    truth.add_argument("--camera-info-topic", metavar="T", help="calibration of the colour camera (default: found)")
    out = parser.add_argument_group("results, besides the table")
    out.add_argument("--report", type=Path, metavar="FILE", help="an HTML page with figures and frames")
    out.add_argument("--json", type=Path, metavar="FILE", help="all scores, those of each frame as well")
    out.add_argument("--csv", type=Path, metavar="FILE", help="the scores of each frame")
    out.add_argument("--write", type=Path, metavar="BAG", help="a bag of image, truth, prediction and error")
    return run_command(parser, _evaluate_bags, argv)


def _evaluate_bags(arguments: argparse.Namespace) -> int:
    arguments.bags = expanded(arguments.bags)
    _check(arguments)
    command = shlex.join(["evaluate_bag", *sys.argv[1:]])
    if arguments.compare:
        return compare_runs(arguments, lambda one: _evaluate(one, command)[0], command)
    result, whole, evidence = _evaluate(arguments, command)
    if result is None:
        return 1
    _write(result, evidence, arguments)
    return 0 if whole else 1


def _evaluate(arguments: argparse.Namespace, command: str) -> tuple[dict[str, Any] | None, bool, Evidence]:
    """The result, None where no bag could be scored; whether each bag was scored whole; what pictures are made of."""
    with contextlib.ExitStack() as stack:
        source, bundle = _open_source(arguments, stack)
        labels = read_labels(arguments.labels) if arguments.labels else {}
        check_labels({"--label": arguments.label} if arguments.label else labels, source.subject.classes)
        draw = bool(arguments.report) and not arguments.compare
        tasks = [Task(path, _options(path, arguments, labels, source.subject.classes), draw) for path in arguments.bags]
        evaluations, evidence, whole = [], Evidence(MIN_DEPTH_M, arguments.max_depth), True
        for outcome in _run(tasks, source, bundle, arguments):
            whole = whole and outcome.evaluation is not None and outcome.evaluation.complete
            if outcome.evaluation is not None:
                evaluations.append(outcome.evaluation)
            if outcome.evidence is not None:
                evidence.merge(outcome.evidence)
        if not evaluations:
            return None, whole, evidence
        together, bags = summarize_each(evaluations, source.subject, tasks[0].options)
        result = {**result_head(source.entry(), command), **together, **source.results(), "bags": bags}
    for bag in result["bags"]:
        bag["warnings"] += filter(None, [training_warning(bag["bag"], result["model"])])
    return result, whole, evidence


def _check(arguments: argparse.Namespace) -> None:
    """What can be known to be wrong before the work begins."""
    if not MIN_DEPTH_M < arguments.max_depth <= 1000.0:
        raise BagError(f"--max-depth must lie between {MIN_DEPTH_M:g} and 1000 m, not {arguments.max_depth:g}")
    if arguments.live and arguments.predictions:
        raise BagError("--live scores the node, --predictions a recorded topic: choose one")
    if arguments.rate is not None and not arguments.live:
        raise BagError("--rate is the pace of --live; without it bags are read as fast as the model goes")
    if arguments.namespace is not None and (not arguments.live or arguments.compare):
        raise BagError("--namespace is that of a running node: it goes with --live, not with --compare")
    if arguments.label and arguments.labels:
        raise BagError("--label is for all bags, --labels for each: choose one")
    if not arguments.bags and not arguments.compare:
        raise BagError("name a bag; see --help")
    if arguments.compare and (arguments.predictions or arguments.write or arguments.csv):
        raise BagError("--compare gives a table, --json and --report; it takes no --predictions, --write or --csv")
    if arguments.write and len(arguments.bags) > 1:
        raise BagError("--write makes one bag of one bag")
    if arguments.report:
        check_report_packages()


def _open_source(
    arguments: argparse.Namespace, stack: contextlib.ExitStack
) -> tuple[PredictionSource, ModelBundle | None]:
    """What is scored; and the bundle, where its model runs in this process."""
    if arguments.predictions:
        return TopicSource(arguments.predictions), None
    if arguments.live:
        return _open_live(arguments, stack), None
    bundle = ModelBundle.load(arguments.model or DEMO_BUNDLE)
    return ModelSource(bundle, stack.enter_context(ModelPredictor(bundle, arguments.backend))), bundle


def _open_live(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> LiveSource:
    node = None if arguments.compare else find_node(arguments.namespace)  # two models need nodes of their own
    if node is None:
        bundle = ModelBundle.load(arguments.model or DEMO_BUNDLE)
    elif arguments.backend != "auto":
        raise BagError(f"the running node {node.name} has a backend of its own: stop it, or give no --backend")
    else:
        bundle = bundle_of(node, arguments.model)
        print(f"using the running node {node.name}", file=sys.stderr)
    bar = stack.enter_context(Progress("playing"))
    return LiveSource(bundle, arguments.backend, arguments.rate or 1.0, bar.expect, node)


def _options(
    path: Path, arguments: argparse.Namespace, labels: dict[str, str], classes: Collection[str]
) -> EvaluationOptions:
    return EvaluationOptions(
        color_topic=arguments.image_topic,
        depth_topic=arguments.depth_topic,
        camera_info_topic=arguments.camera_info_topic,
        label=arguments.label or labels.get(label_key(path)) or class_of(path, classes),
        max_depth_m=arguments.max_depth,
        paper=arguments.protocol == "paper",
    )


def _run(
    tasks: Sequence[Task], source: PredictionSource, bundle: ModelBundle | None, arguments: argparse.Namespace
) -> Iterator[Outcome]:
    """Outcomes in order, each with a line on stderr where something is wrong with it."""
    if bundle is not None and len(tasks) > 1 and source.threads > 1:
        runs = _with_progress(run_side_by_side(tasks, bundle, arguments.backend), len(tasks))
    else:
        runs = (_run_one(task, source, arguments) for task in tasks)
    for outcome in runs:
        evaluation = outcome.evaluation
        if outcome.error is not None:
            print(f"evaluate_bag: error: {outcome.error}", file=sys.stderr)
        elif evaluation is not None and evaluation.part:
            print(f"evaluate_bag: error: {outcome.path} was scored in part: {evaluation.part}", file=sys.stderr)
        yield outcome


def _with_progress(runs: Iterator[Outcome], total: int) -> Iterator[Outcome]:
    with Progress("scoring bags") as bar:
        for outcome in runs:
            bar.expect(total)
            yield outcome


def _run_one(task: Task, source: PredictionSource, arguments: argparse.Namespace) -> Outcome:
    with contextlib.ExitStack() as stack:
        bar = stack.enter_context(Progress(f"scoring {task.path}"))
        if not arguments.write:
            return run_task(task, source, bar.expect)
        writer = stack.enter_context(ComparisonWriter(arguments.write, source.subject.classes))
        outcome = run_task(task, source, bar.expect, writer.write)
        if outcome.error:  # instead of the writer's complaint that nothing was written
            raise outcome.error
        return outcome


def _write(result: dict[str, Any], evidence: Evidence, arguments: argparse.Namespace) -> None:
    _print(result)
    if arguments.json:
        write_json(arguments.json, result)
    if arguments.csv:
        write_csv(arguments.csv, result["bags"], result["model"]["classes"])
    if arguments.report:
        write_report(arguments.report, result, evidence)


def _print(result: dict[str, Any]) -> None:
    model = result["model"]
    print(f"{model['name']} {model['version']} on {model['engine']}" if model["version"] else model["engine"])
    for bag in result["bags"]:
        if len(result["bags"]) > _TABLES:
            print(score_line(bag))
            continue
        against = f" against {bag['topics']['depth']}" if bag["topics"]["depth"] else ", class only"
        print(f"\n{bag['bag']}: {bag['topics']['color']}{against}")
        print(score_table(bag))
    for bag in result["bags"]:
        for warning in bag["warnings"]:
            print(f"evaluate_bag: warning: {bag['bag']}: {warning}", file=sys.stderr)
    if len(result["bags"]) > 1:
        print(f"\nall {len(result['bags'])} bags")
        print(score_table(result))
    if "live" in result:
        print(f"\n{live_table(result['live'])}")


if __name__ == "__main__":
    sys.exit(main())
