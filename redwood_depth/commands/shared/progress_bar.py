"""A progress line on stderr, for people only: nothing is written where stderr is not a terminal."""

import sys
import time
from types import TracebackType

_WIDTH = 30
_PERIOD_S = 0.1


class Progress:
    """A context manager; a `total` of 0 means unknown, and may be set later."""

    def __init__(self, label: str, total: int = 0) -> None:
        self._label = label
        self.total = total
        self._count = 0
        self._shown_s = 0.0
        self._visible = sys.stderr.isatty()

    def advance(self, note: str = "") -> None:
        """Count one step; `note` stands behind the count."""
        self._count += 1
        now_s = time.monotonic()
        if self._visible and (now_s - self._shown_s > _PERIOD_S or self._count == self.total):
            self._shown_s = now_s
            done = round(_WIDTH * min(self._count / self.total, 1)) if self.total else 0
            total = f"/{self.total}" if self.total else ""
            bar = f"[{'#' * done}{'.' * (_WIDTH - done)}] " if self.total else ""
            sys.stderr.write(f"\r{self._label} {bar}{self._count}{total} {note}\x1b[K")
            sys.stderr.flush()

    def expect(self, total: int) -> None:
        """Count one step of `total`."""
        self.total = total
        self.advance()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._visible and self._count:
            sys.stderr.write("\n")
