"""The cache of built engines: $XDG_CACHE_HOME/redwood_depth, one engine and its description a key.

An engine is code that runs on the GPU, so the folder is the user's own. What is in it may be deleted at any time.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from redwood_depth.engines.progress import Report
from redwood_depth.errors import EngineError
from redwood_depth.files import whole_path

SIZE_LIMIT_BYTES = 4 << 30
_WAITING_SAID_EVERY_S = 5.0
_ABANDONED_AFTER_S = 600.0
_NAMES = {
    "model_sha256": "model",
    "flavor": "flavor",
    "version": "version",
    "gpu": "GPU",
    "compute_capability": "compute capability",
    "precision": "precision",
}
_REMEDY = "set XDG_CACHE_HOME to a folder of your own"


@dataclass(frozen=True)
class EngineKey:
    """Everything that an engine depends on. A difference in any of it makes another engine necessary."""

    model_sha256: str
    flavor: str
    version: str
    gpu: str
    compute_capability: str
    precision: str

    def file_name(self, model_name: str) -> str:
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        readable = re.sub(r"[^A-Za-z0-9._-]+", "-", model_name)[:40]
        return f"{readable}-{self.precision}-sm{self.compute_capability.replace('.', '')}-{digest[:12]}.engine"


@dataclass(frozen=True)
class CachedEngine:
    """An engine whose content is the one that was written, and what is known of it."""

    key: EngineKey
    path: Path
    plan: bytes
    verification: dict[str, Any] | None  # as verification.py made it; None: not made yet


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/redwood_depth, else ~/.cache/redwood_depth."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "redwood_depth"


class EngineCache:
    """Engines in one folder. Made for a model: its name makes the files readable, and finds its stale ones."""

    def __init__(self, model_name: str, folder: Path | None = None, size_limit_bytes: int = SIZE_LIMIT_BYTES) -> None:
        self.folder = folder or cache_folder()
        self._model_name = model_name
        self._size_limit_bytes = size_limit_bytes

    def path(self, key: EngineKey) -> Path:
        return self.folder / key.file_name(self._model_name)

    def timing_cache(self, key: EngineKey) -> Path:
        """The file of measured kernel times; they depend on TensorRT and GPU, not on the model."""
        known = hashlib.sha256(f"{key.flavor} {key.version} {key.gpu} {key.compute_capability}".encode()).hexdigest()
        return self.folder / f"timing-{known[:12]}.cache"

    def find(self, key: EngineKey) -> tuple[CachedEngine | None, str]:
        """The engine, or None and the reason why it must be built: missing, stale (naming what differs), corrupt."""
        path = self.path(key)
        try:
            if not _is_ours(path):
                return None, f"the cached engine {path.name} is not this user's own, or others can write it"
            plan = path.read_bytes()
        except FileNotFoundError:
            return None, self._why_missing(key)
        except OSError as error:
            return None, f"the cached engine cannot be read ({error.strerror})"
        description = _read_description(path)
        if description is None:
            return None, f"the cached engine {path.name} has no description, as after a broken write"
        if description.get("engine_sha256") != hashlib.sha256(plan).hexdigest():
            return None, f"the cached engine {path.name} is corrupt: its content is not what was written"
        with suppress(OSError):  # a read-only cache serves as well
            os.utime(path)  # the oldest go first, counted from their last use
        return CachedEngine(key, path, plan, description.get("verification")), "found"

    def engines(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Engines of this model, whatever they were built for, with their descriptions."""
        for path in sorted(self.folder.glob("*.engine")):
            description = _read_description(path) or {}
            if description.get("model") == self._model_name and isinstance(description.get("key"), dict):
                yield path, description

    def _why_missing(self, key: EngineKey) -> str:
        """Names what differs from the cached engine of this model that is nearest to the key."""
        wanted = asdict(key)
        nearest: list[str] | None = None
        for _, description in self.engines():
            cached = description["key"]
            differing = [name for name in wanted if cached.get(name) != wanted[name]]
            if nearest is None or len(differing) < len(nearest):
                nearest = [
                    f"{_NAMES[name]} {_short(cached.get(name))}, not {_short(wanted[name])}" for name in differing
                ]
        return f"the nearest cached engine is for {'; '.join(nearest)}" if nearest else "no engine of it is cached"

    def store(self, key: EngineKey, plan: bytes, verification: dict[str, Any] | None = None) -> CachedEngine:
        """Write engine and description, each in one step, and drop the oldest engines over the size limit.

        Raises:
            EngineError: the folder cannot be written, or the disk is full.
        """
        path = self.path(key)
        try:
            write_private(path, plan)
        except OSError as error:
            raise self._cannot_write(error, len(plan)) from error
        self.describe(key, plan, verification)
        self._prune(path)
        return CachedEngine(key, path, plan, verification)

    def describe(self, key: EngineKey, plan: bytes, verification: dict[str, Any] | None) -> None:
        """Write what is known of a stored engine. Raises EngineError."""
        description = {
            "model": self._model_name,
            "key": asdict(key),
            "engine_sha256": hashlib.sha256(plan).hexdigest(),
            "built": time.strftime("%Y-%m-%d %H:%M:%S"),
            "verification": verification,
        }
        text = json.dumps(description, indent=2, allow_nan=False) + "\n"
        try:
            write_private(_description_path(self.path(key)), text.encode())
        except OSError as error:
            raise self._cannot_write(error, len(text)) from error

    @contextmanager
    def lock(self, report: Report) -> Iterator[None]:
        """One builder at a time on this machine: nodes that start together build once, and time kernels undisturbed.

        Raises:
            EngineError: the folder cannot be made or written, or belongs to somebody else.
        """
        try:
            self._make_folder()
            file = os.open(self.folder / "build.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._cannot_write(error, 0) from error
        try:
            _wait_for_lock(file, report)
            yield
        finally:
            os.close(file)  # and with it goes the lock

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self.folder.stat()
        if status.st_uid not in (os.geteuid(), 0):
            raise EngineError(
                f"the engine cache {self.folder} belongs to another user, and engines are code: {_REMEDY}"
            )
        if status.st_mode & 0o022 and status.st_uid == os.geteuid():
            self.folder.chmod(0o700)

    def _cannot_write(self, error: OSError, size_bytes: int) -> EngineError:
        size = f" ({size_bytes / 1e6:.0f} MB)" if size_bytes else ""
        remedy = "free disk space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
        return EngineError(
            f"cannot write{size} into the engine cache {self.folder}: {error.strerror}; {remedy}, or {_REMEDY}"
        )

    def _prune(self, newest: Path) -> None:
        """Delete engines, the longest unused first, until the rest fits the limit; `newest` stays.

        Partial files of a while ago go as well: a process that died left them.
        """
        for partial in self.folder.glob(".*.partial"):
            if _last_use(partial) < time.time() - _ABANDONED_AFTER_S:
                partial.unlink(missing_ok=True)
        engines = sorted(self.folder.glob("*.engine"), key=_last_use)
        total = sum(_size(path) for path in engines)
        for path in engines:
            if total <= self._size_limit_bytes:
                return
            if path != newest:
                total -= _size(path)
                path.unlink(missing_ok=True)
                _description_path(path).unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    """Whether nobody else can have written the file: engines are code. Raises OSError."""
    status = path.stat()
    return status.st_uid in (os.geteuid(), 0) and not status.st_mode & 0o022


def _wait_for_lock(file: int, report: Report) -> None:
    started_s = said_s = time.monotonic()
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if report.cancelled():
                raise EngineError("stopped while another process built an engine") from None
        now_s = time.monotonic()
        if now_s - said_s > _WAITING_SAID_EVERY_S or said_s == started_s:
            said_s = now_s
            report.say(f"another process builds an engine: waiting for it ({now_s - started_s:.0f} s)")
        time.sleep(0.1)


def _description_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _read_description(path: Path) -> dict[str, Any] | None:
    try:
        description = json.loads(_description_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return description if isinstance(description, dict) else None


def write_private(path: Path, content: bytes) -> None:
    """Write a private file in one step: a reader sees the old content or the new, whatever happens in between."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with whole_path(path) as partial, open(os.open(partial, flags, 0o600), "wb") as file:
        file.write(content)


def _last_use(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # deleted meanwhile
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _short(value: object) -> str:
    """A value of a key as a person reads it: hashes cut."""
    text = str(value)
    return text[:12] if re.fullmatch(r"[0-9a-f]{64}", text) else text
