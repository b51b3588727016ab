"""Result files, JSON and CSV, written in one step: a reader sees the old file or the new one, never a part."""

import csv
import io
import json
import platform
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from redwood_depth.bundle import ModelBundle

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


def versions() -> dict[str, str]:
    """What computed the result: Python and the packages that decide about numbers."""
    found = {"Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
