"""Real local clusters of Dask and Ray; `make test-cluster` installs them. Skipped where they are not installed."""

import importlib.util
from pathlib import Path

import pytest

from bench.harness.scan_files import scan_members, write_folder
from bench.harness.tasks import Deed, do
from redwood_depth.errors import ClusterError
from redwood_depth.parallel import run_all
from training.__main__ import main

PACKAGES = {"dask": "distributed", "ray": "ray"}
DEEDS = [Deed(number) for number in range(7)]
pytestmark = pytest.mark.filterwarnings("default")  # theirs, not ours


@pytest.fixture(params=PACKAGES)
def backend(request: pytest.FixtureRequest) -> str:
    if importlib.util.find_spec(PACKAGES[request.param]) is None:
        pytest.skip(f"needs {PACKAGES[request.param]}: make test-cluster")
    return str(request.param)


def test_every_task_has_its_result(backend: str) -> None:
    assert dict(run_all(do, DEEDS, backend=backend, jobs=2)) == {index: index**2 for index in range(7)}


def test_a_worker_that_is_killed_once_loses_nothing(backend: str, tmp_path: Path) -> None:
    deeds = [*DEEDS, Deed(8, dies=True, mark=tmp_path / "died")]
    assert sorted(result for _, result in run_all(do, deeds, backend=backend, jobs=2)) == [0, 1, 4, 9, 16, 25, 36, 64]
    assert (tmp_path / "died").exists()


def test_a_task_that_kills_every_worker_is_one_line_with_its_name(backend: str) -> None:
    with pytest.raises(ClusterError, match=r"deed 5: (Dask|Ray) lost its worker 4 times"):
        list(run_all(do, [Deed(5, dies=True)], backend=backend, jobs=2))


def test_what_a_task_raises_comes_through(backend: str) -> None:
    with pytest.raises(ValueError, match="deed -2 cannot be done"):
        list(run_all(do, [*DEEDS, Deed(-2)], backend=backend, jobs=2))


def test_a_scheduler_that_is_not_there_is_one_line(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redwood_depth.parallel._CONNECT_S", 1)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(ClusterError, match=r"no (Dask scheduler|Ray cluster) answers at (tcp://)?127.0.0.1:9"):
        list(run_all(do, DEEDS, backend=backend))


def test_prepare_gives_the_same_bytes_as_on_one_core(backend: str, tmp_path: Path) -> None:
    for index in range(3):
        write_folder(tmp_path / "scans" / "car" / f"{index:05d}", scan_members(4))
    for name, options in (("one", ["--jobs", "1"]), ("cluster", ["--backend", backend, "--jobs", "2"])):
        assert main(["prepare", str(tmp_path / "scans"), "--output", str(tmp_path / name), *options]) == 0
    one, cluster = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "one", tmp_path / "cluster")
    )
    assert one == cluster
