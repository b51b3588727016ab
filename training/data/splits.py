"""Train, validation and test by place: stratified by class, seeded, and stable while scans are added.

Frames of one scan show the same things, so a scan is in one split only, and so are the scans of one place where their
names tell. A scan's number decides, not its folder: the same number under two classes is the same recording.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from redwood_depth.files import write_whole
from training.errors import PreparedDataError

SPLITS = ("train", "validation", "test")
SHARES = {"validation": 0.1, "test": 0.1}  # of the scans of a class; the rest is for training

Assignment = dict[str, str]  # CLASS/SCAN_ID -> split


def assign_splits(
    scans: Iterable[str],
    seed: int,
    kept: Mapping[str, str] | None = None,
    test_only: Iterable[str] = (),
    *,
    place_separator: str = "",
) -> Assignment:
    """Split scans named CLASS/SCAN_ID; `kept` is an earlier assignment that stays, `test_only` never leave the test.

    Scans whose numbers are alike up to `place_separator` are of one place and go together, as lab_door and lab_desk
    with "_"; without one each number is a place of its own.

    Each class gives a tenth of its scans, at least one where it has three, to validation and as many to test; of two
    scans one goes to validation, a single one to training.
    """
    groups = _group_by_place(scans, place_separator)
    earlier = {_number_of(scan): split for scan, split in (kept or {}).items()}
    missing = {name: _quota(count) for name, count in Counter(map(_class_of, _flat(groups))).items()}
    assignment: Assignment = {}
    fixed = {_place_of(number, place_separator): split for number, split in earlier.items()}
    fixed |= {_place_of(_number_of(scan), place_separator): "test" for scan in test_only}
    order = sorted(groups, key=lambda place: (place not in fixed, hashlib.sha256(f"{seed}/{place}".encode()).digest()))
    for place in order:
        split = fixed.get(place) or _neediest(groups[place], missing)
        for scan in groups[place]:
            assignment[scan] = split if split == "test" else earlier.get(_number_of(scan), split)
            missing[_class_of(scan)][assignment[scan]] -= 1
    return dict(sorted(assignment.items()))


def read_splits(path: Path) -> tuple[int, Assignment]:
    """The seed and the assignment in a splits.json.

    Raises:
        PreparedDataError: not there, not what `write_splits` writes, or a scan is in two splits.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
        seed, pairs = int(data["seed"]), [(str(scan), split) for split in SPLITS for scan in data[split]]
    except FileNotFoundError as error:
        raise PreparedDataError(f"no {path}; run python -m training prepare") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PreparedDataError(f"{path} is damaged ({error!r}); delete it and prepare again to split anew") from error
    numbers: dict[str, str] = {}
    for scan, split in pairs:
        if numbers.setdefault(_number_of(scan), split) != split:
            raise PreparedDataError(f"{path} has {scan} in two splits, {numbers[_number_of(scan)]} and {split}")
    return seed, dict(pairs)


def write_splits(path: Path, seed: int, assignment: Assignment) -> None:
    """Write an assignment, for people to read: one list of scans a split."""
    lists = {split: sorted(scan for scan, place in assignment.items() if place == split) for split in SPLITS}
    write_whole(path, json.dumps({"seed": seed, **lists}, indent=1) + "\n")


def _group_by_place(scans: Iterable[str], separator: str) -> dict[str, list[str]]:
    groups = defaultdict(list)
    for scan in sorted(set(scans)):
        groups[_place_of(_number_of(scan), separator)].append(scan)
    return groups


def _flat(groups: Mapping[str, list[str]]) -> list[str]:
    return [scan for group in groups.values() for scan in group]


def _quota(count: int) -> dict[str, int]:
    """How many of a class's scans each split gets; the order of the splits is the order in which they are filled."""
    test, validation = (round(count * SHARES[split]) for split in ("test", "validation"))
    if count >= 3:
        test, validation = max(test, 1), max(validation, 1)
    elif count == 2:
        validation = 1
    return {"test": test, "validation": validation, "train": count - test - validation}


def _neediest(group: list[str], missing: Mapping[str, dict[str, int]]) -> str:
    """The first split that lacks scans of all the group's classes, else the one that lacks most."""
    wanted = {split: [missing[_class_of(scan)][split] for scan in group] for split in ("test", "validation", "train")}
    return next(
        (split for split, counts in wanted.items() if min(counts) > 0), max(wanted, key=lambda s: sum(wanted[s]))
    )


def _class_of(scan: str) -> str:
    return scan.rpartition("/")[0]


def _number_of(scan: str) -> str:
    return scan.rpartition("/")[2]


def _place_of(number: str, separator: str) -> str:
    return number.partition(separator)[0] if separator else number
