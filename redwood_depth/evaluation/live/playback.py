"""A bag through DDS, the node as a process of its own, its outputs recorded. Needs rclpy."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from redwood_depth.bags.message_types import COMPRESSED_IMAGE, RawMessage, header_stamp_ns
from redwood_depth.bags.played_frames import PlayedFrames
from redwood_depth.bags.player import BagPlayer, Played
from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import RgbdTopics
from redwood_depth.bags.writer import BagWriter
from redwood_depth.errors import EngineError
from redwood_depth.evaluation.live.node_words import complaints, why_missing
from redwood_depth.evaluation.live.process_watch import ProcessWatch, find_node_process
from redwood_depth.evaluation.live.recorder import OutputRecorder
from redwood_depth.evaluation.live.running_node import NAME, RunningNode
from redwood_depth.evaluation.live_result import LiveScores
from redwood_depth.node.dds import use_shared_memory_profile

NAMESPACE = "/redwood_depth"
_START_S, _ANSWER_S = 60.0, 3.0


@dataclass
class LiveRun:
    """What happened: color images sent, outputs recorded by topic, publish-to-arrival latency of each depth image.

    `played_s` is from the first to the last image sent; processor time and memory are those of the node meanwhile, None
    where its process is not on this machine. `node` is its name, `started` whether it was started for the run.
    `period_ms` is the time from image to image, `complaints` what a node that was started warned of.
    """

    sent: int = 0
    rate: float = 1.0
    played_s: float = 0.0
    period_ms: float = 0.0
    recorded: dict[str, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)
    cpu_percent: float | None = None
    memory_mb: float | None = None
    node: str = f"{NAMESPACE}/{NAME}"
    started: bool = True
    complaints: list[str] = field(default_factory=list)

    @property
    def why_missing(self) -> str | None:
        """Why images were left without depth; None: none was."""
        missing = self.sent - len(self.latencies_ms)
        return why_missing(self.sent, missing, self.complaints, self.latencies_ms, self.period_ms)


def play_and_record(
    bag: Bag | PlayedFrames,
    topics: RgbdTopics,
    model: Path,
    output: Path,
    log: Path,
    progress: Callable[[int], None] = lambda total: None,
    rate: float = 1.0,
    backend: str = "auto",
    node: RunningNode | None = None,
) -> LiveRun:
    """Play `bag` into a new node, record the node's outputs as the bag `output`, its words in `log`.

    Into a new node goes everything that a camera publishes, under the bag's names; into one that runs already only
    what it listens to, under the names that it knows.

    Args:
        bag: what is played.
        topics: which of it are the camera's.
        model: the node's bundle.
        output: the bag to make.
        log: the file to write.
        rate: times the bag's own pace.
        backend: the node's.
        node: one that runs already, instead of a new one.
        progress: called after each published message with the number of messages in all.

    Raises:
        EngineError: the node did not start, or does not take the bag's kind of image.
        BagError: the outputs cannot be recorded.
    """
    names = _names(bag, topics, node) if node else None
    process_context = contextlib.nullcontext() if node else _perception(bag, topics, model, backend, log)
    use_shared_memory_profile()
    # Without rclpy's handlers Ctrl-C arrives as KeyboardInterrupt, wherever this waits.
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        client = rclpy.create_node("player", namespace=NAMESPACE)
        with process_context as process, BagWriter(output) as writer:
            recorder = OutputRecorder(client, writer, node.base if node else NAMESPACE)
            with _spinning(client):
                player = BagPlayer(client, bag, names)
                _wait_for_node(player, process, log)
                pid = process.pid if process else find_node_process(node.base) if node else None
                with contextlib.nullcontext() if pid is None else ProcessWatch(pid) as watch:
                    run = _play(player, recorder, topics, rate, progress)
                run.complaints = complaints(log)
                if not run.latencies_ms:
                    raise EngineError(f"the node answered none of {run.sent} images: {run.why_missing}")
                if watch is not None:
                    run.cpu_percent, run.memory_mb = watch.cpu_percent, watch.memory_mb
                if node:
                    run.node, run.started = node.name, False
                return run
    finally:
        rclpy.shutdown()


def _names(bag: Bag | PlayedFrames, topics: RgbdTopics, node: RunningNode) -> dict[str, str]:
    """The bag's topics that the node needs, by the names that it knows them under."""
    types = {topic.name: topic.type for topic in bag.topics}
    if types[topics.color] != node.image_type:
        takes = "compressed" if node.image_type == COMPRESSED_IMAGE else "raw"
        raise EngineError(f"the node {node.name} takes {takes} images, {topics.color} of {bag.path} has the other kind")
    names = {topics.color: node.image_topic}
    return names | ({topics.camera_info: node.info_topic} if topics.camera_info else {})


