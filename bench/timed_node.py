"""The node as it is, with a watch on each of its steps: python -m bench.timed_node FILE --ros-args ...

Nothing of the node is replaced: its functions are wrapped in ones that note how long each call took. One line of JSON a
published frame is written to FILE when the node ends.
"""

import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.publisher import Publisher

from redwood_depth.errors import RedwoodDepthError
from redwood_depth.estimator import Estimator
from redwood_depth.images.decode import ColorImage
from redwood_depth.node import engine_start, perception, process
from redwood_depth.node.outputs import Outputs
from redwood_depth.node.perception import PerceptionNode

Record = dict[str, float]
_records: list[Record] = []
_now: Record = {}  # the frame in work; only the worker's thread writes


def _timed(function: Callable[..., Any], step: str) -> Callable[..., Any]:
    """`function`, its time added to `step` of the frame in work."""

    @functools.wraps(function)
    def timed(*arguments: Any, **named: Any) -> Any:
        started_s = time.monotonic()
        try:
            return function(*arguments, **named)
        finally:
            _now[step] = _now.get(step, 0.0) + time.monotonic() - started_s

    return timed


def _framed(process: Callable[..., None]) -> Callable[..., None]:
    """`process`, which handles one frame, with a record of it."""

    @functools.wraps(process)
    def framed(node: PerceptionNode, estimator: Estimator, frame: Any) -> None:
        _now.clear()
        begun_s = time.monotonic()
        published = node.statistics.counts["published"]
        process(node, estimator, frame)
        if node.statistics.counts["published"] > published:
            stamp = frame.message.header.stamp
            marks = {"received_s": frame.received_s, "begun_s": begun_s, "ended_s": time.monotonic()}
            _records.append({"number": stamp.sec * 1000 + stamp.nanosec // 1_000_000, **marks, **_now})

    return framed


def _engine_timed(open_engine: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(open_engine)
    def opened(*arguments: Any, **named: Any) -> Any:
        engine = open_engine(*arguments, **named)
        engine.infer = _timed(engine.infer, "infer")
        return engine

    return opened


def watch_steps() -> None:
    """Wrap the node's functions."""
    engine_start.open_engine = _engine_timed(engine_start.open_engine)  # type: ignore[attr-defined]
    perception.color_from_message = _timed(perception.color_from_message, "convert")  # type: ignore[attr-defined]
    Outputs._depth_message = _timed(Outputs._depth_message, "encode")  # type: ignore[method-assign]
    ColorImage.resized_rgb = _timed(ColorImage.resized_rgb, "resize")  # type: ignore[method-assign]
    Estimator.predict = _timed(Estimator.predict, "predict")  # type: ignore[method-assign]
    Outputs.publish = _timed(Outputs.publish, "outputs")  # type: ignore[method-assign]
    Publisher.publish = _timed(Publisher.publish, "publish")
    PerceptionNode._predict_and_publish = _framed(PerceptionNode._predict_and_publish)  # type: ignore[method-assign]


def main() -> int:
    """Entry point. Returns the exit code."""
    file = Path(sys.argv.pop(1))
    watch_steps()
    try:
        process.run(sys.argv)
    except RedwoodDepthError as error:
        print(f"timed_node: error: {error}", file=sys.stderr)
        return 1
    finally:
        file.write_text("".join(json.dumps(record) + "\n" for record in _records), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
