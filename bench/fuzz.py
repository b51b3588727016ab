"""python -m bench.fuzz: damaged messages over DDS into the real node, good frames between them.

The node must live on, count every bad frame, answer every good one, and need no more memory at the end.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.errors import ImageError
from redwood_depth.images.decode import color_from_message

TRANSPORTS = ("raw", "compressed")
WARM_UP_SHARE = 0.3
MEMORY_LIMIT_MB = 10.0
_PACE_S = 0.005
_ANSWER_S = 20.0


@dataclass
class FuzzResult:
    """What was sent over one transport, and what the node says of it; `findings` is empty where all is well."""

    transport: str
    seed: int
    sent: Counter[str] = field(default_factory=Counter)  # good, bad, marker (good ones that were waited for), info
    counted: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    markers_answered: int = 0
    warm_mb: float = 0.0
    end_mb: float = 0.0
    peak_mb: float = 0.0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)

    @property
    def images(self) -> int:
        return self.sent["good"] + self.sent["bad"] + self.sent["marker"]


def fuzz(
    transport: str, messages: int, seed: int, model: Path, step: Callable[[str], None] = lambda note: None
) -> FuzzResult:
    """Send `messages` messages to a new node; `step` is called after each."""
    from bench.fuzz_cases import FuzzCases
    from bench.rig import running_node

    result, started_s = FuzzResult(transport, seed), time.monotonic()
    cases = FuzzCases(seed)
    with running_node(f"fuzz_{transport}", transport, model=model) as rig:
        camera = _Camera(rig, cases, transport, result)
        while sum(result.sent.values()) < messages and rig.alive() and not result.findings:
            for _ in range(cases.count(4)):
                camera.send_something()
                step(f"{rig.memory_mb():.0f} MB")
            camera.ask()
            step(f"{rig.memory_mb():.0f} MB")
            result.peak_mb = max(result.peak_mb, rig.memory_mb())
            if not result.warm_mb and sum(result.sent.values()) >= WARM_UP_SHARE * messages:
                result.warm_mb = rig.memory_mb()
        if rig.alive():
            _settle(rig, result)
            result.end_mb, result.counted = rig.memory_mb(), rig.counts()
            result.answered = len(rig.client.received["depth/image"])
        else:
            result.findings.append("the node ended")
        output = rig.process.output
    result.seconds = time.monotonic() - started_s
    result.findings += check(result)
    if "Traceback" in output or "Error:" in output:
        result.findings.append(f"a fault in the node's log: {output[max(0, output.find('Error:') - 1500) :][:3000]}")
    return result


class _Camera:
    """Sends cases, and keeps the books on what the node should make of them."""

    def __init__(self, rig: Any, cases: Any, transport: str, result: FuzzResult) -> None:
        from rclpy.serialization import deserialize_message, serialize_message

        from bench.harness.ros import camera_info, gray_image, header_at

        self._rig, self._cases, self._result = rig, cases, result
        self._compressed = transport == "compressed"
        self._as_received: Callable[[Any], Any] = lambda message: deserialize_message(
            serialize_message(message), type(message)
        )
        self._marker, self._info = gray_image(header_at(1), 100), camera_info(header_at(1))
        if self._compressed:
            self._marker = _as_png(self._marker)

    def send_something(self) -> None:
        if self._cases.chance(0.2):
            self._rig.client.camera_infos.publish(self._cases.camera_info())
            self._result.sent["info"] += 1
            return
        message = self._cases.compressed() if self._compressed else self._cases.image()
        self._result.sent["good" if _is_good(self._as_received(message), self._result) else "bad"] += 1
        self._rig.images.publish(message)
        time.sleep(_PACE_S)

    def ask(self) -> None:
        """A good frame, whose answer is waited for: what was sent before it has been worked on or replaced by then."""
        from bench.harness.ros import header_at, stamp_of

        self._result.sent["marker"] += 1
        self._marker.header = header_at(10**6 + self._result.sent["marker"])
        answers, wanted = self._rig.client.received["depth/image"], stamp_of(self._marker)
        self._rig.client.camera_infos.publish(self._info)
        self._rig.images.publish(self._marker)
        deadline_s = time.monotonic() + _ANSWER_S
        while not (answers and stamp_of(answers[-1]) == wanted):
            if time.monotonic() > deadline_s or not self._rig.alive():
                self._result.findings.append(f"good frame {self._result.sent['marker']} was not answered")
                return
            time.sleep(0.001)
        self._result.markers_answered += 1
        for message in answers:
            message.data = b""  # the pictures themselves would fill this process


def _is_good(message: Any, result: FuzzResult) -> bool:
    """Whether the node can make an image of it; anything but an image or an ImageError is a finding."""
    try:
        color_from_message(message).rgb()
    except ImageError:
        return False
    except Exception as error:  # any other kind is what fuzzing looks for
        result.findings.append(f"{type(error).__name__} instead of an ImageError: {error}")
    return True


def _as_png(image: Any) -> Any:
    import cv2
    import numpy as np
    from sensor_msgs.msg import CompressedImage

    pixels = np.frombuffer(image.data, np.uint8).reshape(image.height, image.width, 3)
    return CompressedImage(format="png", data=cv2.imencode(".png", pixels)[1].tobytes())


def _settle(rig: Any, result: FuzzResult) -> None:
    """Wait until diagnostics know of the last frame."""
    deadline_s = time.monotonic() + 10.0
    while time.monotonic() < deadline_s:
        counts = rig.counts()
        if counts["received"] + counts["lost"] >= result.images:
            return
        time.sleep(0.2)


def check(result: FuzzResult) -> list[str]:
    """What is wrong with the books, a line each."""
    if not result.counted:
        return ["no diagnostics at the end"]
    counted, sent, findings = result.counted, result.sent, []
    replaced = counted["dropped"] + counted["lost"]
    if counted["received"] + counted["lost"] != result.images:
        findings.append(f"{result.images} images sent, but {counted['received']} received, {counted['lost']} lost")
    if counted["published"] + counted["bad"] + counted["dropped"] != counted["received"]:
        findings.append(f"the node's own counts do not add up: {counted}")
    if not sent["bad"] - replaced <= counted["bad"] <= sent["bad"]:
        findings.append(f"{sent['bad']} bad frames sent, {counted['bad']} counted, {replaced} replaced by newer ones")
    if result.answered != counted["published"]:
        findings.append(f"{counted['published']} published, {result.answered} arrived")
    if result.markers_answered != sent["marker"]:
        findings.append(f"{sent['marker']} good frames waited for, {result.markers_answered} answered")
    if result.end_mb > result.warm_mb + MEMORY_LIMIT_MB:
        findings.append(f"memory grew from {result.warm_mb:.1f} MB to {result.end_mb:.1f} MB")
    return findings


def summary(result: FuzzResult) -> str:
    """Three lines for a person, and one for each finding."""
    counted, sent = result.counted, result.sent
    lines = [
        f"{result.transport}, seed {result.seed}: {result.images} images ({sent['bad']} bad) and {sent['info']} "
        f"camera_info in {result.seconds:.0f} s",
        f"  node: {counted}",
        f"  {result.markers_answered} of {sent['marker']} good frames waited for were answered; "
        f"memory {result.warm_mb:.1f} MB warm, {result.end_mb:.1f} MB at the end, {result.peak_mb:.1f} MB at most",
    ]
    return "\n".join(lines + [f"  FOUND: {finding}" for finding in result.findings])


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns 0 where nothing was found."""
    parser = command_parser("python -m bench.fuzz", __doc__ or "")
    parser.add_argument("--messages", type=int, default=20_000, help="half of them raw, half compressed")
    parser.add_argument("--seed", type=int, default=0, help="default %(default)s")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    return run_command(parser, _command, argv)


def _command(arguments: argparse.Namespace) -> int:
    from bench.rig import use_own_domain

    use_own_domain()
    from bench.harness.tiny_bundle import write_tiny_bundle

    each, results = arguments.messages // len(TRANSPORTS), []
    with tempfile.TemporaryDirectory() as folder, _quiet_decoders(), Progress("messages") as progress:
        progress.total = arguments.messages
        model = write_tiny_bundle(Path(folder)).folder
        for transport in TRANSPORTS:
            results.append(fuzz(transport, each, arguments.seed, model, progress.advance))
    print("\n".join(map(summary, results)))
    if arguments.json:
        arguments.json.write_text(json.dumps([vars(result) for result in results], indent=2) + "\n", "utf-8")
    return 1 if any(result.findings for result in results) else 0


@contextlib.contextmanager
def _quiet_decoders() -> Iterator[None]:
    """libjpeg and libpng write a line about each damaged image on descriptor 2; Python's stderr keeps the terminal."""
    terminal, before = os.dup(2), sys.stderr
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    sys.stderr = os.fdopen(terminal, "w")
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        sys.stderr.close()
        sys.stderr = before
        os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
