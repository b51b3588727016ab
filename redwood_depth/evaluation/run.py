"""Evaluating many bags or scans: one after another, or side by side in processes of their own."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from redwood_depth.bundle import ModelBundle
from redwood_depth.errors import RedwoodDepthError, ScanError
from redwood_depth.evaluation.predictor import ModelPredictor
from redwood_depth.evaluation.report.frame_selection import Evidence
from redwood_depth.evaluation.scoring import BagEvaluation, EvaluationOptions, ScoredFrame, evaluate_opened
from redwood_depth.evaluation.sources import ModelSource, PredictionSource
from redwood_depth.scans.prepared import is_prepared_data, is_prepared_scan, prepared_scan_as_bag, scans_of_test_split
from redwood_depth.scans.temporary_bag import is_scan, scan_as_bag

Watch = Callable[[ScoredFrame], None]


@dataclass
class Outcome:
    """What came of one bag: an evaluation, and what pictures are drawn from where that was asked for; or an error."""

    path: Path
    evaluation: BagEvaluation | None = None
    evidence: Evidence | None = None
    error: RedwoodDepthError | None = None


@dataclass(frozen=True)
class Task:
    """What is to be done with one bag or scan."""

    path: Path
    options: EvaluationOptions
    draw: bool


def run_task(
    task: Task,
    source: PredictionSource,
    progress: Callable[[int], None] = lambda expected: None,
    watch: Watch = lambda frame: None,
) -> Outcome:
    """Evaluate one bag; an error of the bag or the model is in the outcome, so that the other bags go on."""
    outcome = Outcome(task.path)
    options = replace(task.options, predicted_topic=source.predicted_topic)
    evidence = Evidence(options.min_depth_m, options.max_depth_m) if task.draw else None

    def see(frame: ScoredFrame) -> None:
        watch(frame)
        if evidence:
            evidence.add(frame, str(task.path))

    cv2.setNumThreads(1)  # the cores work on different frames, or different bags
    try:
        with _as_bag(task.path) as bag:
            outcome.evaluation = evaluate_opened(bag, source.predictions, options, progress, see, source.threads)
        outcome.evaluation.path = task.path
        outcome.evidence = evidence
    except RedwoodDepthError as error:
        outcome.error = error
    return outcome


def run_side_by_side(tasks: Sequence[Task], bundle: ModelBundle, backend: str, jobs: int = 0) -> Iterator[Outcome]:
    """Evaluate bags in as many processes as there are cores (or `jobs`), in the order of `tasks`. Needs joblib."""
    from joblib import Parallel, delayed

    jobs = min(jobs or len(os.sched_getaffinity(0)), len(tasks))
    run = Parallel(n_jobs=jobs, return_as="generator")
    yield from run(delayed(_run_alone)(task, bundle, backend) for task in tasks)


def _run_alone(task: Task, bundle: ModelBundle, backend: str) -> Outcome:
    """In a process of its own: one engine of one thread."""
    try:
        with ModelPredictor(bundle, backend, threads=1) as predictor:
            return run_task(task, ModelSource(bundle, predictor))
    except RedwoodDepthError as error:
        return Outcome(task.path, error=error)


def expanded(paths: Sequence[Path]) -> list[Path]:
    """Each folder of prepared scans replaced by its test scans; one that has none stays, to fail by itself."""
    result: list[Path] = []
    for path in paths:
        try:
            result += scans_of_test_split(path) if is_prepared_data(path) else [path]
        except ScanError:
            result.append(path)
    return result


def _as_bag(path: Path) -> contextlib.AbstractContextManager[Path]:
    if is_prepared_scan(path):
        return prepared_scan_as_bag(path)
    if is_prepared_data(path):
        scans_of_test_split(path)  # says why it could not be expanded
    return scan_as_bag(path) if is_scan(path) else contextlib.nullcontext(path)
