"""Tasks for workers of joblib, Dask and Ray, which import them by name."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Deed:
    """What a worker does: square `number`; `dies` kills it, each time, or with `mark` only where that is missing."""

    number: int
    dies: bool = False
    mark: Path | None = None

    def __str__(self) -> str:
        return f"deed {self.number}"


def do(deed: Deed) -> int:
    """The square of the number. Raises ValueError where that is negative."""
    if deed.dies and not (deed.mark and deed.mark.exists()):
        if deed.mark:
            deed.mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if deed.number < 0:
        raise ValueError(f"{deed} cannot be done")
    return deed.number**2
