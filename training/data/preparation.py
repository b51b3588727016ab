"""Scans -> prepared data: memory-mapped arrays, an index, and splits by scan or by place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from redwood_depth.parallel import run_all
from training.data.prepared_data import SPLITS_FILE, PreparedData, ScanRecord, write_index
from training.data.scan_preparation import PrepareSettings, ScanFailure, prepare_scan
from training.data.scan_sources import ScanSource, find_scans
from training.data.splits import assign_splits, read_splits, write_splits
from training.errors import PreparedDataError

__all__ = ["PrepareSettings", "PreparedData", "prepare"]


def prepare(
    roots: Sequence[Path],
    data: Path,
    settings: PrepareSettings,
    *,
    seed: int | None = None,
    place_separator: str = "",
    jobs: int | None = None,
    backend: str = "loky",
    step: Callable[[str, int], None] = lambda name, total: None,
) -> tuple[PreparedData, dict[str, str], list[str]]:
    """Prepare all scans below `roots`: the data, why scans failed by name, and notes on what was skipped.

    `place_separator` is what `assign_splits` takes. The scans run on `backend`, as redwood_depth.parallel has them.
    `step` is called with each finished scan's name and the number of scans.

    Raises:
        PreparedDataError: no scans, none that can be read, or DATA cannot be written.
    """
    sources, notes = find_scans(roots)
    earlier = _earlier_splits(data / SPLITS_FILE, seed)
    data.mkdir(parents=True, exist_ok=True)
    records, failed = [], {}
    tasks = [_Task(source, data, settings) for source in sources]
    for _, result in run_all(_prepare_one, tasks, backend=backend, jobs=jobs or 0):
        if isinstance(result, ScanFailure):
            failed[result.name] = result.reason
        else:
            records.append(result)
        step(result.name, len(sources))
    if not records:
        name, reason = min(failed.items())
        raise PreparedDataError(f"none of {len(sources)} scans can be prepared; {name}: {reason}")
    _write_splits(data / SPLITS_FILE, records, earlier, place_separator)
    write_index(data, (settings.height, settings.width), records, dict(sorted(failed.items())))
    return PreparedData.load(data), failed, notes


@dataclass(frozen=True)
class _Task:
    """One scan, where its arrays go, and how they are made; called by the scan's name."""

    source: ScanSource
    data: Path
    settings: PrepareSettings

    def __str__(self) -> str:
        return self.source.name


def _prepare_one(task: _Task) -> ScanRecord | ScanFailure:
    return prepare_scan(task.source, task.data, task.settings)


def _earlier_splits(path: Path, seed: int | None) -> tuple[int, dict[str, str]]:
    """The seed to use and the splits to keep: none where a new seed is asked for."""
    if not path.exists():
        return seed or 0, {}
    earlier_seed, splits = read_splits(path)
    return (earlier_seed, splits) if seed in (None, earlier_seed) else (seed or 0, {})


def _write_splits(
    path: Path, records: Sequence[ScanRecord], earlier: tuple[int, dict[str, str]], place_separator: str
) -> None:
    seed, kept = earlier
    test_only = [record.name for record in records if record.evaluation_only]
    names = [record.name for record in records]
    chosen = assign_splits(names, seed, kept, test_only, place_separator=place_separator)
    write_splits(path, seed, {**kept, **chosen})
