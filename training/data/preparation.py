"""Scans -> prepared data: memory-mapped arrays, an index, and splits by scan."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from joblib import Parallel, delayed

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
    jobs: int | None = None,
    step: Callable[[str, int], None] = lambda name, total: None,
) -> tuple[PreparedData, dict[str, str], list[str]]:
    """Prepare all scans below `roots`: the data, why scans failed by name, and notes on what was left out.

    The scans run in the joblib backend that is set around the call (joblib.parallel_config: dask, ray, ...). `step` is
    called with each finished scan's name and the number of scans.

    Raises:
        PreparedDataError: no scans, none that can be read, or DATA cannot be written.
    """
    sources, notes = find_scans(roots)
    earlier = _earlier_splits(data / SPLITS_FILE, seed)
    data.mkdir(parents=True, exist_ok=True)
    records, failed = [], {}
    for result in _prepare_all(sources, data, settings, jobs):
        if isinstance(result, ScanFailure):
            failed[result.name] = result.reason
        else:
            records.append(result)
        step(result.name, len(sources))
    if not records:
        name, reason = min(failed.items())
        raise PreparedDataError(f"none of {len(sources)} scans can be prepared; {name}: {reason}")
    _write_splits(data / SPLITS_FILE, records, earlier)
    write_index(data, (settings.height, settings.width), records, dict(sorted(failed.items())))
    return PreparedData.load(data), failed, notes


def _prepare_all(
    sources: Sequence[ScanSource], data: Path, settings: PrepareSettings, jobs: int | None
) -> Iterator[ScanRecord | ScanFailure]:
    workers = Parallel(n_jobs=1 if len(sources) == 1 else jobs or -1, return_as="generator_unordered")
    with closing(workers(delayed(prepare_scan)(source, data, settings) for source in sources)) as results:
        yield from results


def _earlier_splits(path: Path, seed: int | None) -> tuple[int, dict[str, str]]:
    """The seed to use and the splits to keep: none where a new seed is asked for."""
    if not path.exists():
        return seed or 0, {}
    earlier_seed, splits = read_splits(path)
    return (earlier_seed, splits) if seed in (None, earlier_seed) else (seed or 0, {})


def _write_splits(path: Path, records: Sequence[ScanRecord], earlier: tuple[int, dict[str, str]]) -> None:
    seed, kept = earlier
    test_only = [record.name for record in records if record.evaluation_only]
    chosen = assign_splits([record.name for record in records], seed, kept, test_only)
    write_splits(path, seed, {**kept, **chosen})
