"""The main job from end to end (`make demo`): a bag through DDS, the node beside it, what it published scored."""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until main: Ctrl-C while the imports take their second, no traceback

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.commands.shared.evaluate_request import EvaluateRequest, LiveRequest, Outputs
from redwood_depth.commands.shared.evaluation import evaluate_request
from redwood_depth.commands.shared.score_table import score_table
from redwood_depth.evaluation.live_result import LiveScores
from redwood_depth.evaluation.records import entry, to_json
from redwood_depth.evaluation.report.page import write_report
from redwood_depth.evaluation.result import EvaluationResult
from redwood_depth.evaluation.result_files import write_json
from redwood_depth.evaluation.scoring import ScoredFrame
from redwood_depth.files import write_whole
from redwood_depth.images.sheet import SheetRow, contact_sheet
from redwood_depth.prediction import best_class

SAMPLE_BAG = Path(__file__).parents[1] / "samples" / "yard"
_ROWS = 6
_NONE = "none of the known classes"


@dataclass(frozen=True)
class DemoResult:
    """What metrics.json holds: the result, and what matters most of it by a short name."""

    result: EvaluationResult = entry("as evaluate_bag gives it", flat=True)
    latency_ms: float = entry("median time from image sent to depth received, in ms")
    latency_p95_ms: float = entry("95th percentile, in ms")
    latency_p99_ms: float = entry("99th percentile, in ms")
    sent: int = entry("images sent")
    answered: int = entry("depth images received")
    classes: dict[str, int] = entry("frames by the class that was published")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code: 0 when the node answered and the answers were scored."""
    parser = command_parser("demo", "Play an RGB-D bag through the node over DDS, record and score what it publishes.")
    parser.add_argument("--bag", type=Path, default=SAMPLE_BAG, help="default: the sample bag")
    parser.add_argument("--model", type=Path, default=DEMO_BUNDLE, metavar="BUNDLE", help="default: the bundled model")
    parser.add_argument("--output", type=Path, default=Path("out/demo"), metavar="DIR", help="default: %(default)s")
    return run_command(parser, lambda arguments: _demo(_request(arguments), arguments.output), argv)


def _request(arguments: argparse.Namespace) -> EvaluateRequest:
    """As evaluate_bag --live --report, with a node of its own whose outputs are kept."""
    return EvaluateRequest(
        recordings=[arguments.bag],
        command="make demo",
        model=arguments.model,
        live=LiveRequest(own_node=True, folder=arguments.output),
        outputs=Outputs(report=arguments.output / "report.html"),
    )


def _demo(request: EvaluateRequest, output: Path) -> int:
    request.check()
    bundle = ModelBundle.load(request.model or DEMO_BUNDLE)
    bag = request.recordings[0].name
    print(f"playing {bag} through DDS into the node, with {bundle.name} {bundle.version}", flush=True)
    keeper = _RowKeeper(bundle)
    evaluated = evaluate_request(request, keeper.add)
    if evaluated.result is None or evaluated.result.live is None:
        return 1
    result = _result(evaluated.result, evaluated.result.live, keeper)
    _print(result, evaluated.result.live, output)
    write_json(output / "metrics.json", to_json(result))
    write_report(output / "report.html", evaluated.result, evaluated.evidence)
    _write_sheet(output / "sheet.png", keeper.rows(), bundle)
    return 0


def _result(result: EvaluationResult, live: LiveScores, keeper: "_RowKeeper") -> DemoResult:
    return DemoResult(
        result=result,
        latency_ms=live.latency_p50_ms,
        latency_p95_ms=live.latency_p95_ms,
        latency_p99_ms=live.latency_p99_ms,
        sent=live.sent,
        answered=live.answered,
        classes=dict(keeper.classes),
    )


class _RowKeeper:
    """Counts the classes of the predictions and keeps frames for the sheet, evenly spread."""

    def __init__(self, bundle: ModelBundle) -> None:
        self.classes: Counter[str] = Counter()
        self._bundle = bundle
        self._kept: list[SheetRow] = []
        self._every = 1
        self._count = 0

    def add(self, frame: ScoredFrame) -> None:
        scores, bundle = frame.prediction.class_scores, self._bundle
        best = best_class(scores, bundle.class_threshold)
        self.classes[_NONE if best is None else bundle.classes[best]] += 1
        if self._count % self._every == 0:
            caption = _NONE if best is None else f"{bundle.classes[best]} {scores[best]:.2f}"
            row = SheetRow(frame.pair.color.rgb(), frame.pair.depth_m, frame.prediction.depth_m, caption)
            self._kept.append(row)
            if len(self._kept) > 4 * _ROWS:  # every second one then, so that their number stays bounded
                self._kept, self._every = self._kept[::2], 2 * self._every
        self._count += 1

    def rows(self) -> list[SheetRow]:
        step = max(1, len(self._kept) // _ROWS)
        return self._kept[step // 2 :: step][:_ROWS]


def _write_sheet(path: Path, rows: Sequence[SheetRow], bundle: ModelBundle) -> None:
    picture = contact_sheet(rows, (max(0.3, bundle.depth_range_m[0]), min(8.0, bundle.depth_range_m[1])))
    write_whole(path, cv2.imencode(".png", picture)[1].tobytes())


def _print(result: DemoResult, live: LiveScores, output: Path) -> None:
    print(f"\n{live.answered} of {live.sent} images answered; from image sent to depth received: ", end="")
    print(f"p50 {live.latency_p50_ms:.1f} ms, p95 {live.latency_p95_ms:.1f} ms")
    if live.dropped_because:
        print(f"the others were dropped because: {live.dropped_because}")
    print("classes published: " + ", ".join(f"{name} {count}" for name, count in sorted(result.classes.items())))
    print(f"\n{score_table(result.result.summary)}\n")
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
