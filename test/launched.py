"""A launch file run by the real launch service in a process of its own, and packages for it to find."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What `ros2 launch` does with a file and NAME:=VALUE.
PROGRAM = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
arguments = [tuple(word.split(":=", 1)) for word in sys.argv[2:]]
file = IncludeLaunchDescription(PythonLaunchDescriptionSource(sys.argv[1]), launch_arguments=arguments)
service = LaunchService(argv=sys.argv[2:])
service.include_launch_description(LaunchDescription([file]))
sys.exit(service.run())
"""


class Launched:
    """A running launch file. Leaving the context stops it as Ctrl-C does."""

    def __init__(self, file: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        command = [sys.executable, "-c", PROGRAM, str(file), *arguments]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(iter(self._process.stdout.readline, ""))

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def wait_for(self, text: str, timeout_s: float = 60.0) -> None:
        deadline_s = time.monotonic() + timeout_s
        while text not in self.output:
            assert time.monotonic() < deadline_s, f"no {text!r} in: {self.output}"
            assert self._process.poll() is None or not self._reader.is_alive(), f"launch ended: {self.output}"
            time.sleep(0.05)

    def pid_of(self, name: str) -> int:
        """Process id of a process that launch has started, by the name that launch gives it."""
        self.wait_for(f"[{name}]: process started with pid")
        found = re.search(rf"\[{name}\]: process started with pid \[(\d+)\]", self.output)
        assert found
        return int(found[1])

    def interrupt(self) -> None:
        os.killpg(self._process.pid, signal.SIGINT)

    def wait(self, timeout_s: float = 60.0) -> int:
        """The exit code of launch, once it has ended; nothing that it started may be left."""
        code = self._process.wait(timeout_s)
        self._reader.join(10)
        for pid in map(int, re.findall(r"process started with pid \[(\d+)\]", self.output)):
            assert not Path(f"/proc/{pid}").exists(), f"process {pid} was left behind: {self.output}"
        return code

    def close(self) -> None:
        if self._process.poll() is None:
            self.interrupt()
        try:
            self._process.wait(30)
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._reader.join(10)
            if self._process.stdout:
                self._process.stdout.close()


Launch = Callable[..., Launched]


def is_installed(package: str) -> bool:
    """Whether this shell's ROS has the package, beside what a test adds."""
    index = Path("share", "ament_index", "resource_index", "packages", package)
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    return any((Path(prefix) / index).exists() for prefix in prefixes if prefix)


def add_package(prefix: Path, name: str) -> None:
    index = prefix / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True, exist_ok=True)
    (index / name).touch()
    (prefix / "share" / name).mkdir()


def add_program(prefix: Path, package: str, name: str, program: str) -> None:
    file = prefix / "lib" / package / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!{sys.executable}\n{program}\n")
    file.chmod(0o755)
