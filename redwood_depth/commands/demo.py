"""The main job from end to end (`make demo`): a bag through DDS, the node beside it, what it published scored."""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until main: Ctrl-C while the imports take their second, no traceback

import argparse
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from redwood_depth.bags.reader import Bag
from redwood_depth.bags.topics import find_rgbd_topics
from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.commands.shared.score_table import score_table
from redwood_depth.errors import EngineError
from redwood_depth.evaluation.live.playback import NAMESPACE, LiveRun, live_results, play_and_record
from redwood_depth.evaluation.recorded import RecordedPredictions
from redwood_depth.evaluation.report.frame_selection import Evidence
from redwood_depth.evaluation.report.page import check_report_packages, write_report
from redwood_depth.evaluation.result_files import model_entry, result_head, write_json
from redwood_depth.evaluation.scoring import EvaluationOptions, ScoredFrame, evaluate_bag
from redwood_depth.evaluation.sources import bundle_subject
from redwood_depth.evaluation.summary import summarize, summarize_bag
from redwood_depth.images.sheet import SheetRow, contact_sheet

SAMPLE_BAG = Path(__file__).parents[1] / "samples" / "yard"
_ROWS = 6
_NONE = "none of the known classes"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code: 0 when the node answered and the answers were scored."""
    parser = command_parser("demo", "Play an RGB-D bag through the node over DDS, record and score what it publishes.")
    parser.add_argument("--bag", type=Path, default=SAMPLE_BAG, help="default: the sample bag")
    parser.add_argument("--model", type=Path, default=DEMO_BUNDLE, metavar="BUNDLE", help="default: the bundled model")
    parser.add_argument("--output", type=Path, default=Path("out/demo"), metavar="DIR", help="default: %(default)s")
    return run_command(parser, _demo, argv)


def _demo(arguments: argparse.Namespace) -> int:
    check_report_packages()
    bundle, output = ModelBundle.load(arguments.model), arguments.output
    output.mkdir(parents=True, exist_ok=True)
    outputs = output / "outputs"
    with Bag.open(arguments.bag) as bag:
        shutil.rmtree(outputs, ignore_errors=True)
        print(f"playing {bag.path.name} through DDS into the node, with {bundle.name} {bundle.version}", flush=True)
        with Progress("playing") as bar:
            run = play_and_record(bag, find_rgbd_topics(bag), bundle.folder, outputs, output / "node.log", bar.expect)
    if not run.latencies_ms:
        raise EngineError(f"the node answered none of {run.sent} images; its words are in {output / 'node.log'}")
    keeper, evidence, result = _score(arguments.bag, bundle, outputs, run)
    write_json(output / "metrics.json", result)
    write_report(output / "report.html", result, evidence)
    _write_sheet(output / "sheet.png", keeper.rows, bundle)
    _print(result, run, output)
    return 0


def _score(
    bag: Path, bundle: ModelBundle, outputs: Path, run: LiveRun
) -> tuple["_RowKeeper", Evidence, dict[str, Any]]:
    """Rows for the sheet, what the report is drawn from, and the numbers of metrics.json."""
    options, subject = EvaluationOptions(), replace(bundle_subject(bundle), timed=False)
    keeper = _RowKeeper(bundle, len(run.latencies_ms))
    evidence = Evidence(options.min_depth_m, options.max_depth_m)

    def watch(frame: ScoredFrame) -> None:
        keeper.add(frame)
        evidence.add(frame, str(bag))

    with Bag.open(outputs) as recorded:
        topics = f"{NAMESPACE}/depth/image", f"{NAMESPACE}/classification"
        predict = RecordedPredictions(recorded, *topics, bundle.classes)
        evaluation = evaluate_bag(bag, predict, options, watch=watch)
    live = live_results([run])
    result = {
        **result_head(model_entry(bundle, "the node"), "make demo"),
        **summarize([evaluation], subject, options),
        "live": live,
        "bags": [summarize_bag(evaluation, subject, options)],
    }
    result |= {"latency_ms": live["latency_p50_ms"], "latency_p95_ms": live["latency_p95_ms"]}
    result |= {"latency_p99_ms": live["latency_p99_ms"], "sent": run.sent, "answered": len(run.latencies_ms)}
    return keeper, evidence, result | {"classes": dict(keeper.classes)}


class _RowKeeper:
    """Counts the classes of the predictions and keeps every n-th frame for the sheet."""

    def __init__(self, bundle: ModelBundle, frames: int) -> None:
        self.rows: list[SheetRow] = []
        self.classes: Counter[str] = Counter()
        self._bundle, self._every = bundle, max(1, frames // _ROWS)
        self._count = 0

    def add(self, frame: ScoredFrame) -> None:
        prediction, pair = frame.prediction, frame.pair
        best = int(np.argmax(prediction.class_scores))
        score = prediction.class_scores[best]
        known = score >= self._bundle.class_threshold
        self.classes[self._bundle.classes[best] if known else _NONE] += 1
        if self._count % self._every == self._every // 2 and len(self.rows) < _ROWS:
            caption = f"{self._bundle.classes[best]} {score:.2f}" if known else _NONE
            self.rows.append(SheetRow(pair.color.rgb(), pair.depth_m, prediction.depth_m, caption))
        self._count += 1


def _write_sheet(path: Path, rows: Sequence[SheetRow], bundle: ModelBundle) -> None:
    picture = contact_sheet(rows, (max(0.3, bundle.depth_range_m[0]), min(8.0, bundle.depth_range_m[1])))
    partial = path.with_name(f".{path.name}")
    partial.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    partial.replace(path)


def _print(result: dict[str, Any], run: LiveRun, output: Path) -> None:
    print(f"\n{result['answered']} of {run.sent} images answered; from image sent to depth received: ", end="")
    print(f"p50 {result['latency_ms']:.1f} ms, p95 {result['latency_p95_ms']:.1f} ms")
    print("classes published: " + ", ".join(f"{name} {count}" for name, count in sorted(result["classes"].items())))
    print(f"\n{score_table(result)}\n")
    for name, what in (
        ("report.html", "the page: scores, figures, frames, latency; open it in a browser"),
        ("sheet.png", "image, true depth, predicted depth and class, to look at"),
        ("metrics.json", "the numbers above"),
        ("outputs", "a bag with what the node published"),
        ("node.log", "the node's words"),
    ):
        print(f"{output / name!s:28} {what}")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
