"""Finding TensorRT: which flavor, which version, and what is not TensorRT at all."""

import importlib
import sys
import types
from collections.abc import Iterator

import pytest

from redwood_depth.engines.tensorrt.api import explain, find_tensorrt
from redwood_depth.errors import EngineError

NAMES = ("tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings")


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in NAMES:
        monkeypatch.setitem(sys.modules, name, None)
    find_tensorrt.cache_clear()
    yield
    find_tensorrt.cache_clear()


def module(version: str) -> types.ModuleType:
    made = types.ModuleType("made")

    class Logger:
        Severity = types.SimpleNamespace(ERROR=1, INTERNAL_ERROR=0, WARNING=2)

    made.__version__, made.Builder, made.ILogger = version, object, Logger  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize("version", ["10.3.0", "10.13.2.6", "11.1.0"])
def test_tensorrt_10_and_11_come_before_rtx(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", module(version))
    monkeypatch.setitem(sys.modules, "tensorrt_rtx_bindings", module("1.7.1"))
    api = find_tensorrt()
    assert (str(api), api.is_rtx) == (f"TensorRT {version}", False)


def test_rtx_serves_where_tensorrt_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", module("8.6.1"))
    with pytest.raises(EngineError, match=r"TensorRT 8\.6\.1 is too old, 10 is needed; install"):
        find_tensorrt()
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", module("1.7.1"))
    assert find_tensorrt().is_rtx


def test_type_stubs_are_no_tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", types.ModuleType("tensorrt"))
    with pytest.raises(EngineError, match=r"tensorrt is an empty package \(type stubs\?\); install"):
        find_tensorrt()


def test_libraries_that_do_not_load_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> types.ModuleType:
        raise ImportError("libnvinfer.so.10: cannot open\nshared object file")

    monkeypatch.setattr(importlib, "import_module", load)
    with pytest.raises(EngineError, match=r"tensorrt does not load: libnvinfer\.so\.10: cannot open shared"):
        find_tensorrt()


def test_errors_are_collected_and_the_first_explains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", module("10.3.0"))
    api = find_tensorrt()
    severity = api.module.ILogger.Severity
    with api.complaints() as complaints:
        assert explain(complaints) == "TensorRT gave no reason"
        api.logger.log(severity.WARNING, "slow")
        api.logger.log(severity.ERROR, "the\n cause")
        api.logger.log(severity.INTERNAL_ERROR, "its echo")
        assert explain(complaints) == "the cause"
    with api.complaints() as complaints:
        assert not complaints
