"""Result files, JSON and CSV, and what a result says of how it was made."""

import csv
import io
import json
import platform
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from redwood_depth.bundle import ModelBundle
from redwood_depth.evaluation.records import to_json
from redwood_depth.evaluation.result import EvaluationResult, ScoredModel
from redwood_depth.files import write_whole

_PACKAGES = ("redwood_depth", "numpy", "onnxruntime", "rosbags", "opencv-python-headless")


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """Write plain numbers; innermost lists, such as the columns over frames, on one line each."""
    text = json.dumps(result, indent=2, allow_nan=False)
    write_whole(path, re.sub(r"\[\n[^\[\]{}]*\]", _on_one_line, text) + "\n")


def write_csv(path: Path, result: EvaluationResult) -> None:
    """Write one row a scored frame: the bag, its label, and the columns of each frame."""
    columns = [to_json(bag.per_frame) for bag in result.bags]
    names = [name for name in dict.fromkeys(name for frames in columns for name in frames) if name != "class_scores"]
    text = io.StringIO()
    writer: Any = csv.writer(text, lineterminator="\n")
    writer.writerow(["bag", "label", *names, *(f"score {name}" for name in result.model.classes)])
    for bag, frames in zip(result.bags, columns, strict=True):
        for index, scores in enumerate(bag.per_frame.class_scores):
            values = [frames[name][index] if name in frames else None for name in names]
            writer.writerow([bag.bag, bag.label or "", *values, *scores])
    write_whole(path, text.getvalue())


def _on_one_line(found: re.Match[str]) -> str:
    return "[" + ", ".join(line.strip().rstrip(",") for line in found[0][1:-1].strip().split("\n")) + "]"


def evaluated_at() -> str:
    """Now, as results say it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def model_entry(bundle: ModelBundle, engine: str) -> ScoredModel:
    """What a result says of the model: enough to know it again."""
    return ScoredModel(
        name=bundle.name,
        version=bundle.version,
        sha256=bundle.sha256,
        precision=bundle.precision,
        input=f"{bundle.width}x{bundle.height}",
        classes=list(bundle.classes),
        class_threshold=bundle.class_threshold,
        trained_on=list(bundle.trained_on),
        engine=engine,
    )


def training_warning(bag: str, model: ScoredModel) -> str | None:
    """A word where a bag carries the name of data that the model was trained on."""
    name = Path(bag).stem if Path(bag).suffix else Path(bag).name
    if name not in model.trained_on:
        return None
    return f"the model was trained on data named {name}: these scores say little about anything new"


def topic_entry(topic: str) -> ScoredModel:
    """The same of a recorded topic, whose model is not known."""
    return ScoredModel(topic, "", "", "", "", [], 0.0, [], f"recorded on {topic}")


def versions() -> dict[str, str]:
    """What computed the result: Python and the packages that decide about numbers."""
    found = {"Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
