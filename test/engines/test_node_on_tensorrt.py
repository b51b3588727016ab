"""In the node all work of the engine happens on the worker's thread, and a build tells how far it is in the log."""

import threading
from typing import Any

import numpy as np
import pytest

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines import BackendChoice
from redwood_depth.engines.engine import EngineDescription


class SlowEngine:
    """An engine that is "built" first, and keeps the names of the threads that used it."""

    description = EngineDescription("tensorrt", "fp16", "Orin", "TensorRT 10.3.0")

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.arguments: tuple[Any, ...] = ()

    def open(
        self, bundle: ModelBundle, choice: BackendChoice, threads: int, precision: str, report: Any
    ) -> "SlowEngine":
        self._note()
        self.arguments = (choice.backend, precision, report.cancelled())
        report.say("building the fp16 engine of tiny: timing tactics, 3 of 9 (5 s)")
        report.warn("TensorRT in fp16 does not work here")
        return self

    def infer(self, image: Any) -> Any:
        self._note()
        return np.ones(image.shape[:2], np.float32), np.zeros(3, np.float32)

    def close(self) -> None:
        self._note()

    def _note(self) -> None:
        self.threads.append(threading.current_thread().name)


def test_the_worker_opens_and_closes_and_the_log_hears_of_the_build(
    tiny_bundle: ModelBundle, ros_domain: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import rclpy
    from rclpy.parameter import Parameter

    from redwood_depth.node import engine_start, perception

    engine = SlowEngine()
    monkeypatch.setattr(engine_start, "open_engine", engine.open)
    asked: list[str] = []

    def choose(backend: str) -> BackendChoice:
        asked.append(threading.current_thread().name)
        return BackendChoice("tensorrt", f"{backend}: TensorRT 10.3.0 on Orin")

    monkeypatch.setattr(engine_start, "choose_backend", choose)
    context = rclpy.Context()
    rclpy.init(context=context)
    parameters = {"model": str(tiny_bundle.folder), "precision": "fp16"}
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    node = perception.PerceptionNode(context=context, parameter_overrides=overrides)
    try:
        node.start()
        node.release()
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
    assert engine.arguments == ("tensorrt", "fp16", False)
    assert set(engine.threads) | set(asked) == {"redwood_depth worker"}
    assert len(engine.threads) == 3  # opened, run for the first time, closed
    log = capfd.readouterr()
    lines = (log.out + log.err).splitlines()
    (building,) = [line for line in lines if "3 of 9 (5 s)" in line]
    assert building.startswith("[INFO]")
    (warning,) = [line for line in lines if "does not work here" in line]
    assert warning.startswith("[WARN]")
    assert any("with tensorrt (auto: TensorRT 10.3.0 on Orin)" in line for line in lines)
    assert any("model on tensorrt (TensorRT 10.3.0), fp16 on Orin" in line for line in lines)
