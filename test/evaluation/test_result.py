"""The typed result: its JSON and back, what an earlier version wrote, what is not a result, and its documentation."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from bag_samples import rgbd_messages, write_bag
from hypothesis import given
from hypothesis import strategies as st

from redwood_depth.bundle import ModelBundle
from redwood_depth.commands.demo import DemoResult
from redwood_depth.commands.evaluate_bag import main
from redwood_depth.errors import BagError
from redwood_depth.evaluation.comparison import Comparison
from redwood_depth.evaluation.record_tables import tables
from redwood_depth.evaluation.records import entry, from_json, to_json
from redwood_depth.evaluation.result import EvaluationResult, read_result

DOCUMENTATION = Path(__file__).resolve().parents[2] / "docs" / "evaluation.md"
BEGIN, END = "<!-- made of the classes of evaluation/result.py: begin -->\n", "<!-- end -->"


@dataclass(frozen=True)
class Inner:
    x: float = entry("a number")
    y: int | None = entry("an integer", optional=True)


@dataclass(frozen=True)
class Outer:
    """Every kind of field that a record may have."""

    named: str = entry("text", key="class")
    maybe: str | None = entry("text or null")
    here: Inner | None = entry("among its own", flat=True)
    many: list[Inner] = entry("a list")
    by_name: dict[str, list[float | None]] = entry("lists by name")
    rest: dict[str, int] = entry("all others", flat=True)
    newer: list[str] = entry("what an earlier version lacks", factory=list)


TEXT = st.text(max_size=5)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INNER = st.builds(Inner, FLOATS, st.none() | st.integers())
OUTER = st.builds(
    Outer,
    named=TEXT,
    maybe=st.none() | TEXT,
    here=st.none() | INNER,
    many=st.lists(INNER, max_size=3),
    by_name=st.dictionaries(TEXT, st.lists(st.none() | FLOATS, max_size=3), max_size=3),
    rest=st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(), max_size=3),
    newer=st.lists(TEXT, max_size=2),
)


@given(OUTER)
def test_a_record_survives_its_json(record: Outer) -> None:
    assert from_json(Outer, json.loads(json.dumps(to_json(record)))) == record


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"class": 3}, "'class' cannot be '3'"),
        ({"many": {"x": 1}}, "'many' cannot be"),
        ({"many": [{"y": 1}]}, "lacks 'x'"),
        ({"by_name": {"a": [True]}}, "'a' cannot be 'True'"),
        ({"maybe": 1.5}, "'maybe' cannot be '1.5'"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, object], words: str) -> None:
    good = to_json(Outer("a", None, Inner(1.0), [], {}, {}))
    with pytest.raises(ValueError, match=re.escape(words)):
        from_json(Outer, {**good, **changes})


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSON of a labeled bag."""
    folder = tmp_path_factory.mktemp("result")
    bag = write_bag(folder / "bag", rgbd_messages(3, brightness=51))
    assert main([str(bag), "--json", str(folder / "scores.json"), "--label", "car", "--protocol", "paper"]) == 0
    return folder / "scores.json"


def test_the_json_of_evaluate_bag_is_read_as_it_was_written(written: Path) -> None:
    data = json.loads(written.read_text("utf-8"))
    result = read_result(written)
    assert result.to_json() == data
    assert (result.summary.frames, result.bags[0].label) == (3, "car")
    assert result.summary.depth is not None
    assert result.summary.depth.paper is not None
    assert result.summary.classes is not None


def test_a_result_of_0_5_0_is_read(written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(written.read_text("utf-8"))
    del data["warnings"], data["bags"][0]["truth_digests"]  # what 0.5.0 did not write
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps(data), "utf-8")
    assert read_result(earlier).warnings == []
    assert main(["--compare", str(earlier), str(written)]) == 0
    assert "earlier versions kept no digest of the ground truth" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["[]", "{}", '{"model": 3}', "no JSON"])
def test_what_is_not_a_result_is_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(BagError, match=f"{re.escape(str(path))} is not a result of evaluate_bag --json: .+"):
        read_result(path)


def test_the_documentation_is_that_of_the_classes() -> None:
    """To mend it, write between the two marks of docs/evaluation.md what `tables` gives here."""
    text = DOCUMENTATION.read_text("utf-8")
    documented = text[text.index(BEGIN) + len(BEGIN) : text.index(END, text.index(BEGIN))]
    assert documented == tables(EvaluationResult, DemoResult, Comparison)


def test_a_bundle_that_is_no_result_cannot_be_read_as_one(tiny_bundle: ModelBundle) -> None:
    with pytest.raises(BagError, match="is not a result"):
        read_result(tiny_bundle.folder / "model.json")
