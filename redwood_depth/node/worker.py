"""The latest-frame mailbox and the one thread that opens, runs and closes the estimator."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from redwood_depth.estimator import Estimator

Frame = TypeVar("Frame")
# The thread that hands a frame over has nothing to hurry for, but would keep the interpreter: rclpy's executor needs
# 0.3 ms before it waits again, and all that time the woken worker would stand still (make bench, "hand over").
_YIELD_S = 1e-4


class Worker(Generic[Frame]):
    """Runs `handle(estimator, frame)` on a thread of its own, always with the newest frame.

    A frame that arrives while another is worked on replaces the one that waits, so latency never grows. No lock is
    held while a frame is worked on. CUDA contexts belong to threads: everything that touches the engine happens here.
    """

    def __init__(self, open_estimator: Callable[[], Estimator], handle: Callable[[Estimator, Frame], None]) -> None:
        self._open_estimator = open_estimator
        self._handle = handle
        self._waiting: Frame | None = None
        self._stopping = False
        self._changed = threading.Condition()
        self._opened = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="redwood_depth worker", daemon=True)

    def start(self) -> None:
        """Open the estimator on the thread and wait for it; raises what the opening raised."""
        self._thread.start()
        self._opened.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def put(self, frame: Frame) -> bool:
        """Hand over the newest frame. False: it took the place of one that was still waiting, which is dropped."""
        with self._changed:
            replaced = self._waiting is not None
            self._waiting = frame
            self._changed.notify()
        time.sleep(_YIELD_S)
        return not replaced

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Let the frame in work finish, close the estimator, end the thread. False: it did not end in time."""
        with self._changed:
            self._stopping = True
            self._waiting = None
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def clear(self) -> None:
        """Forget the frame that waits, if any."""
        with self._changed:
            self._waiting = None

    def _take(self) -> Frame | None:
        """The newest frame, once there is one; None: stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._stopping)
            frame, self._waiting = self._waiting, None
            return None if self._stopping else frame

    def _run(self) -> None:
        try:
            estimator = self._open_estimator()
        except BaseException as error:
            self._failure = error
            return
        finally:
            self._opened.set()
        try:
            while (frame := self._take()) is not None:
                self._handle(estimator, frame)
        finally:
            estimator.close()
