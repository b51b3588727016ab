"""Many scans at once: one process a scan, each scan under its final name only when whole, finished ones skipped."""

from __future__ import annotations

import contextlib
import fcntl
import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from redwood_depth.bundle import NO_CLASS
from redwood_depth.errors import ScanError
from training.synthetic.rendering.renderer import check_renderer, use_renderer

OBJECTS = ("car", "trash container", "bicycle")
PARTIAL = ".partial-"  # what a scan that is not whole yet is called, before its id


@dataclass(frozen=True)
class ScanPlan:
    """Everything that decides what one scan looks like."""

    index: int
    label: str
    seed: int
    frames: int
    width: int
    height: int
    samples: int

    @property
    def scan_id(self) -> str:
        """The name of its folder."""
        return f"s{self.seed:03d}-{self.index:05d}"

    @property
    def settings(self) -> dict[str, int]:
        """What info.json keeps, so that a later run can tell whether the scan is the one it would make."""
        return {
            "seed": self.seed,
            "index": self.index,
            "frames": self.frames,
            "width": self.width,
            "height": self.height,
            "samples": self.samples,
        }

    def folder(self, root: Path) -> Path:
        """Where the finished scan lies."""
        return root / self.label / self.scan_id

    def partial(self, root: Path) -> Path:
        """Where it lies while it is rendered."""
        return root / f"{PARTIAL}{self.scan_id}"


@dataclass(frozen=True)
class Summary:
    """What a run did: scans by class that are there now, scans and frames that this run rendered, seconds it took."""

    scans: dict[str, int]
    rendered: int
    frames: int
    seconds: float


def label_of(index: int, none_share: float) -> str:
    """The class of a scan: every so often "none", else the classes in turn; whatever the number of scans."""
    nones = int((index + 1) * none_share) - int(index * none_share)
    return NO_CLASS if nones else OBJECTS[(index - int(index * none_share)) % len(OBJECTS)]


def synthesize(
    plans: list[ScanPlan],
    root: Path,
    jobs: int,
    progress: Callable[[int, int], None] = lambda scans, frames: None,
    renderer: str = "scalar",
) -> Summary:
    """Render the scans that are missing under `root`; progress gets the scans and color frames done so far.

    Raises:
        ScanError: a scan of other settings is in the way, another run writes to `root`, a worker died, or `renderer`
            does not work here.
        OSError: the disk is full, the folder cannot be written.
    """
    check_renderer(renderer)
    root.mkdir(parents=True, exist_ok=True)
    with _alone_in(root):
        return _synthesize(plans, root, jobs, progress, renderer)


def _synthesize(
    plans: list[ScanPlan], root: Path, jobs: int, progress: Callable[[int, int], None], renderer: str
) -> Summary:
    start = time.monotonic()
    for left_behind in root.glob(f"{PARTIAL}*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    missing = [plan for plan in plans if not _is_finished(plan, root)]
    kept = [plan for plan in plans if plan not in missing]
    before = so_far = sum(plan.frames for plan in kept)
    progress(len(kept), before)
    for done in _rendered(missing, root, max(1, min(jobs, len(missing))), renderer):
        finished = len(kept) + len(done)
        so_far = max(so_far, before + sum(_frames_done(plan, root) for plan in missing))
        progress(finished, so_far)
    frames = sum(_frames_in(plan.folder(root)) for plan in missing)
    return Summary(Counter(plan.label for plan in plans), len(missing), frames, time.monotonic() - start)


@contextlib.contextmanager
def _alone_in(root: Path) -> Iterator[None]:
    """Hold the folder for this run only: two runs would write the same scans. A run that is killed lets go of it."""
    folder = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ScanError(f"another run writes scans to {root}; wait for it, or choose another --output") from error
        yield
    finally:
        os.close(folder)


def _is_finished(plan: ScanPlan, root: Path) -> bool:
    """Whether the scan is there. Raises ScanError where another one is in its place."""
    info = plan.folder(root) / "info.json"
    if not info.exists():
        return False
    try:
        found = json.loads(info.read_text("utf-8")).get("settings")
    except ValueError:
        found = None
    if found != plan.settings:
        raise ScanError(
            f"{plan.folder(root)} was made with other settings ({_listed(found)}); remove it or choose another --output"
        )
    return True


def _listed(settings: dict[str, int] | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) if settings else "none known"


def _frames_done(plan: ScanPlan, root: Path) -> int:
    """How much of a scan is rendered; all of its frames, lost ones too, once it is whole."""
    return plan.frames if plan.folder(root).exists() else _frames_in(plan.partial(root))


def _frames_in(scan: Path) -> int:
    return len(list(scan.glob("rgb/*.jpg")))


def _rendered(plans: list[ScanPlan], root: Path, jobs: int, renderer: str) -> Iterator[set[ScanPlan]]:
    """Render in processes of their own; yields, about twice a second, the plans that are done."""
    done: set[ScanPlan] = set()
    pool = ProcessPoolExecutor(
        jobs, multiprocessing.get_context("spawn"), initializer=_start_worker, initargs=(os.getpid(), jobs, renderer)
    )
    try:
        futures: dict[Future[None], ScanPlan] = {pool.submit(render_one, plan, root): plan for plan in plans}
        waiting = set(futures)
        while waiting:
            finished, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                done.add(futures[future])
            yield done
    except BrokenProcessPool as error:
        raise ScanError(
            "a rendering process died, out of memory perhaps: try fewer --jobs; finished scans stay"
        ) from error
    finally:
        _stop(pool)
        for plan in plans:
            shutil.rmtree(plan.partial(root), ignore_errors=True)


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the pool at once: whoever is in the middle of a scan is ended too."""
    workers = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join()


def _start_worker(parent: int, jobs: int, renderer: str) -> None:
    """In a new process: leave Ctrl-C to the parent, end when it is gone, and share the cores among the jobs."""
    import cv2
    import drjit

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    drjit.set_thread_count(max(1, len(os.sched_getaffinity(0)) // jobs))
    cv2.setNumThreads(1)
    use_renderer(renderer)  # last: the renderer counts threads as it is imported, and seeds its blocks by them


def _end_with(parent: int) -> None:
    """End this process when its parent is no longer there."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def render_one(plan: ScanPlan, root: Path) -> None:
    """Render one scan beside its final place and move it there."""
    from training.synthetic.recording import render_scan  # imports the renderer: not in the parent
    from training.synthetic.scenario import random_scenario

    scenario = random_scenario(
        plan.label, (plan.seed, plan.index), frames=plan.frames, width=plan.width, height=plan.height
    )
    partial = plan.partial(root)
    shutil.rmtree(partial, ignore_errors=True)
    about = {
        "class": plan.label,
        "indoors": scenario.indoors,
        "settings": plan.settings,
        "source": "redwood_depth, python -m training synthesize: procedural scene, modeled depth sensor",
    }
    render_scan(
        partial,
        scenario.street,
        scenario.light,
        scenario.path,
        scenario.camera,
        scenario.recording,
        samples=plan.samples,
        about=about,
    )
    plan.folder(root).parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(plan.folder(root), ignore_errors=True)
    partial.rename(plan.folder(root))
