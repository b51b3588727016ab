"""Which class each bag shows: a CSV file with a bag and its class on each line."""

import csv
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from redwood_depth.bundle import NO_CLASS
from redwood_depth.errors import BagError

_SUFFIXES = (".mcap", ".db3", ".bag", ".zip")


def read_labels(path: Path, recordings: Sequence[Path]) -> dict[Path, str]:
    """The class of each recording that a labels file names.

    The file is CSV (UTF-8, with or without a byte order mark): bag, class; blank lines and lines that begin with # do
    not count. A bag is named by the end of its path, as much of it as tells it from the others, with or without .mcap,
    .db3, .bag or .zip.

    Raises:
        BagError: the file cannot be read; or a line is not a bag and a class, fits no recording, or several, or one
            that has another class by an earlier line: it is quoted.
    """
    labels: dict[Path, str] = {}
    for where, name, label in _lines(path):
        named = list(dict.fromkeys(recording for recording in recordings if _names(Path(name), recording)))
        if not named:
            raise BagError(f"{where} names none of the bags that are scored: {', '.join(map(str, recordings))}")
        if len(named) > 1:
            raise BagError(f"{where} may mean {' or '.join(map(str, named))}: write as much of its path as tells which")
        if labels.setdefault(named[0], label) != label:
            raise BagError(f"{where} contradicts an earlier line, by which {named[0]} shows {labels[named[0]]!r}")
    return labels


def check_labels(labels: Collection[str], classes: Collection[str]) -> None:
    """Raises BagError where a label is neither a class that the model knows nor "none"."""
    unknown = sorted(set(labels) - {*classes, NO_CLASS})
    if labels and not classes:
        raise BagError("a recorded depth topic has no classes: --label and --labels go with a model")
    if unknown:
        raise BagError(f"the model knows no class {', '.join(map(repr, unknown))}, only {', '.join(classes)} (or none)")


def _lines(path: Path) -> Iterator[tuple[str, str, str]]:
    """Where it is and what it says, bag and class, of each line that counts."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BagError(f"cannot read the labels {path}: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell.strip() for row in csv.reader([line], skipinitialspace=True) for cell in row]
        if not any(cells) or cells[0].startswith("#"):
            continue
        where = f"{path}, line {number}: {line.strip()!r}"
        if len(cells) != 2 or not all(cells):
            raise BagError(f"{where}: expected a bag and its class, separated by a comma")
        yield where, cells[0], cells[1]


def _names(name: Path, recording: Path) -> bool:
    """Whether `name` is the end of the recording's path."""
    wanted = _parts(name.expanduser())
    return any(
        _parts(path)[-len(wanted) :] == wanted for path in (recording, recording.absolute(), recording.resolve())
    )


def _parts(path: Path) -> tuple[str, ...]:
    return (path.with_suffix("") if path.suffix.lower() in _SUFFIXES else path).parts
