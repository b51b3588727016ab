"""Where the opening of an engine says what it does: a node logs it, a command prints it."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_PERIOD_S = 5.0


def _on_stderr(line: str) -> None:
    print(f"redwood_depth: {line}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Report:
    """Two ways to speak and one to listen; called from other threads too than the one that opens the engine."""

    say: Callable[[str], None] = _on_stderr
    warn: Callable[[str], None] = _on_stderr
    cancelled: Callable[[], bool] = lambda: False  # asked again and again during a build; True ends it


@contextmanager
def said_regularly(report: Report, what: Callable[[], str]) -> Iterator[None]:
    """While the block runs, say `what()` and the seconds gone by every few seconds: no minute without a word."""
    done = threading.Event()
    started_s = time.monotonic()

    def speak() -> None:
        while not done.wait(_PERIOD_S):
            report.say(f"{what()} ({time.monotonic() - started_s:.0f} s)")

    speaker = threading.Thread(target=speak, name="redwood_depth progress", daemon=True)
    speaker.start()
    try:
        yield
    finally:
        done.set()
        speaker.join()
