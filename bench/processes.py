"""Nodes as processes of their own, and what they cost."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

from redwood_depth.errors import EngineError

OURS = "redwood_depth.commands.perception_node"


@dataclass(frozen=True)
class Usage:
    """Processor seconds since the process began, resident memory now, how much of it is shared, and when this was.

    Shared are the pages of libraries, and those of DDS's segments that the process has touched so far: its own and
    each publisher's, at most their 20 MB (config/fastdds.xml).
    """

    cpu_s: float
    memory_mb: float
    at_s: float
    shared_mb: float = 0.0


class NodeProcess:
    """`python -m module` with ROS arguments; a context manager that stops it with SIGINT."""

    def __init__(
        self, module: str, namespace: str, log: Path, own_arguments: tuple[str, ...] = (), **parameters: object
    ) -> None:
        command = [sys.executable, "-m", module, *own_arguments, "--ros-args", "-r", f"__ns:=/{namespace}"]
        for name, value in parameters.items():
            command += ["-p", f"{name}:={value}"]
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        interrupts: list[int] = []  # Ctrl-C amid Popen would leave a process that nobody stops
        before = signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
        try:
            with log.open("wb") as words:
                self._process = subprocess.Popen(
                    command, stdout=words, stderr=subprocess.STDOUT, start_new_session=True
                )
        finally:
            signal.signal(signal.SIGINT, before)
        if interrupts:
            self.stop()
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raises EngineError where the process has ended."""
        if self._process.poll() is not None:
            words = self._log.read_text("utf-8", "replace").strip().splitlines()
            raise EngineError(f"{self._log.stem} ended: {words[-1] if words else 'without a word'} ({self._log})")

    def usage(self) -> Usage:
        process = psutil.Process(self._process.pid)
        times = process.cpu_times()
        memory = process.memory_info()
        return Usage(times.user + times.system, memory.rss / 1e6, time.monotonic(), memory.shared / 1e6)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> "NodeProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def isolate() -> None:
    """Keep the measurement away from other ROS programs of this machine: no network, a domain of its own."""
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(10 + os.getpid() % 90))
