"""An evaluation from the request to the result: what evaluate_bag, its --live and --compare, and the demo run."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.commands.shared.evaluate_request import EvaluateRequest, LiveRequest
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.errors import BagError
from redwood_depth.evaluation.labels import check_labels, read_labels
from redwood_depth.evaluation.live.live_source import LiveSource, bundle_of, find_node
from redwood_depth.evaluation.output_bag import ComparisonWriter
from redwood_depth.evaluation.predictor import ModelPredictor
from redwood_depth.evaluation.report.frame_selection import Evidence
from redwood_depth.evaluation.result import EvaluationResult, RecordingResult, ScoredModel, Summary, distinct_names
from redwood_depth.evaluation.result_files import evaluated_at, training_warning, versions
from redwood_depth.evaluation.run import Outcome, Task, run_side_by_side, run_task
from redwood_depth.evaluation.scoring import BagEvaluation, EvaluationOptions, ScoredFrame
from redwood_depth.evaluation.sources import ModelSource, PredictionSource, TopicSource
from redwood_depth.evaluation.summary import summarize_each
from redwood_depth.rgbd import MAX_GAP_NS
from redwood_depth.scans.prepared import class_of

Watch = Callable[[ScoredFrame], None]


@dataclass(frozen=True)
class Evaluated:
    """The result, None where no recording could be scored; whether each was scored whole; what pictures are made of."""

    result: EvaluationResult | None
    whole: bool
    evidence: Evidence


def evaluate_request(request: EvaluateRequest, watch: Watch = lambda frame: None) -> Evaluated:
    """Score each recording; an error of one is a line on stderr, and the others go on.

    Args:
        request: as `check` has found it good.
        watch: called with each scored frame; recordings are then scored one after another.

    Raises:
        BagError: the labels are wrong.
        BundleError, EngineError: what is scored cannot be opened.
    """
    options = request.options
    evidence, evaluations, whole = Evidence(options.min_depth_m, options.max_depth_m), [], True
    with contextlib.ExitStack() as stack:
        source, bundle = _open_source(request, stack)
        tasks = _tasks(request, source)
        for outcome in _run(tasks, source, bundle, request, watch):
            whole = whole and outcome.evaluation is not None and outcome.evaluation.complete
            if outcome.evaluation is not None:
                evaluations.append(outcome.evaluation)
            if outcome.evidence is not None:
                evidence.merge(outcome.evidence)
        result = _result(request, source, evaluations, tasks[0].options) if evaluations else None
    return Evaluated(result, whole, evidence)


def _result(
    request: EvaluateRequest,
    source: PredictionSource,
    evaluations: Sequence[BagEvaluation],
    options: EvaluationOptions,
) -> EvaluationResult:
    together, recordings = summarize_each(evaluations, source.subject, options)
    return evaluation_result(request.command, source.entry(), together, recordings, source)


def evaluation_result(
    command: str,
    model: ScoredModel,
    summary: Summary,
    recordings: Sequence[RecordingResult],
    source: PredictionSource,
) -> EvaluationResult:
    """The result of now."""
    bags = [_with_training_warning(bag, model) for bag in recordings]
    names = distinct_names([bag.bag for bag in bags])
    return EvaluationResult(
        evaluated_at=evaluated_at(),
        command=command,
        model=model,
        versions=versions(),
        max_gap_ms=MAX_GAP_NS / 1e6,
        summary=summary,
        live=source.live(),
        warnings=[f"{name}: {words}" for name, bag in zip(names, bags, strict=True) for words in bag.warnings],
        bags=bags,
    )


def _with_training_warning(bag: RecordingResult, model: ScoredModel) -> RecordingResult:
    words = training_warning(bag.bag, model)
    return replace(bag, warnings=[*bag.warnings, words]) if words else bag


def _open_source(request: EvaluateRequest, stack: contextlib.ExitStack) -> tuple[PredictionSource, ModelBundle | None]:
    """What is scored; and the bundle, where its model runs in this process."""
    if request.predictions:
        return TopicSource(request.predictions, request.prediction_offset_s), None
    if request.live:
        return _open_live(request, request.live, stack), None
    bundle = ModelBundle.load(request.model or DEMO_BUNDLE)
    return ModelSource(bundle, stack.enter_context(ModelPredictor(bundle, request.backend))), bundle


def _open_live(request: EvaluateRequest, live: LiveRequest, stack: contextlib.ExitStack) -> LiveSource:
    node = None if live.own_node else find_node(live.namespace)
    if node is None:
        bundle = ModelBundle.load(request.model or DEMO_BUNDLE)
    elif request.backend != "auto":
        raise BagError(f"the running node {node.name} has a backend of its own: stop it, or give no --backend")
    else:
        bundle = bundle_of(node, request.model)
        print(f"using the running node {node.name}", file=sys.stderr)
    bar = stack.enter_context(Progress("playing"))
    return LiveSource(bundle, request.backend, live.rate, bar.expect, node, live.folder)


def _tasks(request: EvaluateRequest, source: PredictionSource) -> list[Task]:
    options, classes, draw = request.options, source.subject.classes, request.outputs.report is not None
    labels = read_labels(request.labels, request.recordings) if request.labels else {}
    check_labels([options.label] if options.label else labels.values(), classes)
    return [
        Task(path, replace(options, label=options.label or labels.get(path) or class_of(path, classes)), draw)
        for path in request.recordings
    ]


def _run(
    tasks: Sequence[Task],
    source: PredictionSource,
    bundle: ModelBundle | None,
    request: EvaluateRequest,
    watch: Watch,
) -> Iterator[Outcome]:
    """Outcomes in order, each with a line on stderr where something is wrong with it."""
    if bundle is not None and len(tasks) > 1 and source.threads > 1:
        runs = _with_progress(run_side_by_side(tasks, bundle, request.backend), len(tasks))
    else:
        runs = (_run_one(task, source, request.outputs.bag, watch) for task in tasks)
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


def _run_one(task: Task, source: PredictionSource, written: Path | None, watch: Watch) -> Outcome:
    with contextlib.ExitStack() as stack:
        bar = stack.enter_context(Progress(f"scoring {task.path}"))
        if not written:
            return run_task(task, source, bar.expect, watch)
        writer = stack.enter_context(ComparisonWriter(written, source.subject.classes))
        outcome = run_task(task, source, bar.expect, writer.write)
        if outcome.error:  # instead of the writer's complaint that nothing was written
            raise outcome.error
        return outcome
