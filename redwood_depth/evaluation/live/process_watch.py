"""What a process costs while something happens: processor time and memory. Needs psutil."""

import os
import threading
import time
from types import TracebackType

import psutil

_PERIOD_S = 0.2


class ProcessWatch:
    """A context manager around the time that counts.

    After it, `cpu_percent` is the processor time of the process in percent of one core, `memory_mb` the most memory it
    had resident. Both are 0 where the process was gone.
    """

    def __init__(self, pid: int) -> None:
        self.cpu_percent = 0.0
        self.memory_mb = 0.0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="process-watch", daemon=True)

    def _sample(self) -> None:
        try:
            process = psutil.Process(self._pid)
            started_s, used_s = time.monotonic(), _used_s(process)
            while True:
                ended = self._stop.wait(_PERIOD_S)
                self.memory_mb = max(self.memory_mb, process.memory_info().rss / 1e6)
                self.cpu_percent = 100.0 * (_used_s(process) - used_s) / (time.monotonic() - started_s)
                if ended:
                    return
        except psutil.NoSuchProcess:
            return

    def __enter__(self) -> "ProcessWatch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)


def find_node_process(namespace: str) -> int | None:
    """Process id of the node `perception` in that namespace ("" or "/front"), as its command line says.

    None where this machine has none, or several, in this ROS domain.
    """
    found = [pid for pid, its in node_processes() if its == namespace.strip("/")]
    return found[0] if len(found) == 1 else None


def node_processes() -> list[tuple[int, str]]:
    """Process id and namespace (without slashes around it) of each node `perception` here in this ROS domain."""
    found = ((process.pid, _namespace(process)) for process in psutil.process_iter())
    return [(pid, namespace) for pid, namespace in found if namespace is not None]


def _namespace(process: psutil.Process) -> str | None:
    try:
        command = process.cmdline()
        installed = len(command) > 1 and os.path.basename(command[1]) == "perception_node"
        if not installed and command[1:3] != ["-m", "redwood_depth.commands.perception_node"]:
            return None
        if process.environ().get("ROS_DOMAIN_ID", "0") != os.environ.get("ROS_DOMAIN_ID", "0"):
            return None
    except psutil.Error:  # it ended meanwhile, or belongs to somebody else
        return None
    given = [word.removeprefix("__ns:=") for word in command if word.startswith("__ns:=")]
    return given[-1].strip("/") if given else ""


def _used_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
