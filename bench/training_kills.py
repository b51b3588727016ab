"""python -m bench.training_kills: commands of training killed with SIGKILL at random moments, and started again.

What lies there after each kill must be what an undisturbed run makes, or be missing; the last run must complete it to
the same bytes. Half of the kills are of the whole process group, half of the main process alone, whose workers live on.
Run it with the interpreter of training.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redwood_depth.commands.shared.command_line import command_parser, run_command


@dataclass(frozen=True)
class Job:
    """A command that is tried.

    `arguments(folder, output)`: of python -m training, after `make_inputs(folder)`. `contents(output)`: what must be
    the same after a kill and a resume, by name; what appears whole or not at all may be missing before.
    """

    arguments: Callable[[Path, Path], list[str]]
    make_inputs: Callable[[Path], None] = lambda folder: None
    contents: Callable[[Path], Mapping[str, bytes]] = lambda output: finished_files(output)


def finished_files(output: Path) -> dict[str, bytes]:
    """Every file, but not those that say by their name that they are not finished."""
    files = (path for path in sorted(output.rglob("*")) if path.is_file())
    names = {path: str(path.relative_to(output)) for path in files}
    return {name: path.read_bytes() for path, name in names.items() if ".partial" not in name}


def _some_scans(folder: Path) -> None:
    from bench.harness.scan_files import scan_members, write_folder, write_zip

    for index in range(6):
        write_folder(folder / "car" / f"{index:05d}", scan_members(30, depth_lost=[3], size=(240, 320)))
    write_zip(folder / "bicycle" / "00010.zip", scan_members(30, size=(240, 320)))
    write_zip(folder / "00011.zip", scan_members(20))


def _small_data(folder: Path) -> None:
    """Prepared data and a configuration that take seconds to train on."""
    from bench.harness.scan_files import scan_members, write_folder

    for index in range(6):
        write_folder(folder / "scans" / ("car", "bicycle")[index % 2] / f"{index:05d}", scan_members(6))
    _run(["prepare", str(folder / "scans"), "--output", str(folder / "data"), "--height", "32", "--width", "64"])
    (folder / "small.yaml").write_text(
        "{encoder: tf_mobilenetv3_small_minimal_100, encoder_weights: none, height: 32, width: 64, epochs: 3,"
        " decoder_widths: [8, 8], samples_per_epoch: 24, batch_size: 4, workers: 0, checkpoint_steps: 1}"
    )


def _small_run(folder: Path) -> None:
    _small_data(folder)
    _run(_train(folder, folder / "run"))


def _train(folder: Path, output: Path) -> list[str]:
    config, data = folder / "small.yaml", folder / "data"
    return ["train", "--config", str(config), "--data", str(data), "--output", str(output)]


def _trained(output: Path) -> dict[str, bytes]:
    """Losses and scores of each epoch, the final scores, and the bytes of the best and the last weights.

    Raises TrainingError where a checkpoint cannot be read.
    """
    from training.run.checkpoints import BEST, LAST, read_checkpoint
    from training.run.folder import CHECKPOINTS, HISTORY, METRICS

    found = {name: (output / name).read_bytes() for name in (HISTORY, METRICS) if (output / name).exists()}
    for name in (BEST, LAST):
        if (path := output / CHECKPOINTS / name).exists():
            tensors = read_checkpoint(path)["state_dict"]
            found[name] = b"".join(tensors[key].numpy().tobytes() for key in sorted(tensors))
    return found


JOBS = {
    "prepare": Job(
        lambda folder, output: ["prepare", str(folder), "--output", str(output), "--jobs", "2"], _some_scans
    ),
    "synthesize": Job(
        lambda folder, output: [
            *("synthesize", "--scans", "2", "--frames", "2", "--size", "64x48", "--samples", "1"),
            *("--jobs", "2", "--output", str(output)),
        ]
    ),
    "train": Job(_train, _small_data, _trained),
    "export": Job(lambda folder, output: ["export", str(folder / "run"), "--output", str(output)], _small_run),
}


@dataclass
class KillResult:
    """How a job bore its kills; `faults` is empty where all is well."""

    job: str
    kills: int = 0
    completed_before_the_kill: int = 0
    resumed: int = 0
    undisturbed_s: float = 0.0
    faults: list[str] = field(default_factory=list)


def try_kills(name: str, kills: int, seed: int, folder: Path, step: Callable[[], None] = lambda: None) -> KillResult:
    """Kill and resume the job; a run that completes is followed by one into an empty folder."""
    job, result, chance = JOBS[name], KillResult(name), random.Random(seed)
    job.make_inputs(folder / "in")
    started_s = time.monotonic()
    _finish(job, folder / "in", folder / "undisturbed")
    result.undisturbed_s = time.monotonic() - started_s
    expected = dict(job.contents(folder / "undisturbed"))
    round_number, begun = 0, False
    while result.kills < kills and not result.faults:
        output = folder / f"killed{round_number}"
        process = _start(job, folder / "in", output)
        try:
            process.wait(chance.uniform(0.1, 1.1) * result.undisturbed_s)
            result.completed_before_the_kill += 1
        except subprocess.TimeoutExpired:
            result.kills += 1
            step()
            (os.killpg if chance.random() < 0.5 else os.kill)(process.pid, signal.SIGKILL)
            process.wait()
            begun = True
            _look(job, output, expected, result)
            if result.kills < kills:
                continue
        if begun:  # a folder that was killed in is completed, and compared
            _finish(job, folder / "in", output)
            result.resumed += 1
            if dict(job.contents(output)) != expected:
                result.faults.append(
                    f"after {result.kills} kills the result differs: {_differing(output, job, expected)}"
                )
        round_number, begun = round_number + 1, False
    return result


def _start(job: Job, folder: Path, output: Path) -> subprocess.Popen[bytes]:
    return _training(job.arguments(folder, output))


def _finish(job: Job, folder: Path, output: Path) -> None:
    _wait(_start(job, folder, output))


def _run(arguments: list[str]) -> None:
    _wait(_training(arguments))


def _training(arguments: list[str]) -> subprocess.Popen[bytes]:
    command, quiet = [sys.executable, "-m", "training", *arguments], subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)


def _wait(process: subprocess.Popen[bytes]) -> None:
    if code := process.wait():
        raise RuntimeError(f"{process.args!r} ended with {code}")


def _look(job: Job, output: Path, expected: Mapping[str, bytes], result: KillResult) -> None:
    """What is there bears its final name: it must be whole, except for what a worker that lives on is moving."""
    if output.exists():
        for name, data in _contents_at_rest(job, output).items():
            if name in expected and data != expected[name] and name.endswith((".npy", ".jpg", ".png")):
                result.faults.append(f"after kill {result.kills} {name} is not what it should be ({len(data)} bytes)")


def _contents_at_rest(job: Job, output: Path) -> Mapping[str, bytes]:
    while True:
        try:
            return job.contents(output)
        except FileNotFoundError:  # a worker of the killed run has just moved it
            time.sleep(0.1)


def _differing(output: Path, job: Job, expected: Mapping[str, bytes]) -> list[str]:
    found = dict(job.contents(output))
    return sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))[:5]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns 0 where nothing was corrupt and everything could be completed."""
    parser = command_parser("python -m bench.training_kills", __doc__ or "")
    parser.add_argument("jobs", nargs="*", default=list(JOBS), metavar="JOB", help=f"of {', '.join(JOBS)}; default all")
    parser.add_argument("--kills", type=int, default=50, help="of each, default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default %(default)s")
    return run_command(parser, _command, argv)


def _command(arguments: argparse.Namespace) -> int:
    code = 0
    for name in arguments.jobs:
        with tempfile.TemporaryDirectory() as folder:
            result = try_kills(name, arguments.kills, arguments.seed, Path(folder))
        print(result, flush=True)
        code |= bool(result.faults)
    return code


if __name__ == "__main__":
    sys.exit(main())
