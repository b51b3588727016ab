"""Files and folders that appear whole or not at all, whatever happens while they are written."""

import contextlib
import errno
import glob
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

PARTIAL = ".partial"
ATTEMPTS = 5


def write_whole(path: Path, text: str) -> None:
    """Write a text file; a reader sees the old file or the new one, never a part."""
    partial = _partial(path)
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields a folder to write into, which takes `path`'s place at the end; on an error nothing of it is left.

    Its name differs from run to run, because a killed run's workers may live on for a while and end their work: then
    the last one to finish stays.
    """
    partial = _partial(path)
    partial.mkdir(parents=True)
    try:
        yield partial
        for attempt in range(ATTEMPTS):
            shutil.rmtree(path, ignore_errors=True)
            try:
                partial.rename(path)
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or attempt == ATTEMPTS - 1:
                    raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove_leftovers(path: Path) -> None:
    """Remove what killed runs left beside `path` while they wrote it."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*{PARTIAL}"):
        shutil.rmtree(leftover, ignore_errors=True)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}{PARTIAL}")
