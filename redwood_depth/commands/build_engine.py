"""build_engine: build a bundle's TensorRT engine ahead of the robot's first start."""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redwood_depth.bundle import PRECISIONS, ModelBundle
from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.engines.progress import Report
from redwood_depth.engines.tensorrt.api import TensorRTApi, find_tensorrt
from redwood_depth.engines.tensorrt.backend import Gpu, find_gpu, open_tensorrt
from redwood_depth.engines.tensorrt.builder import ANY_GPU, Target, parse_capability
from redwood_depth.engines.tensorrt.cache import CachedEngine, EngineCache, cache_folder
from redwood_depth.engines.tensorrt.engine_preparation import prepare_engine, target_here
from redwood_depth.errors import EngineError
from redwood_depth.files import write_whole

_DESCRIPTION = f"""\
Build the TensorRT engine of a model bundle and put it into the engine cache ({cache_folder()}),
where the node finds it: a robot then starts in seconds instead of minutes. The node builds it by itself
otherwise, and says so.

On a machine with a GPU the engine is for that GPU, and is compared with the bundle's reference outputs. TensorRT-RTX
also builds for GPUs that are not here: name their compute capability (RTX 40: 8.9, RTX 30: 8.6; NVIDIA lists them),
and copy the engine cache to the robot, which must have the same version of TensorRT-RTX and compares it there."""

_EPILOG = """\
examples:
  build_engine my_bundle
  build_engine my_bundle --precision fp16                  # half precision of an fp32 bundle; needs the package onnx
  build_engine my_bundle --compute-capability 8.9          # for another machine, without a GPU

The node takes the fp16 engine of an fp32 bundle with the parameter precision: fp16."""


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    bundle: Path
    precision: str | None
    compute_capability: str | None
    output: Path | None
    force: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    parser = command_parser("build_engine", _DESCRIPTION, _EPILOG)
    parser.add_argument("bundle", metavar="BUNDLE", type=Path, help="folder of the model bundle")
    parser.add_argument("--precision", choices=PRECISIONS, help="default: the bundle's own")
    parser.add_argument("--compute-capability", metavar="X.Y", help="build for GPUs of it (default: the GPU here)")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the serialized engine there as well")
    parser.add_argument("--force", action="store_true", help="build anew, even if the cache has it")
    return run_command(parser, lambda given: _build_engine(_request(given)), argv)


def _request(given: argparse.Namespace) -> Request:
    return Request(given.bundle, given.precision, given.compute_capability, given.output, given.force)


def _build_engine(request: Request) -> int:
    bundle = ModelBundle.load(request.bundle)
    precision = request.precision or bundle.precision
    if request.output and request.output.is_dir():
        raise EngineError(f"--output {request.output} is a folder; name a file")
    report = Report(_say, _say)
    api, gpu = find_tensorrt(), None
    if request.compute_capability:
        target = Target(ANY_GPU, parse_capability(request.compute_capability))
    else:
        gpu = _gpu_here(api)
        target = target_here(gpu.api, gpu.device)
    started_s = time.monotonic()
    force = "--force" if request.force else ""
    cache = EngineCache(bundle.name)
    engine, built = prepare_engine(bundle, precision, api, target, report, cache=cache, rebuild_because=force)
    how = f"built in {time.monotonic() - started_s:.1f} s" if built else "taken from the cache"
    print(f"{engine.path}: {len(engine.plan) / 1e6:.1f} MB, {how} ({api}, {precision}, {_for_what(target)})")
    if request.output:
        _write_output(request.output, engine)
    if gpu is None:
        print("not verified: the robot compares it with the bundle's reference outputs when it first opens it")
    else:
        open_tensorrt(bundle, precision, report, gpu=gpu, recheck=True).close()
        print("verified")
    return 0


def _gpu_here(api: TensorRTApi) -> Gpu:
    try:
        return find_gpu()
    except EngineError as error:
        hint = "; for a GPU that is not here: --compute-capability X.Y" if api.is_rtx else ""
        raise EngineError(f"{error}{hint}") from error


def _for_what(target: Target) -> str:
    gpu = "GPUs" if target.gpu == ANY_GPU else target.gpu
    return f"for {gpu} of compute capability {target.capability_text}"


def _write_output(path: Path, engine: CachedEngine) -> None:
    try:
        write_whole(path, engine.plan)
    except OSError as error:
        raise EngineError(f"cannot write {path}: {error.strerror}") from error
    print(f"{path}: written")


def _say(line: str) -> None:
    print(f"build_engine: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
