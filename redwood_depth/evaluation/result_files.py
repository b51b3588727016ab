"""Result files, JSON and CSV, written in one step: a reader sees the old file or the new one, never a part."""

import csv
import io
import json
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from redwood_depth.bundle import ModelBundle
from redwood_depth.rgbd import MAX_GAP_NS

_PACKAGES = ("redwood_depth", "numpy", "onnxruntime", "rosbags", "opencv-python-headless")


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """Write plain numbers; innermost lists, such as the columns over frames, on one line each."""
    text = json.dumps(result, indent=2, allow_nan=False)
    write_text(path, re.sub(r"\[\n[^\[\]{}]*\]", _on_one_line, text) + "\n")


def write_csv(path: Path, bags: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> None:
    """Write one row a scored frame: the bag, its label, and the columns of "per_frame"."""
    text = io.StringIO()
    writer: Any = csv.writer(text, lineterminator="\n")
    names = [
        name for name in dict.fromkeys(name for bag in bags for name in bag["per_frame"]) if name != "class_scores"
    ]
    writer.writerow(["bag", "label", *names, *(f"score {name}" for name in classes)])
    for bag in bags:
        frames = bag["per_frame"]
        for index, scores in enumerate(frames["class_scores"]):
            values = [frames[name][index] if name in frames else None for name in names]
            writer.writerow([bag["bag"], bag["label"] or "", *values, *scores])
    write_text(path, text.getvalue())


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 in one step, making the folder where it is missing. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, "utf-8")
    partial.replace(path)


def _on_one_line(found: re.Match[str]) -> str:
    return "[" + ", ".join(line.strip().rstrip(",") for line in found[0][1:-1].strip().split("\n")) + "]"


def result_head(model: Mapping[str, Any], command: str) -> dict[str, Any]:
    """The beginning of a result: what was scored, when, and with which versions."""
    return {
        "evaluated_at": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "model": dict(model),
        "versions": versions(),
        "max_gap_ms": MAX_GAP_NS / 1e6,
    }


def model_entry(bundle: ModelBundle, engine: str) -> dict[str, Any]:
    """What a result says of the model: enough to know it again."""
    return {
        "name": bundle.name,
        "version": bundle.version,
        "sha256": bundle.sha256,
        "precision": bundle.precision,
        "input": f"{bundle.width}x{bundle.height}",
        "classes": list(bundle.classes),
        "class_threshold": bundle.class_threshold,
        "trained_on": list(bundle.trained_on),
        "engine": engine,
    }


def training_warning(bag: str, model: Mapping[str, Any]) -> str | None:
    """A word where a bag carries the name of data that the model was trained on."""
    name = Path(bag).stem if Path(bag).suffix else Path(bag).name
    if name not in model["trained_on"]:
        return None
    return f"the model was trained on data named {name}: these scores say little about anything new"


def topic_entry(topic: str) -> dict[str, Any]:
    """The same of a recorded topic, whose model is not known."""
    known = {"name": topic, "engine": f"recorded on {topic}", "classes": [], "trained_on": []}
    return known | dict.fromkeys(("version", "sha256", "precision", "input"), "") | {"class_threshold": 0.0}


def versions() -> dict[str, str]:
    """What computed the result: Python and the packages that decide about numbers."""
    found = {"Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
