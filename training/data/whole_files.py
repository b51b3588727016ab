"""Folders that appear whole or not at all, whatever happens while they are written."""

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields a folder to write files into, which takes `path`'s place at the end; on an error nothing of it is left.

    Waits while another process writes the same folder: the workers of a killed run live on for a while.
    """
    partial = _partial(path)
    lock = _lock(partial)
    try:
        for leftover in partial.iterdir():
            leftover.unlink()
        yield partial
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(lock)


def remove_leftover(path: Path) -> None:
    """Remove what a killed run left of `path` while it wrote it, unless a process still does."""
    partial = _partial(path)
    if partial.exists():
        with contextlib.suppress(BlockingIOError):
            lock = _lock(partial, wait=False)
            shutil.rmtree(partial, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path, wait: bool = True) -> int:
    """Make a folder and lock it; the system unlocks it when the descriptor is closed or the process ends."""
    while True:
        if folder.is_file():
            raise FileExistsError(errno.EEXIST, "a file is in the way", str(folder))
        with contextlib.suppress(FileNotFoundError, FileExistsError), contextlib.ExitStack() as undo:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY)
            undo.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.path.samestat(folder.stat(), os.fstat(descriptor)):
                undo.pop_all()
                return descriptor
        # its last owner has just given it its final name, or removed it


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")
