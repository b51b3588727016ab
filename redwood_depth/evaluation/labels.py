"""Which class each bag shows: a CSV file with a bag and its class on each line."""

import csv
from collections.abc import Collection, Mapping
from pathlib import Path

from redwood_depth.bundle import NO_CLASS
from redwood_depth.errors import BagError


def read_labels(path: Path) -> dict[str, str]:
    """Classes by bag name: the last part of its path, without .mcap, .db3, .bag or .zip.

    The file is CSV: bag, class; blank lines and lines that begin with # do not count.

    Raises:
        BagError: the file cannot be read, or a line is not a bag and a class; the line is named.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BagError(f"cannot read the labels {path}: {error}") from error
    labels: dict[str, str] = {}
    for number, row in enumerate(csv.reader(text.splitlines(), skipinitialspace=True), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or cells[0].startswith("#"):
            continue
        if len(cells) != 2 or not all(cells):
            raise BagError(f"{path}, line {number}: expected a bag and its class, separated by a comma")
        labels[label_key(Path(cells[0]))] = cells[1]
    return labels


def label_key(path: Path) -> str:
    """The name that stands for a bag in a labels file."""
    return path.stem if path.suffix in (".mcap", ".db3", ".bag", ".zip") else path.name


def check_labels(labels: Mapping[str, str], classes: Collection[str]) -> None:
    """Raises BagError where a label is neither a class that the model knows nor "none"."""
    unknown = sorted(set(labels.values()) - {*classes, NO_CLASS})
    if labels and not classes:
        raise BagError("a recorded depth topic has no classes: --label and --labels go with a model")
    if unknown:
        raise BagError(f"the model knows no class {', '.join(map(repr, unknown))}, only {', '.join(classes)} (or none)")
