"""What an evaluation prints and writes."""

import sys

from redwood_depth.commands.shared.evaluate_request import Outputs
from redwood_depth.commands.shared.evaluation import Evaluated
from redwood_depth.commands.shared.score_table import live_table, score_rows, score_table
from redwood_depth.evaluation.report.page import write_report
from redwood_depth.evaluation.result import EvaluationResult
from redwood_depth.evaluation.result_files import write_csv, write_json

_TABLES = 3  # of more recordings there is a row each, and the table of all together


def print_result(result: EvaluationResult) -> None:
    """The table on stdout, warnings on stderr."""
    print(f"{result.model.title} on {result.model.engine}" if result.model.version else result.model.engine)
    several = len(result.bags) > _TABLES
    if several:
        print(f"\n{score_rows(result.bags)}")
    for bag in [] if several else result.bags:
        against = f" against {bag.topics['depth']}" if bag.topics.get("depth") else ", class only"
        print(f"\n{bag.bag}: {bag.topics['color']}{against}")
        if code := bag.topics.get("depth_code"):
            print(f"ground truth is recorded as {code}")
        print(score_table(bag.summary))
    for warning in result.warnings:
        print(f"evaluate_bag: warning: {warning}", file=sys.stderr)
    if len(result.bags) > 1:
        print(f"\nall {len(result.bags)} bags")
        print(score_table(result.summary))
    if result.live:
        print(f"\n{live_table(result.live)}")


def write_files(evaluated: Evaluated, outputs: Outputs) -> None:
    """The files that were asked for. Raises OSError, ReportError."""
    if evaluated.result is None:
        return
    if outputs.json:
        write_json(outputs.json, evaluated.result.to_json())
    if outputs.csv:
        write_csv(outputs.csv, evaluated.result)
    if outputs.report:
        write_report(outputs.report, evaluated.result, evaluated.evidence)
