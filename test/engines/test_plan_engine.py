"""The TensorRT engine over stand-ins of run time and memory: order of calls, stream, thread, faults, nothing left."""

import gc
import threading

import numpy as np
import pytest
from tensorrt_builds import Lines
from tensorrt_doubles import PLAN, FakeMemory, FakeTensorRT, tiny_network

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.engine import EngineDescription
from redwood_depth.engines.tensorrt.plan_engine import PlanRefused, TensorRTEngine
from redwood_depth.errors import EngineError

FRAME = ["copy_to_device", "execute", "copy_to_host", "copy_to_host"]
IMAGE = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)


def opened(bundle: ModelBundle, module: FakeTensorRT, plan: bytes = PLAN, lines: Lines | None = None) -> TensorRTEngine:
    description = EngineDescription("tensorrt", "fp32", "Orin", "TensorRT 10.3.0, fake memory 1.0")
    return TensorRTEngine(
        bundle, plan, description, module.api(), module.memory, (Lines() if lines is None else lines).report()
    )


@pytest.mark.parametrize("has_graphs", [True, False])
def test_a_frame_goes_through_our_stream_into_arrays_that_stay(tiny_bundle: ModelBundle, has_graphs: bool) -> None:
    module = FakeTensorRT(tiny_bundle, memory=FakeMemory(has_graphs))
    engine = opened(tiny_bundle, module)
    warm_up = [*FRAME, "synchronize", *(["record", *FRAME] if has_graphs else [])]
    assert module.memory.calls == ["make_stream", *["pinned", "allocate"] * 3, *warm_up]
    module.memory.calls.clear()
    depth, scores = engine.infer(IMAGE)
    assert module.memory.calls == [*(["launch"] if has_graphs else []), *FRAME, "synchronize"]
    expected_depth, expected_scores = tiny_network(IMAGE[None])
    np.testing.assert_array_equal(depth, expected_depth[0])
    np.testing.assert_array_equal(scores, expected_scores[0])
    assert engine.infer(IMAGE)[0].ctypes.data == depth.ctypes.data
    assert ("CUDA graph" in str(engine.description)) == has_graphs
    engine.close()


def test_closing_gives_everything_back_once(tiny_bundle: ModelBundle) -> None:
    module = FakeTensorRT(tiny_bundle)
    engine = opened(tiny_bundle, module)
    assert module.alive == 3
    module.memory.calls.clear()
    engine.close()
    engine.close()
    assert module.memory.calls == ["destroy_graph", "free", "free", "free", "destroy_stream"]
    assert module.memory.is_clean
    gc.collect()
    assert module.alive == 0
    with pytest.raises(EngineError, match="closed"):
        engine.infer(IMAGE)


def test_another_thread_is_refused(tiny_bundle: ModelBundle) -> None:
    engine = opened(tiny_bundle, FakeTensorRT(tiny_bundle))
    errors = []

    def use() -> None:
        try:
            engine.infer(IMAGE)
        except EngineError as error:
            errors.append(str(error))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert "used by the thread that opened it" in errors[0]
    engine.close()


def test_an_image_of_another_size_is_refused(tiny_bundle: ModelBundle) -> None:
    engine = opened(tiny_bundle, FakeTensorRT(tiny_bundle))
    with pytest.raises(EngineError, match=r"takes uint8 \(24, 32, 3\), not uint8 \(24, 33, 3\)"):
        engine.infer(np.zeros((24, 33, 3), np.uint8))
    engine.close()


@pytest.mark.parametrize("step", ["make_stream", "pinned", "allocate", "copy_to_device", "copy_to_host", "synchronize"])
def test_opening_that_fails_gives_back_what_it_had(tiny_bundle: ModelBundle, step: str) -> None:
    module = FakeTensorRT(tiny_bundle, memory=FakeMemory(fail={step: 2}))
    with pytest.raises(EngineError, match=f"{step}: CUDA error 2: out of GPU memory: end other programs"):
        opened(tiny_bundle, module)
    assert module.memory.is_clean
    gc.collect()
    assert module.alive == 0


def test_an_engine_whose_graph_cannot_be_recorded_runs_without(tiny_bundle: ModelBundle) -> None:
    module, lines = FakeTensorRT(tiny_bundle, memory=FakeMemory(fail={"record": 900})), Lines()
    engine = opened(tiny_bundle, module, lines=lines)
    assert lines[0].startswith("no CUDA graph for this engine: record: CUDA error 900")
    engine.infer(IMAGE)
    assert "launch" not in module.memory.calls
    engine.close()
    assert module.memory.is_clean


def test_a_plan_that_is_not_taken_says_what_tensorrt_logged(tiny_bundle: ModelBundle) -> None:
    module = FakeTensorRT(tiny_bundle)
    with pytest.raises(
        PlanRefused, match=r"TensorRT 10\.3\.0 does not take the engine: Serialization assertion failed in"
    ):
        opened(tiny_bundle, module, b"another plan")
    assert module.memory.is_clean
    module = FakeTensorRT(tiny_bundle)
    module.complaint = "In ScopedCudaStream (cudaError 35: CUDA driver version is insufficient)"
    with pytest.raises(EngineError, match="install or upgrade the driver") as failure:
        opened(tiny_bundle, module)
    assert not isinstance(failure.value, PlanRefused)  # another build would not help


def test_a_plan_of_another_network_is_refused(tiny_bundle: ModelBundle) -> None:
    module = FakeTensorRT(tiny_bundle)
    module.tensors["depth"] = ((1, 48, 64), np.float32)
    with pytest.raises(PlanRefused, match=r"\(1, 48, 64\).*\(1, 24, 32\)"):
        opened(tiny_bundle, module)


def test_a_run_that_fails_names_the_code(tiny_bundle: ModelBundle) -> None:
    module, lines = FakeTensorRT(tiny_bundle, memory=FakeMemory(has_graphs=False)), Lines()
    engine = opened(tiny_bundle, module, lines=lines)
    module.runs, module.complaint = False, "Cuda Runtime (cudaError 700: an illegal memory access)"
    with pytest.raises(EngineError, match=r"failed to run: .*cudaError 700.*restart the node"):
        engine.infer(IMAGE)
    module.memory.fail = {"free": 700}  # the context is lost: nothing can be given back, and closing says so
    engine.close()
    assert lines[-1].startswith("WARN closing the TensorRT engine: free: CUDA error 700")
    assert module.memory.closed == 1


def test_stages_are_timed_one_by_one(tiny_bundle: ModelBundle) -> None:
    module = FakeTensorRT(tiny_bundle)
    engine = opened(tiny_bundle, module)
    module.memory.calls.clear()
    seconds = engine.stage_seconds(IMAGE)
    assert set(seconds) == {"copy_in", "run", "copy_out"}
    steps = ["copy_to_device", "synchronize", "execute", "synchronize", *["copy_to_host"] * 2, "synchronize"]
    assert module.memory.calls == steps
    engine.close()


def test_opening_and_closing_many_times_leaves_nothing(tiny_bundle: ModelBundle) -> None:
    for _ in range(50):
        module = FakeTensorRT(tiny_bundle)
        opened(tiny_bundle, module).close()
        assert module.memory.is_clean
        assert module.memory.threads == {threading.get_ident()}
