"""On a real GPU with TensorRT: parity, latency, nothing that grows. Skipped where there is none."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.engines import open_engine
from redwood_depth.engines.progress import Report
from redwood_depth.engines.reference_images import reference_images
from redwood_depth.engines.tensorrt.backend import find_gpu, open_tensorrt
from redwood_depth.engines.tensorrt.plan_engine import TensorRTEngine
from redwood_depth.engines.tensorrt.verification import verify_engine
from redwood_depth.errors import EngineError

try:
    find_gpu()
except EngineError as error:
    pytest.skip(f"needs a GPU and TensorRT: {error}", allow_module_level=True)

pytestmark = pytest.mark.timeout(1800)  # engines are built, on a Jetson for minutes each
FRAMES = 10_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelBundle]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield ModelBundle.load(DEMO_BUNDLE)


@pytest.fixture(params=["fp32", "fp16"])
def engine(request: pytest.FixtureRequest, demo: ModelBundle) -> Iterator[TensorRTEngine]:
    engine = open_tensorrt(demo, request.param, Report(print, print))
    yield engine
    engine.close()


def test_it_answers_as_onnx_runtime_does(engine: TensorRTEngine, demo: ModelBundle) -> None:
    verification = verify_engine(engine, demo, engine.description.precision)
    assert verification.passed, verification.findings
    assert verification.reference == "the bundle's reference outputs"


def test_the_same_image_gives_the_same_answer(engine: TensorRTEngine, demo: ModelBundle) -> None:
    first, second = reference_images(demo.height, demo.width)[:2]
    expected = [output.copy() for output in engine.infer(first)]
    assert not np.array_equal(expected[0], engine.infer(second)[0])
    for output, again in zip(expected, engine.infer(first), strict=True):
        np.testing.assert_array_equal(output, again)


def test_it_is_faster_than_the_processor(engine: TensorRTEngine, demo: ModelBundle) -> None:
    image = reference_images(demo.height, demo.width)[0]
    processor = open_engine(demo, "onnxruntime")
    medians = []
    for candidate in (engine, processor):
        seconds = []
        for _ in range(50):
            started_s = time.perf_counter()
            candidate.infer(image)
            seconds.append(time.perf_counter() - started_s)
        medians.append(float(np.median(seconds)))
    processor.close()
    assert medians[0] < medians[1], f"{medians[0] * 1e3:.2f} ms on the GPU, {medians[1] * 1e3:.2f} ms on the processor"


def test_ten_thousand_frames_do_not_grow(engine: TensorRTEngine, demo: ModelBundle) -> None:
    images = reference_images(demo.height, demo.width)
    process = psutil.Process(os.getpid())
    for index in range(500):
        engine.infer(images[index % len(images)])
    before = process.memory_info().rss
    for index in range(FRAMES):
        engine.infer(images[index % len(images)])
    assert process.memory_info().rss - before < 8 << 20


def test_opening_and_closing_does_not_grow(demo: ModelBundle) -> None:
    process = psutil.Process(os.getpid())
    sizes = []
    for _ in range(15):
        open_tensorrt(demo, "fp32", Report(print, print)).close()
        sizes.append(process.memory_info().rss)
    assert sizes[-1] - sizes[4] < 32 << 20


def test_a_damaged_engine_is_built_anew(demo: ModelBundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lines: list[str] = []
    open_tensorrt(demo, "fp32", Report(lines.append, lines.append)).close()
    (path,) = (tmp_path / "redwood_depth").glob("*.engine")
    path.write_bytes(path.read_bytes()[:1000])
    open_tensorrt(demo, "fp32", Report(lines.append, lines.append)).close()
    assert any("is corrupt" in line for line in lines)
