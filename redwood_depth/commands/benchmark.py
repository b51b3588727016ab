"""benchmark: how long each step of a frame takes, on every backend that this machine has."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.engines import BackendChoice, open_engine
from redwood_depth.engines.engine import Engine
from redwood_depth.engines.progress import Report
from redwood_depth.engines.reference_images import reference_images
from redwood_depth.engines.tensorrt.backend import Gpu, find_gpu, is_cached
from redwood_depth.engines.tensorrt.engine_preparation import model_in_precision
from redwood_depth.engines.tensorrt.plan_engine import TensorRTEngine
from redwood_depth.engines.tensorrt.roofline import best_seconds, network_cost
from redwood_depth.errors import EngineError
from redwood_depth.estimator import Estimator
from redwood_depth.evaluation.result_files import write_json
from redwood_depth.images.decode import ColorImage

_CAMERA_SIZE = (480, 640)
_WARM_UP_FRAMES, _LEAST_FRAMES, _MOST_FRAMES, _LONGEST_S = 10, 20, 500, 5.0
_STEPS = ("preprocess", "copy_in", "run", "copy_out", "postprocess", "total")

_DESCRIPTION = f"""\
Time one frame at a time, {_CAMERA_SIZE[1]}x{_CAMERA_SIZE[0]} in and out, on every backend that this machine has:
ONNX Runtime, and TensorRT in the bundle's precision (and in fp16 where build_engine has made that engine).

  preprocess   the camera's image to the network's size
  copy_in      host to device (TensorRT)
  run          the network
  copy_out     device to host (TensorRT)
  postprocess  focal correction, depth to the camera's size
  total        all of it as the node does it; with TensorRT the three middle steps are one CUDA graph

On a GPU the last lines say how fast the network could be at best there: its bytes over the memory's rate, its
operations over the cores'. Other programs on the machine make everything slower: end them first."""

