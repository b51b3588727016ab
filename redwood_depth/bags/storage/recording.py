"""Which files a recording is made of: those that metadata.yaml names, or those that lie in the folder."""

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from redwood_depth.bags.storage import compressed_files
from redwood_depth.errors import BagError

_SUFFIXES = (".mcap", ".db3", ".bag")
_UNFINISHED = ".active"  # a .bag that ROS 1 was still writing
_METADATA = "metadata.yaml"
# bag_3.mcap; since ROS 2 Lyrical 3_bag_2026_11_27-10_00_00.mcap.
_NUMBERED = re.compile(r"(?P<first>\d+)_(?P<name>.+)_\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d$|(?P<bag>.*)_(?P<number>\d+)$")


@dataclass
class Recording:
    """The storage files of a recording. `damage` has what is missing, `warnings` what else a user must know.

    `message_count` is what metadata.yaml says, None where it says nothing.
    """

    files: list[Path]
    damage: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    message_count: int | None = None


def find_recording(path: Path) -> Recording:
    """The recording at `path`, a bag folder or a storage file.

    Raises:
        BagError: there is none.
    """
    if path.is_file():
        return Recording([path])
    if not path.exists():
        raise BagError(f"no bag at {path}")
    try:
        lying = sorted((file for file in path.iterdir() if _is_storage(file)), key=lambda file: file.name)
        if not (path / _METADATA).exists():
            return _unlisted(path, lying, f"it has no {_METADATA}")
        return _listed(path, lying)
    except OSError as error:
        raise BagError(f"cannot read the bag {path}: {error.strerror}") from error


def _listed(path: Path, lying: list[Path]) -> Recording:
    try:
        information = _metadata(path)
        names = [PurePath(str(name)).name for name in information["relative_file_paths"]]
    except (KeyError, TypeError, ValueError, YAMLError) as error:
        return _unlisted(path, lying, f"its {_METADATA} cannot be read ({' '.join(str(error).split())[:200]})")
    if not names and lying:
        return _unlisted(path, lying, f"its {_METADATA} names no file")
    found = {name: _as_named(path, name) for name in names}
    files = [file for file in found.values() if file]
    recording = Recording(files)
    if missing := [name for name, file in found.items() if not file]:
        recording.damage.append(f"{_METADATA} names files that are not there: {', '.join(missing)}")
    if others := [file.name for file in lying if file not in files]:
        recording.warnings.append(f"{_METADATA} does not name {', '.join(others)}: skipped")
    count = information.get("message_count")
    recording.message_count = count if isinstance(count, int) else None
    return recording


def _metadata(path: Path) -> dict[str, Any]:
    loaded = YAML(typ="safe").load((path / _METADATA).read_text("utf-8"))
    return dict(loaded["rosbag2_bagfile_information"])


def _unlisted(path: Path, lying: list[Path], reason: str) -> Recording:
    if not lying:
        raise BagError(f"cannot read the bag {path}: {reason}, and there is no .mcap, .db3 or .bag file")
    words = f"{reason}: read what lies there ({', '.join(file.name for file in lying)})"
    if gaps := _gaps(lying):
        words = f"{words}; missing between them: {', '.join(gaps)}"
    return Recording(lying, warnings=[words])


def _gaps(files: list[Path]) -> list[str]:
    """What is missing among the numbers of a split recording, which begin at 0."""
    numbers: dict[str, set[int]] = {}
    for file in files:
        if found := _NUMBERED.match(_stem(file)):
            numbers.setdefault(found["bag"] or found["name"], set()).add(int(found["number"] or found["first"]))
    gaps = [
        (bag, sorted(set(range(max(present))) - present))
        for bag, present in numbers.items()
        if 1 < len(present) <= max(present) < 2 * len(present) + 10
    ]
    return [f"{bag} {', '.join(map(str, missing))}" for bag, missing in gaps]


def _stem(file: Path) -> str:
    return (file.with_suffix("") if file.suffix in compressed_files.SUFFIXES else file).stem


def _is_storage(file: Path) -> bool:
    name = file.with_suffix("") if file.suffix in (*compressed_files.SUFFIXES, _UNFINISHED) else file
    return name.suffix in _SUFFIXES and file.is_file()


def _as_named(path: Path, name: str) -> Path | None:
    """The file of this name, or the same one compressed or decompressed since; None: it is not there."""
    plain = path / name
    others = [plain.with_name(name + suffix) for suffix in compressed_files.SUFFIXES]
    others += [plain.with_suffix("")] if plain.suffix in compressed_files.SUFFIXES else []
    return next((file for file in (plain, *others) if file.is_file()), None)
