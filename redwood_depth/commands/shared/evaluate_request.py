"""What evaluate_bag is asked for, and what can be known to be wrong with it before the work begins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redwood_depth.errors import BagError
from redwood_depth.evaluation.metrics import MIN_DEPTH_M
from redwood_depth.evaluation.report.page import check_report_packages
from redwood_depth.evaluation.scoring import EvaluationOptions


@dataclass(frozen=True)
class LiveRequest:
    """A node plays along. `own_node`: one is started even where another runs; `folder` keeps its outputs and words."""

    namespace: str | None = None
    rate: float = 1.0
    own_node: bool = False
    folder: Path | None = None


@dataclass(frozen=True)
class Outputs:
    """Files that are written besides the table; None: not asked for."""

    report: Path | None = None
    json: Path | None = None
    csv: Path | None = None
    bag: Path | None = None


@dataclass(frozen=True)
class EvaluateRequest:
    """Recordings, what is scored on them, and where the results go.

    `predictions` is a recorded topic, `prediction_offset_s` what is taken from its stamps; `compare` are two bundles or
    results. Without `live`, `predictions` and `compare` it is `model` (None: the bundled one) in this process.
    `command` is what results say of how they were made.
    """

    recordings: Sequence[Path]
    command: str
    model: Path | None = None
    backend: str = "auto"
    live: LiveRequest | None = None
    predictions: str | None = None
    prediction_offset_s: float = 0.0
    compare: tuple[Path, Path] | None = None
    labels: Path | None = None
    options: EvaluationOptions = field(default_factory=EvaluationOptions)
    outputs: Outputs = field(default_factory=Outputs)

    def check(self) -> None:
        """Raises BagError or ReportError where the wishes contradict each other, or cannot be met."""
        outputs = self.outputs
        if not MIN_DEPTH_M < self.options.max_depth_m <= 1000.0:
            raise BagError(f"--max-depth must lie between {MIN_DEPTH_M:g} and 1000 m, not {self.options.max_depth_m:g}")
        if self.live and self.predictions:
            raise BagError("--live scores the node, --predictions a recorded topic: choose one")
        if self.prediction_offset_s and not self.predictions:
            raise BagError("--prediction-offset is taken from the stamps of --predictions: name the topic as well")
        if self.options.label and self.labels:
            raise BagError("--label is for all bags, --labels for each: choose one")
        if not self.recordings and not self.compare:
            raise BagError("name a bag; see --help")
        if self.compare and (self.predictions or outputs.bag or outputs.csv):
            raise BagError("--compare gives a table, --json and --report; it takes no --predictions, --write or --csv")
        if outputs.bag and len(self.recordings) > 1:
            raise BagError("--write makes one bag of one bag")
        if outputs.report:
            _check_report(outputs.report)


def _check_report(path: Path) -> None:
    if path.suffix.lower() not in (".html", ".htm") and not path.exists():
        raise BagError(f"--report writes an HTML page: name it {path.with_suffix('.html')}, or use --json or --csv")
    if path.is_file() and path.suffix.lower() not in (".html", ".htm"):
        raise BagError(f"--report writes an HTML page, and would replace {path}: name a file that ends in .html")
    check_report_packages()