_EPILOG = """\
examples:
  benchmark
  benchmark my_bundle --json times.json"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    parser = command_parser("benchmark", _DESCRIPTION, _EPILOG)
    parser.add_argument("bundle", nargs="?", type=Path, default=DEMO_BUNDLE, help="default: the bundled model")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")
    return run_command(parser, lambda given: _benchmark(given.bundle, given.json), argv)


def _benchmark(folder: Path, json_file: Path | None) -> int:
    bundle = ModelBundle.load(folder)
    print(f"{bundle.name} {bundle.version}, {bundle.width}x{bundle.height}, {bundle.precision}")
    results = []
    for choice, precision in _choices(bundle, _gpu()):
        try:
            results.append(_measure(bundle, choice, precision))
        except EngineError as error:
            print(f"benchmark: {choice.backend} in {precision}: {error}", file=sys.stderr)
    if not results:
        raise EngineError("no backend of this machine runs the model")
    _print_table(results)
    result = {"model": {"name": bundle.name, "version": bundle.version, "sha256": bundle.sha256}, "backends": results}
    if json_file:
        write_json(json_file, result)
    return 0


def _gpu() -> Gpu | None:
    """The GPU that TensorRT can use; None, and why on stderr, where there is none."""
    try:
        return find_gpu()
    except EngineError as error:
        print(f"benchmark: TensorRT is skipped: {error}", file=sys.stderr)
        return None


def _choices(bundle: ModelBundle, gpu: Gpu | None) -> list[tuple[BackendChoice, str]]:
    """(backend, precision) of everything that can run here."""
    choices = [(BackendChoice("onnxruntime", "measured"), bundle.precision)]
    if gpu:
        tensorrt = BackendChoice("tensorrt", "measured", gpu=gpu)
        choices.append((tensorrt, bundle.precision))
        if bundle.precision != "fp16" and is_cached(bundle, "fp16", gpu)[0]:
            choices.append((tensorrt, "fp16"))
    return choices


class _Watch:
    """An engine that notes when `infer` was entered and left."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.description = engine, engine.description
        self.entered_s = self.left_s = 0.0

    def infer(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.entered_s = time.perf_counter()
        output = self._engine.infer(image)
        self.left_s = time.perf_counter()
        return output

    def close(self) -> None:
        self._engine.close()


def _measure(bundle: ModelBundle, choice: BackendChoice, precision: str) -> dict[str, Any]:
    report = Report(_say, _say)
    engine = open_engine(bundle, choice, precision=precision, report=report)
    try:
        times = _times(Estimator(bundle, _Watch(engine)), str(engine.description))
        if isinstance(engine, TensorRTEngine):
            small = ColorImage(reference_images(*_CAMERA_SIZE)[0]).resized_rgb(bundle.height, bundle.width)
            steps = _repeat(lambda: engine.stage_seconds(small))
            times |= {name: [step[name] for step in steps] for name in steps[0]}
    finally:
        engine.close()
    totals_ms = np.array(times["total"]) * 1e3
    p50, p95, p99 = (float(value) for value in np.percentile(totals_ms, (50, 95, 99)))
    medians = {f"{name}_ms": float(np.median(values)) * 1e3 for name, values in times.items()}
    result = {
        "engine": str(engine.description),
        "backend": choice.backend,
        "precision": precision,
        "frames": len(totals_ms),
    }
    result |= {**medians, "total_p95_ms": p95, "total_p99_ms": p99, "frames_per_s": 1e3 / p50}
    return result | (_roofline(bundle, precision, choice.gpu, medians["run_ms"]) if choice.gpu else {})


def _times(estimator: Estimator, label: str) -> dict[str, list[float]]:
    """Seconds of each step as the node sees them; what happens within the engine is "run"."""
    image, watch = ColorImage(reference_images(*_CAMERA_SIZE)[0]), estimator.engine
    assert isinstance(watch, _Watch)

    def frame() -> dict[str, float]:
        started_s = time.perf_counter()
        estimator.predict(image, output_size=_CAMERA_SIZE)
        ended_s = time.perf_counter()
        return {
            "preprocess": watch.entered_s - started_s,
            "run": watch.left_s - watch.entered_s,
            "postprocess": ended_s - watch.left_s,
            "total": ended_s - started_s,
        }

    with Progress(f"timing {label}") as bar:
        frames = _repeat(frame, bar.advance)
    return {name: [frame[name] for frame in frames] for name in frames[0]}


def _repeat(
    measure: Callable[[], dict[str, float]], advance: Callable[[], None] = lambda: None
) -> list[dict[str, float]]:
    """Measure until the time is over or there are enough; the first ones do not count."""
    for _ in range(_WARM_UP_FRAMES):
        measure()
    measured: list[dict[str, float]] = []
    until_s = time.monotonic() + _LONGEST_S
    while len(measured) < _LEAST_FRAMES or (len(measured) < _MOST_FRAMES and time.monotonic() < until_s):
        measured.append(measure())
        advance()
    return measured


def _roofline(bundle: ModelBundle, precision: str, gpu: Gpu, run_ms: float) -> dict[str, Any]:
    cost = network_cost(gpu.api, model_in_precision(bundle, precision), bundle.name)
    memory_s, cores_s = best_seconds(cost, gpu.device, precision)
    best_ms = max(memory_s, cores_s or 0.0) * 1e3
    return {
        "operations": cost.operations,
        "weights": cost.weights,
        "best_for_memory_ms": memory_s * 1e3,
        "best_for_cores_ms": cores_s * 1e3 if cores_s is not None else None,
        "share_of_best": best_ms / run_ms,
    }


def _print_table(results: list[dict[str, Any]]) -> None:
    slowest_ms = max(result["total_ms"] for result in results)
    for result in results:
        print(f"\n{result['engine']}")
        for name in _STEPS:
            if f"{name}_ms" in result:
                print(f"  {name:12} {result[f'{name}_ms']:8.2f} ms")
        print(
            f"  {'p95, p99':12} {result['total_p95_ms']:8.2f} ms, {result['total_p99_ms']:.2f} ms of {result['frames']}"
        )
        print(
            f"  {'rate':12} {result['frames_per_s']:8.1f} frames/s, {slowest_ms / result['total_ms']:.1f} x the slowest"
        )
        if "share_of_best" in result:
            print(f"  {_roofline_line(result)}")


def _roofline_line(result: dict[str, Any]) -> str:
    cores_ms = result["best_for_cores_ms"]
    cores = f"{cores_ms:.3f} ms for {result['operations'] / 1e9:.2f} G operations" if cores_ms else "its cores unknown"
    memory = f"{result['best_for_memory_ms']:.3f} ms for {result['weights'] / 1e6:.1f} M weights"
    return f"at best      {memory}, {cores}: run reaches {result['share_of_best']:.0%} of the limit"


def _say(line: str) -> None:
    print(f"benchmark: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
