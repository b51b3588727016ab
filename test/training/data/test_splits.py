"""Splits: no scan in two of them, every class in each, the same for the same seed, and stable while scans are added."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.splits import SPLITS, assign_splits, read_splits, write_splits
from training.errors import PreparedDataError

classes = st.sampled_from(["bicycle", "car", "trash container", "none"])
numbers = st.integers(0, 40).map(lambda number: f"{number:05d}")
names = st.builds("{}/{}".format, classes, numbers)
scan_sets = st.sets(names, max_size=80)


def many(count: int, class_name: str = "car") -> list[str]:
    return [f"{class_name}/{i:05d}" for i in range(count)]


@given(scans=scan_sets, more=scan_sets, seed=st.integers(0, 5), data=st.data())
def test_no_scan_is_ever_in_two_splits(scans: set[str], more: set[str], seed: int, data: st.DataObject) -> None:
    """Not under two classes, not when scans are added, not when some are for the test alone."""
    test_only = data.draw(st.sets(st.sampled_from(sorted(scans)))) if scans else set()
    first = assign_splits(scans, seed, test_only=test_only)
    later = assign_splits(scans | more, seed, first, test_only)
    for assignment, wanted in ((first, scans), (later, scans | more)):
        assert set(assignment) == wanted
        places: dict[str, set[str]] = {}
        for scan, split in assignment.items():
            places.setdefault(scan.split("/")[1], set()).add(split)
        assert all(len(found) == 1 for found in places.values())
        assert all(assignment[scan] == "test" for scan in test_only)
    assert later == later | first, "an added scan moved another one"


@given(count=st.integers(1, 300), seed=st.integers(0, 3))
def test_each_class_gives_a_tenth_to_test_and_to_validation(count: int, seed: int) -> None:
    scans = many(count, "car") + [f"bicycle/1{i:05d}" for i in range(2 * count)]
    chosen = assign_splits(scans, seed)
    for name, total in (("car", count), ("bicycle", 2 * count)):
        places = Counter(split for scan, split in chosen.items() if scan.startswith(name))
        assert places["test"] == (max(round(total / 10), 1) if total > 2 else 0)
        assert places["validation"] == (max(round(total / 10), 1) if total > 1 else 0)
        assert places["train"] == total - places["test"] - places["validation"]


def test_the_seed_decides_and_nothing_else() -> None:
    scans = many(100)
    assert assign_splits(scans, 0) == assign_splits(reversed(scans), 0)
    assert assign_splits(scans, 0) != assign_splits(scans, 1)


def test_a_growing_class_fills_up_its_test_and_validation() -> None:
    grown = assign_splits(many(200), 0, assign_splits(many(20), 0))
    assert Counter(grown.values()) == {"train": 160, "validation": 20, "test": 20}


@given(
    places=st.lists(st.tuples(st.sampled_from(["lab", "hall", "tum", "yard9"]), st.integers(0, 30)), min_size=1),
    seed=st.integers(0, 3),
    held=st.integers(0, 5),
)
def test_scans_of_one_place_are_held_out_together(places: list[tuple[str, int]], seed: int, held: int) -> None:
    scans = {f"none/{place}_{number}" for place, number in places}
    test_only = sorted(scans)[: min(held, 1)]
    for first in (set(), set(sorted(scans)[::2])):
        kept = assign_splits(first, seed, test_only=set(test_only) & first, place_separator="_")
        chosen = assign_splits(scans, seed, kept, set(test_only) & (first or scans), place_separator="_")
        found = {scan.split("/")[1].split("_")[0]: set() for scan in scans}
        for scan, split in chosen.items():
            found[scan.split("/")[1].split("_")[0]].add(split)
        assert all(len(splits) == 1 for splits in found.values())
        assert set(chosen) == scans


def test_a_split_that_was_edited_stays_though_its_place_is_divided() -> None:
    kept = {"none/lab-door": "train", "none/lab-desk": "validation"}
    chosen = assign_splits([*kept, "none/lab-hall", "none/yard-1"], 0, kept, place_separator="-")
    assert chosen | kept == chosen
    assert chosen["none/lab-hall"] in ("train", "validation")


def test_splits_are_written_for_people_and_read_back(tmp_path: Path) -> None:
    chosen = assign_splits(many(20), 7)
    write_splits(tmp_path / "splits.json", 7, chosen)
    assert read_splits(tmp_path / "splits.json") == (7, chosen)
    assert set(json.loads((tmp_path / "splits.json").read_text())) == {"seed", *SPLITS}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged"),
        ('{"seed": 0, "train": []}', "is damaged"),
        ('{"seed": 0, "train": ["car/1"], "validation": [], "test": ["car/1"]}', "car/1 in two splits, train and test"),
        ('{"seed": 0, "train": ["car/1"], "validation": [], "test": ["bus/1"]}', "bus/1 in two splits, train and test"),
    ],
)
def test_an_edited_file_with_a_mistake_says_where(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "splits.json").write_text(text)
    with pytest.raises(PreparedDataError, match=message):
        read_splits(tmp_path / "splits.json")
