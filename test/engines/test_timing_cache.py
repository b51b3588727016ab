"""Building with `tensorrt` itself, which needs a GPU, over a stand-in: flags, limits, and the timing cache."""

from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tensorrt_builds import Lines

from redwood_depth.engines.tensorrt.api import TensorRTApi
from redwood_depth.engines.tensorrt.builder import WORKSPACE_BYTES, Target, build_serialized
from redwood_depth.errors import EngineError

ORIN = Target("Orin", (8, 7))


class FakeBuilders:
    """The module `tensorrt`, as far as building goes: it "measures" `measured`, and takes caches that begin with it."""

    class IProgressMonitor:
        pass

    NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
    MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")

    def __init__(self) -> None:
        self.logger = SimpleNamespace(complaints=deque())
        self.flags: list[int] = []
        self.limits: dict[str, int] = {}
        self.started_from: list[bytes] = []
        self.measured = b"times of Orin"
        self.driver = True
        self.plan: bytes | None = b"plan"

    def api(self) -> TensorRTApi:
        return TensorRTApi(self, "TensorRT", "10.3.0", self.logger)

    def Builder(self, logger: Any) -> Any:
        if not self.driver:
            self.logger.complaints.append("CUDA initialization failure with error: 35. Please check your installation")
            raise TypeError("pybind11::init(): factory function returned nullptr")
        return SimpleNamespace(
            create_network=self._create_network,
            create_builder_config=self._config,
            build_serialized_network=self._build,
        )

    def OnnxParser(self, network: Any, logger: Any) -> Any:
        return SimpleNamespace(parse=lambda model: True, num_errors=0)

    def _create_network(self, flags: int) -> Any:
        self.flags.append(flags)
        names = ("depth", "class_scores")
        return SimpleNamespace(num_outputs=2, get_output=lambda index: SimpleNamespace(name=names[index]))

    def _config(self) -> Any:
        return SimpleNamespace(
            set_memory_pool_limit=self.limits.__setitem__,
            create_timing_cache=lambda content: content,
            set_timing_cache=self._set_timing_cache,
            get_timing_cache=lambda: SimpleNamespace(serialize=lambda: self.measured),
        )

    def _set_timing_cache(self, cache: bytes, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        fits = cache == b"" or cache == self.measured
        if fits:
            self.started_from.append(cache)
        return fits

    def _build(self, network: Any, config: Any) -> bytes | None:
        if self.plan is None:
            self.logger.complaints.append("Could not find any implementation for node conv_7: out of memory")
        return self.plan


def build(trt: FakeBuilders, path: Path | None, lines: Lines) -> bytes:
    return build_serialized(trt.api(), b"model", "tiny", ORIN, path, lines.report())


def test_times_are_kept_taken_up_and_begun_anew_where_they_do_not_fit(tmp_path: Path) -> None:
    trt, lines, path = FakeBuilders(), Lines(), tmp_path / "timing.cache"
    assert build(trt, path, lines) == b"plan"
    assert path.read_bytes() == b"times of Orin"
    assert path.stat().st_mode & 0o777 == 0o600
    build(trt, path, lines)
    assert trt.started_from == [b"", b"times of Orin"]
    assert lines == []
    trt.measured = b"times of another GPU"
    build(trt, path, lines)
    assert trt.started_from[-1] == b""
    assert lines == ["the timing cache timing.cache does not fit this machine; a new one is begun"]
    assert path.read_bytes() == b"times of another GPU"
    assert [file.name for file in tmp_path.iterdir()] == ["timing.cache"]


def test_times_that_cannot_be_kept_do_not_stop_the_build(tmp_path: Path) -> None:
    lines = Lines()
    assert build(FakeBuilders(), tmp_path / "missing" / "timing.cache", lines) == b"plan"
    assert lines == ["the timing cache was not kept: No such file or directory"]


def test_networks_are_strongly_typed_and_scratch_memory_is_bounded() -> None:
    trt = FakeBuilders()
    build(trt, None, Lines())
    assert trt.flags == [1 << 1]
    assert trt.limits == {"workspace": WORKSPACE_BYTES}


def test_what_the_builder_logs_is_the_error() -> None:
    trt = FakeBuilders()
    trt.plan = None
    with pytest.raises(
        EngineError, match=r"TensorRT 10\.3\.0 cannot build tiny: Could not find .* conv_7: out of memory: free"
    ):
        build(trt, None, Lines())
    trt.driver = False
    with pytest.raises(EngineError, match=r"failure with error: 35.*install or upgrade the driver"):
        build(trt, None, Lines())
