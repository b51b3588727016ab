"""One function over many recordings, on this machine's cores or on a cluster: joblib's loky, Dask, or Ray.

Results come as they are finished. A worker that dies is replaced and its task tried again by Dask and Ray; with loky
the run ends with one line, and what is finished stays. Dask takes the scheduler of DASK_SCHEDULER_ADDRESS and Ray the
cluster of RAY_ADDRESS; where these are not set, both start on this machine.
"""

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

from redwood_depth.errors import ClusterError, first_line

BACKENDS = ("loky", "dask", "ray")
_TRIES = 3
_CONNECT_S = 20

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_all(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    name: Callable[[Task], str] = str,
    backend: str = "loky",
    jobs: int = 0,
) -> Iterator[tuple[int, Result]]:
    """(index of the task, result) of each task, as they finish.

    Args:
        function: of a module that the workers can import; what it raises ends the run.
        tasks: what it is called with; small, for they travel.
        name: what a task is called in an error.
        backend: one of BACKENDS.
        jobs: how many at once on this machine, 0: one a core. A cluster that runs already decides by itself.

    Raises:
        ClusterError: the backend is not installed, not reachable, or lost a task's worker too often.
    """
    cores = jobs or len(os.sched_getaffinity(0))
    run = {"loky": _on_cores, "dask": _on_dask, "ray": _on_ray}[backend]
    with contextlib.closing(run(function, tasks, name, cores)) as results:
        yield from results


def _on_cores(
    function: Callable[[Task], Result], tasks: Sequence[Task], name: Callable[[Task], str], jobs: int
) -> Generator[tuple[int, Result], None, None]:
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    workers = Parallel(n_jobs=min(jobs, len(tasks)) or 1, return_as="generator_unordered")
    try:
        with contextlib.closing(workers(delayed(_numbered)(function, *one) for one in enumerate(tasks))) as results:
            yield from results
    except TerminatedWorkerError as error:
        raise ClusterError(
            f"a worker process died among {len(tasks)} tasks, {name(tasks[0])} to {name(tasks[-1])}; out of memory "
            "perhaps: try fewer --jobs; what is finished stays"
        ) from error


def _numbered(function: Callable[[Task], Result], index: int, task: Task) -> tuple[int, Result]:
    return index, function(task)


def _on_dask(
    function: Callable[[Task], Result], tasks: Sequence[Task], name: Callable[[Task], str], jobs: int
) -> Generator[tuple[int, Result], None, None]:
    with _package("dask", "distributed"):
        from distributed import Client, KilledWorker, as_completed
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    local: dict[str, Any] = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")  # of the workers: what is wrong is said here, once
    try:
        client = Client(address, timeout=_CONNECT_S, **({} if address else local))
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(f"no Dask scheduler answers at {address or 'this machine'}: {first_line(error)}") from error
    try:
        futures = {
            client.submit(_numbered, function, index, task, pure=False, retries=_TRIES): task
            for index, task in enumerate(tasks)
        }
        for future in as_completed(list(futures)):
            try:
                yield future.result()
            except KilledWorker as error:
                raise _lost(name(futures[future]), "Dask", error) from error
            future.release()
    finally:
        with contextlib.suppress(AssertionError):  # of a nanny that is starting a worker anew just now
            client.close()


def _on_ray(
    function: Callable[[Task], Result], tasks: Sequence[Task], name: Callable[[Task], str], jobs: int
) -> Generator[tuple[int, Result], None, None]:
    with _package("ray", "ray"):
        import ray
    address = os.environ.get("RAY_ADDRESS")
    local: dict[str, Any] = {"num_cpus": jobs, "include_dashboard": False}
    try:
        _check_answers(address or "")
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **({} if address else local))
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise ClusterError(f"no Ray cluster answers at {address or 'this machine'}: {first_line(error)}") from error
    try:
        remote = ray.remote(max_retries=_TRIES)(_numbered)
        waiting = {remote.remote(function, index, task): task for index, task in enumerate(tasks)}
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            try:
                yield ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
            except (ray.exceptions.RaySystemError, ray.exceptions.WorkerCrashedError) as error:
                raise _lost(name(waiting[done]), "Ray", error) from error
            del waiting[done]
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Ray itself tries for minutes to reach a cluster that is not there. Raises OSError."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()


@contextlib.contextmanager
def _package(backend: str, package: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ClusterError(f"--backend {backend} needs {package}: pip install {package} ({error})") from error


def _lost(task: str, cluster: str, error: Exception) -> ClusterError:
    return ClusterError(
        f"{task}: {cluster} lost its worker {_TRIES + 1} times ({first_line(error)}); is the memory enough?"
    )
