"""One function over many tasks, on this machine's cores."""

import pytest

from bench.harness.tasks import Deed, do
from redwood_depth.errors import ClusterError
from redwood_depth.parallel import run_all

DEEDS = [Deed(number) for number in range(7)]


@pytest.mark.parametrize("jobs", [0, 1, 3])
def test_every_task_has_its_result(jobs: int) -> None:
    assert dict(run_all(do, DEEDS, jobs=jobs)) == {index: index**2 for index in range(7)}


def test_no_tasks_no_results() -> None:
    assert list(run_all(do, [])) == []


def test_what_a_task_raises_comes_through() -> None:
    with pytest.raises(ValueError, match="deed -2 cannot be done"):
        list(run_all(do, [*DEEDS, Deed(-2)], jobs=2))


def test_a_worker_that_dies_is_one_line() -> None:
    with pytest.raises(ClusterError, match=r"a worker process died among 8 tasks, deed 0 to deed 9; .*fewer --jobs"):
        list(run_all(do, [*DEEDS, Deed(9, dies=True)], jobs=2))


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_backend_that_is_not_installed_says_what_to_install(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = {"dask": "distributed"}.get(backend, backend)
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ClusterError, match=f"--backend {backend} needs {package}: pip install {package}"):
        list(run_all(do, DEEDS, backend=backend))