def _play(
    player: BagPlayer, recorder: OutputRecorder, topics: RgbdTopics, rate: float, progress: Callable[[int], None]
) -> LiveRun:
    sent_s: dict[int, float] = {}

    def note(_: Played, message: RawMessage) -> None:
        if message.topic == topics.color:
            sent_s[header_stamp_ns(message)] = time.monotonic()
        if recorder.failure:
            raise recorder.failure
        progress(player.message_count)

    player.play(rate, note)
    deadline_s = time.monotonic() + _ANSWER_S
    while len(recorder.arrivals_s) < len(sent_s) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    latencies_ms = [1e3 * (at_s - sent_s[stamp]) for stamp, at_s in recorder.arrivals_s.items() if stamp in sent_s]
    played_s = max(sent_s.values(), default=0.0) - min(sent_s.values(), default=0.0)
    period_ms = 1e3 * played_s / max(len(sent_s) - 1, 1)
    return LiveRun(len(sent_s), rate, played_s, period_ms, dict(recorder.counts), latencies_ms)


def live_results(runs: Sequence[LiveRun]) -> LiveScores:
    """Figures of at least one run with at least one answer."""
    latencies_ms = [latency for run in runs for latency in run.latencies_ms]
    sent, answered, played_s = sum(run.sent for run in runs), len(latencies_ms), sum(run.played_s for run in runs)
    p50, p95, p99 = (float(value) for value in np.percentile(latencies_ms, (50, 95, 99)))
    costs = [(run.cpu_percent, run.memory_mb) for run in runs if run.cpu_percent and run.memory_mb]
    return LiveScores(
        node=runs[0].node,
        started=runs[0].started,
        rate=runs[0].rate,
        sent=sent,
        answered=answered,
        dropped=sent - answered,
        dropped_because=next((run.why_missing for run in runs if run.why_missing), None),
        sent_hz=sent / max(played_s, 1e-9),
        answered_hz=answered / max(played_s, 1e-9),
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        latency_p99_ms=p99,
        cpu_percent=max((cpu for cpu, _ in costs), default=None),
        memory_mb=max((memory for _, memory in costs), default=None),
        latencies_ms=[round(latency, 3) for latency in latencies_ms],
    )


@contextlib.contextmanager
def _perception(
    bag: Bag | PlayedFrames, topics: RgbdTopics, model: Path, backend: str, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The node as a process, stopped with SIGINT at the end."""
    types = {topic.name: topic.type for topic in bag.topics}
    transport = "compressed" if types[topics.color] == COMPRESSED_IMAGE else "raw"
    image = "image/compressed" if transport == "compressed" else "image"
    arguments = ["-r", f"__ns:={NAMESPACE}", "-r", f"{image}:={topics.color}"]
    arguments += ["-p", f"image_transport:={transport}", "-p", f"model:={model}", "-p", f"backend:={backend}"]
    if topics.camera_info:
        arguments += ["-r", f"camera_info:={topics.camera_info}"]
    command = [sys.executable, "-m", "redwood_depth.commands.perception_node", "--ros-args", *arguments]
    with log.open("wb") as words:
        process = subprocess.Popen(command, stdout=words, stderr=subprocess.STDOUT, env=dict(os.environ))
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def _spinning(node: Node) -> Iterator[None]:
    """Callbacks of `node` on a thread of their own."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, name="recorder", daemon=True)
    thread.start()
    try:
        yield
    finally:
        executor.shutdown()
        thread.join(5)


def _wait_for_node(player: BagPlayer, process: subprocess.Popen[bytes] | None, log: Path) -> None:
    """Until it subscribes; `process` is None of a node that runs already."""
    if process is None:
        if not player.wait_for_subscription(_ANSWER_S):
            raise EngineError(f"the running node does not hear this machine's images within {_ANSWER_S:.0f} s")
        return
    deadline_s = time.monotonic() + _START_S
    while not player.wait_for_subscription(0.2):
        words = log.read_text("utf-8", "replace").strip().splitlines()
        if process.poll() is not None or any("not started" in line for line in words):
            cause = next(
                (line for line in words if "cannot configure" in line), words[-1] if words else "no word of it"
            )
            raise EngineError(f"the node did not start: {cause}")
        if time.monotonic() > deadline_s:
            raise EngineError(f"the node did not subscribe within {_START_S:.0f} s; its words are in {log}")
