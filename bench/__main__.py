"""make bench: node against engine, node against the usual way, cost of nodes, training; one table, in one run."""

import argparse
import datetime
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import against_engine, against_peer, node_cost
from bench.document import document
from bench.machine import commit, machine, threads, versions
from bench.processes import isolate
from bench.scan import write_scan
from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.errors import EngineError, RedwoodDepthError
from redwood_depth.evaluation.result_files import write_json
from redwood_depth.files import write_whole
from redwood_depth.node.dds import use_shared_memory_profile

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "performance.md"
_CAMERA_HZ = 30.0
_OVERLOAD_S = 10.0

_DESCRIPTION = """\
Measure how fast the node is, in ratios of things measured in turn in this run, and write the table as JSON and
Markdown. On two cores it takes about eleven minutes. End other programs first. Ctrl-C keeps what was measured so far in
the JSON."""


@dataclass(frozen=True)
class Plan:
    """What every section is given; lengths in seconds."""

    bundle: ModelBundle
    training_python: str
    seconds: float
    steady_s: float
    out: Path
    tick: Callable[[str], None]

    def densenet(self) -> ModelBundle:
        """The DenseNet169 bundle, made once. Raises EngineError where torch is missing."""
        folder = self.out / "densenet169"
        if not (folder / "model.json").exists():
            self.tick("exporting DenseNet169")
            self.in_training("-m", "bench.densenet_bundle", str(folder))
        return ModelBundle.load(folder)

    def in_training(self, *arguments: str) -> str:
        """Run Python where torch is; returns its last line. Raises EngineError."""
        try:
            done = subprocess.run(
                [self.training_python, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
            )
        except OSError as error:
            raise EngineError(f"no environment with torch at {self.training_python} (make bench sets it up)") from error
        except subprocess.CalledProcessError as error:
            words = (error.stderr.strip().splitlines() or ["without a word"])[-1]
            raise EngineError(f"{' '.join(arguments)} failed: {words}") from error
        return done.stdout.strip().splitlines()[-1]

    def training_packages(self) -> str:
        """The folder that torch is in."""
        return self.in_training("-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])")


def _node_against_engine(plan: Plan) -> list[dict[str, Any]]:
    bundles = (plan.bundle, plan.densenet())
    return [against_engine.compare(bundle, 2 * plan.seconds, plan.out, plan.tick) for bundle in bundles]


def _sustained(plan: Plan) -> list[dict[str, Any]]:
    return [
        against_engine.sustain(bundle, rate_hz, plan.steady_s, min(_OVERLOAD_S, plan.steady_s), plan.out, plan.tick)
        for bundle, rate_hz in ((plan.bundle, _CAMERA_HZ), (plan.densenet(), None))
    ]


def _against_peer(plan: Plan) -> list[dict[str, Any]]:
    seconds = 0.6 * plan.seconds  # for each node at each of three rates
    packages, bundles = plan.training_packages(), (plan.bundle, plan.densenet())
    return [against_peer.compare(bundle, packages, seconds, plan.out, plan.tick) for bundle in bundles]


def _cost(plan: Plan) -> dict[str, Any]:
    seconds = plan.seconds / 2
    return {
        "idle": node_cost.idle(plan.bundle, seconds, plan.out, plan.tick),
        "several": node_cost.several(plan.bundle, (1, 2, 4), seconds, plan.out, plan.tick),
    }


def _training(plan: Plan) -> dict[str, Any]:
    plan.tick("preparing scans")
    result: dict[str, Any] = json.loads(plan.in_training("-m", "bench.training", str(write_scan(plan.out / "scan"))))
    return result


SECTIONS: dict[str, Callable[[Plan], Any]] = {
    "node_against_engine": _node_against_engine,
    "sustained": _sustained,
    "against_peer": _against_peer,
    "cost": _cost,
    "training": _training,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code: 0 when everything was measured."""
    parser = command_parser("bench", _DESCRIPTION)
    parser.add_argument("--model", type=Path, default=DEMO_BUNDLE, metavar="BUNDLE", help="default: the bundled model")
    parser.add_argument("--minutes", type=float, default=0.5, help="length of each steady run (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of other runs (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS), metavar="SECTION")
    parser.add_argument("--output", type=Path, default=ROOT / "out" / "bench", metavar="DIR", help="default: out/bench")
    parser.add_argument(
        "--document", type=Path, metavar="FILE", help="write the Markdown there too, if all is measured"
    )
    parser.add_argument("--training-python", default=str(ROOT / ".venv-training" / "bin" / "python"), metavar="PYTHON")
    return run_command(parser, _bench, argv)


def _bench(arguments: argparse.Namespace) -> int:
    isolate()
    use_shared_memory_profile()
    out, json_file = arguments.output, arguments.output / "performance.json"
    out.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "commit": commit(),
        "complete": False,
        "minutes": arguments.minutes,
        "seconds": arguments.seconds,
        "machine": machine(),
        "versions": versions(),
        "threads": threads(),
    }
    write_json(json_file, result)  # no earlier run's numbers stay under this one's name
    failures = 0
    for name in arguments.only:
        print(f"== {name.replace('_', ' ')}", flush=True)
        with Progress(name) as bar:
            plan = Plan(
                ModelBundle.load(arguments.model),
                arguments.training_python,
                arguments.seconds,
                60 * arguments.minutes,
                out,
                bar.advance,
            )
            try:
                result[name] = SECTIONS[name](plan)
            except RedwoodDepthError as error:
                failures += 1
                result[name] = {"error": str(error)}
                print(f"bench: error: {name}: {error}", file=sys.stderr)
        write_json(json_file, result)
    result["complete"] = not failures and set(arguments.only) == set(SECTIONS)
    write_json(json_file, result)
    text = document(result)
    write_whole(json_file.with_suffix(".md"), text)
    print(text)
    print(f"{json_file}   the numbers\n{json_file.with_suffix('.md')}   the page above")
    if arguments.document and result["complete"]:
        write_whole(arguments.document, text)
        write_json(arguments.document.with_suffix(".json"), result)
        print(f"{arguments.document}   the page, kept")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
