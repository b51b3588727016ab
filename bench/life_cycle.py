"""python -m bench.life_cycle: configure, activate, deactivate, clean up, again and again; what of it stays behind."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.commands.shared.progress_bar import Progress

WARM_UP = 5
MEMORY_LIMIT_MB = 10.0


@dataclass(frozen=True)
class LifeCycleResult:
    """Growth from the end of the warm-up (the first WARM_UP rounds) to the end of the last round."""

    rounds: int
    failed: int
    memory_grown_mb: float
    threads_grown: int
    files_grown: int

    @property
    def passed(self) -> bool:
        few = self.threads_grown <= 0 and self.files_grown <= 0 and self.memory_grown_mb <= MEMORY_LIMIT_MB
        return few and self.failed == 0


def repeat_life_cycle(model: Path, rounds: int, step: Callable[[str], None] = lambda note: None) -> LifeCycleResult:
    """Take a new node through `rounds` life cycles, a frame answered in every fifth, after a warm-up."""
    import psutil

    from bench.harness.life_cycle_services import ACTIVATE, CLEANUP, CONFIGURE, DEACTIVATE, change
    from bench.harness.ros import Client, NodeProcess, camera_info, gray_image, header_at

    failed = 0
    with NodeProcess("cycle", model=model, autostart=False) as process, Client("cycle") as client:
        usage = psutil.Process(process.pid)

        def look() -> tuple[float, int, int]:
            return usage.memory_info().rss / 1e6, usage.num_threads(), usage.num_fds()

        warm = (0.0, 0, 0)
        for index in range(WARM_UP + rounds):
            if index == WARM_UP:
                warm = look()
            for transition in (CONFIGURE, ACTIVATE):
                failed += not change(client, transition)
            if index % 5 == 0:
                client.ask_until_answered(gray_image(header_at(index), 100), camera_info(header_at(index)))
            for transition in (DEACTIVATE, CLEANUP):
                failed += not change(client, transition)
            step(f"{usage.memory_info().rss / 1e6:.0f} MB")
        memory, threads, files = (now - before for now, before in zip(look(), warm, strict=True))
    return LifeCycleResult(rounds, failed, round(memory, 2), int(threads), int(files))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns 0 where nothing stays behind."""
    parser = command_parser("python -m bench.life_cycle", __doc__ or "")
    parser.add_argument("--rounds", type=int, default=200, help="default %(default)s, after a warm-up")
    return run_command(parser, _command, argv)


def _command(arguments: argparse.Namespace) -> int:
    from bench.rig import use_own_domain

    use_own_domain()
    from bench.harness.tiny_bundle import write_tiny_bundle

    with tempfile.TemporaryDirectory() as folder, Progress("life cycles", WARM_UP + arguments.rounds) as progress:
        result = repeat_life_cycle(write_tiny_bundle(Path(folder)).folder, arguments.rounds, progress.advance)
    print(result)
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
