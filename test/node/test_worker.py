"""The mailbox and its thread: the newest frame wins, nothing queues, errors of opening reach the caller."""

import threading
from typing import Any

import pytest

from redwood_depth.errors import EngineError
from redwood_depth.node.worker import Worker


class Estimator:
    """Stands in for the real one: remembers the threads that touched it."""

    def __init__(self) -> None:
        self.threads = [threading.current_thread()]

    def close(self) -> None:
        self.threads.append(threading.current_thread())


def test_a_waiting_frame_is_replaced_and_the_replacement_reported() -> None:
    begun, go_on, seen = threading.Event(), threading.Event(), []

    def handle(_: Any, frame: int) -> None:
        seen.append(frame)
        begun.set()
        go_on.wait(5)

    worker: Worker[int] = Worker(Estimator, handle)  # type: ignore[arg-type]
    worker.start()
    assert worker.put(0)
    assert begun.wait(5)
    assert worker.put(1)
    assert [worker.put(frame) for frame in (2, 3, 4)] == [False, False, False]
    go_on.set()
    deadline = threading.Event()
    while len(seen) < 2:
        deadline.wait(0.01)
    assert worker.stop()
    assert seen == [0, 4]


def test_everything_happens_on_one_thread_that_is_not_the_callers() -> None:
    estimator, handled, done = [], [], threading.Event()

    def open_estimator() -> Any:
        estimator.append(Estimator())
        return estimator[0]

    def handle(_: Any, frame: int) -> None:
        handled.append(threading.current_thread())
        done.set()

    worker: Worker[int] = Worker(open_estimator, handle)
    worker.start()
    worker.put(1)
    assert done.wait(5)
    assert worker.stop()
    threads = {*estimator[0].threads, *handled}
    assert len(threads) == 1
    assert threading.current_thread() not in threads


def test_an_engine_that_cannot_be_opened_is_the_callers_error() -> None:
    def open_estimator() -> Any:
        raise EngineError("no such device")

    worker: Worker[int] = Worker(open_estimator, lambda estimator, frame: None)
    with pytest.raises(EngineError, match="no such device"):
        worker.start()
    assert worker.stop()


def test_clear_and_stop_forget_the_waiting_frame() -> None:
    worker: Worker[int] = Worker(Estimator, lambda estimator, frame: None)  # type: ignore[arg-type]
    worker.put(1)
    worker.clear()
    worker.start()
    assert worker.stop()
    assert worker.stop()
