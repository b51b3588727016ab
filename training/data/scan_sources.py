"""Find recordings: ROOT/CLASS/SCAN, and those of no class directly below ROOT; a SCAN is a folder, a zip or a bag."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from redwood_depth.bags.bag_source import is_bag
from redwood_depth.bundle import NO_CLASS
from redwood_depth.errors import ScanError
from redwood_depth.scans.layouts.table import is_layout
from redwood_depth.scans.redwood import scans_in_zip
from training.errors import PreparedDataError

_FILES = (".mcap", ".db3", ".bag", ".zstd", ".lz4")


@dataclass(frozen=True)
class ScanSource:
    """A scan that waits to be prepared; its class is the name of the folder that it lies in."""

    path: Path
    class_name: str
    number: str

    @property
    def name(self) -> str:
        """CLASS/SCAN_ID, its name in prepared data."""
        return f"{self.class_name}/{self.number}"


def find_scans(roots: Sequence[Path]) -> tuple[list[ScanSource], list[str]]:
    """All scans below the roots in order of their names, and a line for each thing there that is skipped.

    Raises:
        PreparedDataError: a root is missing, or is itself a scan; no scan is there.
    """
    found: dict[str, ScanSource] = {}
    notes: list[str] = []
    for root in roots:
        _check_root(root)
        for entry in [root] if is_bag(root) else _entries(root):
            single = [(NO_CLASS, scan) for scan in _single(entry)] if _is_scan(entry) else []
            inside = single or [(entry.name, scan) for scan in _scans_in(entry)]
            if not inside and entry.is_dir():
                notes.append(f"{entry} holds no scan")
            for class_name, path in inside:
                source = _source(path, class_name, found)
                if found.setdefault(source.name, source) is not source:
                    notes.append(f"{path} is skipped: {source.name} is {found[source.name].path}")
    if not found:
        places = ", ".join(map(str, roots))
        raise PreparedDataError(
            f"no scans in {places}; wanted CLASS/SCAN_ID/{{rgb,depth}}, CLASS/SCAN_ID.zip or bags there"
        )
    return [found[name] for name in sorted(found)], notes


def _source(path: Path, class_name: str, found: Mapping[str, ScanSource]) -> ScanSource:
    """Named after the file; a bag of a name that is taken after its folder as well: run of monday is monday_run."""
    name = path.name
    while is_bag(path) and Path(name).suffix in _FILES:
        name = Path(name).stem
    source = ScanSource(path, class_name, Path(name).stem if Path(name).suffix.lower() == ".zip" else name)
    taken = found.get(source.name)
    if taken is None or taken.path == path or not is_bag(path):
        return source
    return replace(source, number=f"{path.resolve().parent.name}_{source.number}")


def _check_root(root: Path) -> None:
    if is_bag(root):
        return
    if not root.is_dir():
        raise PreparedDataError(f"no folder {root}")
    if _is_scan(root):
        raise PreparedDataError(f"{root} is itself a scan; give the folder that holds it")


def _scans_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [scan for entry in _entries(folder) if _is_scan(entry) for scan in _single(entry)]


def _single(path: Path) -> list[Path]:
    """The scans in a zip of several; any other path itself, a zip that cannot be read too, to fail by its name."""
    try:
        return scans_in_zip(path) if path.suffix.lower() == ".zip" else [path]
    except ScanError:
        return [path]


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, hidden files skipped; a scan's folder comes before a zip of the same name."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _is_scan(path: Path) -> bool:
    if path.suffix.lower() == ".zip":
        return path.is_file()
    if is_bag(path) or is_layout(path):
        return True
    return (path / "rgb").is_dir() or (path / "depth").is_dir()
