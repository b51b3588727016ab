"""Files that ship beside the package, and writing files so that a reader never sees a part of one."""

import contextlib
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path


def shared_file(name: str) -> Path | None:
    """Path of a shipped file such as "config/fastdds.xml", in a checkout or installed; None: it is not there."""
    for parent in Path(__file__).resolve().parents:
        for candidate in (parent / name, parent / "share" / "redwood_depth" / name):
            if candidate.is_file():
                return candidate
    return None


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, text as UTF-8, and make its folder where that is missing.

    A reader sees the old file or the new one, never a part. A symbolic link stays, and what it points to is written. A
    device or pipe such as /dev/stdout is written to as it is.

    Raises:
        OSError: with the file's name, and how much was to be written where there is no room.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        with whole_path(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        size = f"{len(data) / 1e6:.1f} MB" if len(data) >= 100_000 else f"{len(data)} bytes"
        raise OSError(error.errno, f"{error.strerror}; {size} were to be written", str(path)) from error


@contextlib.contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """Yields a file to write, which takes `path`'s place at the end; on an error nothing of it is left.

    What a link points to is replaced, not the link. Of a device or pipe it is `path` itself.

    Raises:
        OSError: it cannot be written.
    """
    if _is_device(path):
        yield path
        return
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        yield partial
        _sync(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _is_device(path: Path) -> bool:
    """Whether it is there and is neither a file nor a folder."""
    with contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False


def _sync(path: Path) -> None:
    """On the disk before it is renamed, or a crash leaves an empty file under the final name."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
