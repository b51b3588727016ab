"""The --compare of evaluate_bag: two bundles, or earlier JSON results, side by side."""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from redwood_depth.errors import BagError
from redwood_depth.evaluation.report.comparison_page import write_comparison
from redwood_depth.evaluation.result_files import result_head, write_json
from redwood_depth.evaluation.significance import compare

Evaluate = Callable[[argparse.Namespace], Mapping[str, Any] | None]


def compare_runs(arguments: argparse.Namespace, evaluate: Evaluate, command: str) -> int:
    """Compare the two sides; a bundle is evaluated first, on the bags of the command line. Returns the exit code."""
    sides = [_side(path, arguments, evaluate) for path in arguments.compare]
    a, b = sides
    if a is None or b is None:
        return 1
    comparison = compare(a, b)
    head = result_head(b["model"], command)
    result = {**head, "model_a": a["model"], "model_b": b["model"], **comparison}
    del result["model"]
    print(comparison_table(result))
    if arguments.json:
        write_json(arguments.json, result)
    if arguments.report:
        write_comparison(arguments.report, result, a, b)
    return 0


def comparison_table(result: Mapping[str, Any]) -> str:
    """Lines for people: what is compared, and each score with its paired difference."""
    names = [f"{side.upper()}: {_name(result[f'model_{side}'])}" for side in ("a", "b")]
    only = [f"{result[f'only_{side}']} only in {side.upper()}" for side in ("a", "b") if result[f"only_{side}"]]
    lines = [*names, ", ".join([f"{result['frames']} frames in common", *only]), ""]
    lines.append(f"  {'':10}{'A':>10}{'B':>10}{'B - A':>10}   {result['confidence']:.0%} interval")
    for name, row in result["scores"].items():
        words = {"a": "A is better", "b": "B is better", None: "no difference shown"}[row["better"]]
        interval = f"{row['low']:+.4f} to {row['high']:+.4f}"
        numbers = f"{row['a']:>10.4f}{row['b']:>10.4f}{row['difference']:>+10.4f}"
        lines.append(f"  {name:10}{numbers}   {interval:24}{words}")
    return "\n".join(lines)


def _name(model: Mapping[str, Any]) -> str:
    version = f" {model['version']}" if model["version"] else ""
    return f"{model['name']}{version}{' ' + model['sha256'][:12] if model['sha256'] else ''}, {model['engine']}"


def _side(path: Path, arguments: argparse.Namespace, evaluate: Evaluate) -> Mapping[str, Any] | None:
    if path.suffix == ".json":
        return _read(path)
    if not arguments.bags:
        raise BagError(f"{path} is a bundle: name the bags to compare it on, or compare two JSON results")
    print(f"evaluating {path}", flush=True)
    return evaluate(argparse.Namespace(**{**vars(arguments), "model": path}))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        result = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BagError(f"cannot read the result {path}: {error}") from error
    if not isinstance(result, dict) or "model" not in result:
        raise BagError(f"{path} is no result of evaluate_bag --json")
    return result
