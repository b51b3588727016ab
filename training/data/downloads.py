"""Fetch scans of Redwood's classes: index, sizes, room on the disk, then the zips, each checked before it counts."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

from redwood_depth.errors import ScanError
from training.data.redwood_index import INDEX_FILES, INDEX_URL, SCANS_URL, RedwoodIndex, scan_path
from training.data.scan_archive import check_scan_archive
from training.data.transfer import TransferSettings, fetch_bytes, fetch_file, http_client, remote_bytes
from training.errors import DownloadError

BAD = ".bad"  # behind the name of an archive that failed its check
SPARE_BYTES = 256 << 20  # left free on the disk

T = TypeVar("T")


@dataclass(frozen=True)
class DownloadRequest:
    """What to fetch and from where; ROOT/CLASS/SCAN_ID.zip below `output` are the results."""

    classes: tuple[str, ...]
    scans_per_class: int
    output: Path
    seed: int = 0
    index_url: str = INDEX_URL
    scans_url: str = SCANS_URL
    connections: int = 4
    transfer: TransferSettings = field(default_factory=TransferSettings)


@dataclass(frozen=True)
class WantedScan:
    """A scan to fetch; `size` is what the server says, None where it does not."""

    url: str
    path: Path
    size: int | None = None

    @property
    def bad_path(self) -> Path:
        return self.path.with_name(self.path.name + BAD)

    @property
    def part_bytes(self) -> int:
        part = self.path.with_name(f"{self.path.name}.part")
        return part.stat().st_size if part.exists() else 0

    @property
    def known_bad(self) -> bool:
        """Whether this very archive was fetched before and set aside."""
        return self.bad_path.exists() and self.bad_path.stat().st_size == self.size


@dataclass
class DownloadPlan:
    """All scans asked for: `present` before, `wanted` now, and how many the index has by class (asked for, there)."""

    by_class: dict[str, tuple[int, int]]
    present: list[Path]
    wanted: list[WantedScan]
    free_bytes: int

    @property
    def bytes_to_come(self) -> int:
        return sum(max((scan.size or 0) - scan.part_bytes, 0) for scan in self.wanted)

    @property
    def bytes_here(self) -> int:
        return sum(scan.part_bytes for scan in self.wanted)

    @property
    def unknown_sizes(self) -> int:
        return sum(scan.size is None for scan in self.wanted)


@dataclass
class DownloadResult:
    """What became of the wanted scans; `bad` and `failed` say why, by path."""

    fetched: list[Path] = field(default_factory=list)
    bad: dict[Path, str] = field(default_factory=dict)
    failed: dict[Path, str] = field(default_factory=dict)


def download(
    request: DownloadRequest, planned: Callable[[DownloadPlan], None], received: Callable[[int], None]
) -> DownloadResult:
    """Fetch what is missing; `planned` hears of the plan before anything large comes, `received` of bytes.

    A stop at any moment, Ctrl-C too, leaves whole zips and parts that the next run continues.

    Raises:
        DownloadError: no index, a class that it lacks, too little room, or the disk cannot be written.
    """
    return asyncio.run(_download(request, planned, received))


async def _download(
    request: DownloadRequest, planned: Callable[[DownloadPlan], None], received: Callable[[int], None]
) -> DownloadResult:
    async with http_client(request.transfer, request.connections) as client:
        plan = await _plan(client, request)
        _check_room(plan, request.output)
        planned(plan)
        result = DownloadResult()
        await _all(_fetch(client, scan, request.transfer, received, result) for scan in plan.wanted)
        return result


async def _plan(client: httpx.AsyncClient, request: DownloadRequest) -> DownloadPlan:
    base = request.index_url.rstrip("/")
    files = await _all(fetch_bytes(client, f"{base}/{name}", request.transfer) for name in INDEX_FILES)
    index = RedwoodIndex.parse(*files)
    chosen = {name: index.choose(name, request.scans_per_class, request.seed) for name in request.classes}
    scans = [
        WantedScan(f"{request.scans_url.rstrip('/')}/{scan}.zip", scan_path(request.output, name, scan))
        for name, ids in chosen.items()
        for scan in ids
    ]
    present = [scan.path for scan in scans if scan.path.exists()]
    missing = [scan for scan in scans if not scan.path.exists()]
    sizes = await _all(remote_bytes(client, scan.url, request.transfer) for scan in missing)
    request.output.mkdir(parents=True, exist_ok=True)
    return DownloadPlan(
        by_class={name: (len(ids), len(index.scans[name])) for name, ids in chosen.items()},
        present=present,
        wanted=[WantedScan(scan.url, scan.path, size) for scan, size in zip(missing, sizes, strict=True)],
        free_bytes=shutil.disk_usage(request.output).free,
    )


def _check_room(plan: DownloadPlan, output: Path) -> None:
    if plan.bytes_to_come + SPARE_BYTES > plan.free_bytes:
        raise DownloadError(
            f"{plan.bytes_to_come / 1e9:.1f} GB are to come, {output} has {plan.free_bytes / 1e9:.1f} GB free;"
            " ask for fewer scans per class, or choose another folder"
        )


async def _fetch(
    client: httpx.AsyncClient,
    scan: WantedScan,
    settings: TransferSettings,
    received: Callable[[int], None],
    result: DownloadResult,
) -> None:
    """Fetch one scan and note in `result` what became of it."""
    if scan.known_bad:
        result.bad[scan.path] = f"as before; delete {scan.bad_path.name} to fetch it again"
        return
    try:
        scan.path.parent.mkdir(parents=True, exist_ok=True)
        partial = await fetch_file(client, scan.url, scan.path, settings, received)
        try:
            check_scan_archive(partial.path)
        except ScanError as error:
            partial.finish(scan.bad_path)
            result.bad[scan.path] = str(error)
            return
        partial.finish()
        scan.bad_path.unlink(missing_ok=True)
        result.fetched.append(scan.path)
    except DownloadError as error:
        result.failed[scan.path] = str(error)
    except OSError as error:
        raise DownloadError(f"cannot write {scan.path}: {error.strerror}; run again to go on from here") from error


async def _all(jobs: Iterable[Awaitable[T]]) -> list[T]:
    """Wait for all; where one fails, the others are stopped. The client limits how many are under way."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
