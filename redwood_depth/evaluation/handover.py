"""Threads that hand the interpreter over quickly."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_HANDOVER_S = 5e-4


@contextmanager
def quick_handover() -> Iterator[None]:
    """Python lets a thread that waits for the interpreter wait for 5 ms, half a frame, while a core may stand idle."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(_HANDOVER_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
