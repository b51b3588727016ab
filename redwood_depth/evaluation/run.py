"""Evaluating many bags or scans: one after another, or side by side in processes of their own."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from redwood_depth.bundle import ModelBundle
from redwood_depth.errors import RedwoodDepthError
from redwood_depth.evaluation.predictor import ModelPredictor
from redwood_depth.evaluation.report.frame_selection import Evidence
from redwood_depth.evaluation.scoring import BagEvaluation, EvaluationOptions, ScoredFrame, evaluate
from redwood_depth.evaluation.sources import ModelSource, PredictionSource

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
        with options.open(task.path) as recording:
            outcome.evaluation = evaluate(recording, source.predictions, options, progress, see, source.threads)
        outcome.evaluation.warnings += source.warnings()
        outcome.evidence = evidence
    except RedwoodDepthError as error:
        outcome.error = type(error)("; ".join([str(error), *source.warnings()]))
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
