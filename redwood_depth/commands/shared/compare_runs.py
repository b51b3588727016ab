"""The --compare of evaluate_bag: two bundles, or earlier JSON results, side by side."""

from dataclasses import replace
from pathlib import Path

from redwood_depth.commands.shared.evaluate_request import EvaluateRequest, Outputs
from redwood_depth.commands.shared.evaluation import evaluate_request
from redwood_depth.errors import BagError
from redwood_depth.evaluation.comparison import Comparison, compare
from redwood_depth.evaluation.report.comparison_page import write_comparison
from redwood_depth.evaluation.result import EvaluationResult, ScoredModel, read_result
from redwood_depth.evaluation.result_files import write_json


def compare_runs(request: EvaluateRequest, paths: tuple[Path, Path]) -> int:
    """Compare the two sides; a bundle is evaluated first, on the recordings of the request. Returns the exit code."""
    a, b = (_side(path, request) for path in paths)
    if a is None or b is None:
        return 1
    comparison = compare(a, b, request.command)
    print(comparison_table(comparison))
    if request.outputs.json:
        write_json(request.outputs.json, comparison.to_json())
    if request.outputs.report:
        write_comparison(request.outputs.report, comparison, a, b)
    return 0


def comparison_table(comparison: Comparison) -> str:
    """Lines for people: what is compared, and each score with its paired difference."""
    only = {"A": comparison.only_a, "B": comparison.only_b}
    counts = [f"{comparison.frames} frames in common", *(f"{n} only in {side}" for side, n in only.items() if n)]
    lines = [f"A: {_name(comparison.model_a)}", f"B: {_name(comparison.model_b)}", ", ".join(counts)]
    for side, names in (("A", comparison.recordings_only_a), ("B", comparison.recordings_only_b)):
        lines += [f"only in {side}: {', '.join(names)}"] if names else []
    lines += [f"warning: {words}" for words in comparison.warnings]
    lines += ["", f"  {'':10}{'A':>10}{'B':>10}{'B - A':>10}   {comparison.confidence:.0%} interval"]
    for name, row in comparison.scores.items():
        words = {"a": "A is better", "b": "B is better", None: "no difference shown"}[row.better]
        interval = f"{row.low:+.4f} to {row.high:+.4f}"
        lines.append(f"  {name:10}{row.a:>10.4f}{row.b:>10.4f}{row.difference:>+10.4f}   {interval:24}{words}")
    return "\n".join(lines)


def _name(model: ScoredModel) -> str:
    return f"{model.title}{' ' + model.sha256[:12] if model.sha256 else ''}, {model.engine}"


def _side(path: Path, request: EvaluateRequest) -> EvaluationResult | None:
    if path.suffix == ".json":
        return read_result(path)
    if not request.recordings:
        raise BagError(f"{path} is a bundle: name the bags to compare it on, or compare two JSON results")
    print(f"evaluating {path}", flush=True)
    return evaluate_request(replace(request, model=path, compare=None, outputs=Outputs())).result
