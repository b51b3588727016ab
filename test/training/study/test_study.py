"""The study: what is trained, that finished cells are kept, and that a failing cell does not take the others along."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from training.__main__ import main
from training.config import load_config
from training.data.preparation import PrepareSettings, prepare
from training.data.prepared_data import PreparedData
from training.errors import TrainingError
from training.study import grid as study_module
from training.study.cells import PAPER
from training.study.grid import RESULTS, StudySettings, plan, study
from training.study.tables import as_markdown, rows_of

ENCODER = "tf_mobilenetv3_small_minimal_100"
SMALL = StudySettings(2, 1, 16, ("encoders",), (f"{ENCODER}=none",), ("frozen",))
CONFIGS = Path(__file__).parents[3] / "config" / "train"


@pytest.fixture(scope="module")
def stamped(tiny_data: Path) -> PreparedData:
    return PreparedData.load(tiny_data)


def options(data: Path, output: Path) -> list[str]:
    tables = ["--tables", "encoders", "--trainings", "frozen", "--encoders", f"{ENCODER}=none"]
    return ["study", "--data", str(data), "--output", str(output), "--steps", "2", *tables]


def test_the_recipe_becomes_ours_by_one_change_after_another(stamped: PreparedData) -> None:
    both = {"stamp": stamped, "position": stamped}
    cells = plan(both, [{"encoder": ENCODER}], StudySettings(tables=("recipe",)))
    assert len({cell.name for cell in cells}) == len(cells) == 9
    first, last = cells[0], cells[-1]
    assert first.pairing == "position"
    paper, ours = load_config(CONFIGS / "paper.yaml"), load_config(CONFIGS / "robot.yaml")
    assert (
        {name: getattr(first.config, name) for name in PAPER} == PAPER == {name: getattr(paper, name) for name in PAPER}
    )
    for name in PAPER:
        if name != "class_head":  # fitted after the training: it has no part in the depth of a frozen encoder
            assert getattr(last.config, name) == getattr(ours, name), name
    for before, after in pairwise(cells):
        assert (before.pairing, before.config) != (after.pairing, after.config)
        assert before.config.epochs == after.config.epochs
    stamped_only = plan({"stamp": stamped}, [{"encoder": ENCODER}], StudySettings(tables=("recipe",)))
    assert stamped_only == cells[1:]


def test_encoders_are_crossed_with_every_mistake(stamped: PreparedData) -> None:
    both, settings = {"stamp": stamped, "position": stamped}, StudySettings(tables=("encoders",), seeds=2, steps=7)
    cells = plan(both, [{"encoder": "resnet18"}, {"encoder": ENCODER}], settings)
    assert len({cell.name for cell in cells}) == len(cells) == 2 * 2 * 3 * 3 * 2
    assert {cell.config.normalisation for cell in cells} == {"encoder", "divide_by_255", "twice"}
    assert {cell.config.encoder_training for cell in cells} == {"frozen", "partly", "all"}
    assert {(cell.config.height, cell.config.width, cell.config.epochs) for cell in cells} == {(32, 64, 4)}


def test_finished_cells_are_kept_and_failing_ones_are_named(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train, trained = study_module.train, []

    def counted(config, data, run: Path) -> bool:
        trained.append(config.normalisation)
        if config.normalisation == "divide_by_255" and len(trained) < 4:
            raise TrainingError("the loss is not finite")
        return train(config, data, run)

    monkeypatch.setattr(study_module, "train", counted)
    assert main([*options(tiny_data, tmp_path / "study"), "--finished-only"]) == 0
    assert "not trained yet: 3 cells" in capsys.readouterr().err
    assert trained == []
    assert main(options(tiny_data, tmp_path / "study")) == 1
    said = capsys.readouterr()
    assert f"failed: {ENCODER}-frozen-divide_by_255-stamp-seed0: the loss is not finite" in said.err
    assert f"| {ENCODER} | frozen | scaled twice | stamp |" in said.out
    assert "/ 255 alone" not in said.out
    first = json.loads((tmp_path / "study" / RESULTS).read_text())
    assert [cell["varied"]["normalisation"] for cell in first["cells"]] == ["encoder", "twice"]

    assert main([*options(tiny_data, tmp_path / "study"), "--finished-only"]) == 0
    assert "scaled twice" in capsys.readouterr().out
    assert main(options(tiny_data, tmp_path / "study")) == 0
    assert trained == ["encoder", "divide_by_255", "twice", "divide_by_255"], "only what had failed is trained again"
    results = json.loads((tmp_path / "study" / RESULTS).read_text())
    assert results["failed"] == {}
    assert results["cells"][0] == first["cells"][0]
    assert results["test"] == {"scans": 3, "frames": 18}
    assert results["wrong_pairs"] == {"stamp": 0}
    assert 0 < results["best_constant"]["mae"] < 2
    for cell in results["cells"]:
        assert set(cell["scores"]) == {"frames", "mae", "abs_rel", "delta1", "scans"}
        assert cell["scores"]["frames"] == 18
    kept = tmp_path / "study" / f"{ENCODER}-frozen-encoder-stamp-seed0" / "cell.json"
    older = json.loads(kept.read_text())
    del older["config"]["class_dropout"]  # a key that has come since then has its default
    kept.write_text(json.dumps(older))
    assert main(options(tiny_data, tmp_path / "study")) == 0
    png = (tmp_path / "study" / "study.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    capsys.readouterr()
    assert main([*options(tiny_data, tmp_path / "study"), "--batch", "8"]) == 1
    assert "was trained with other settings; choose another --output" in capsys.readouterr().err


def test_a_stop_ends_the_study_and_not_only_the_cell(
    stamped: PreparedData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_module, "train", lambda *arguments: False)
    with pytest.raises(KeyboardInterrupt):
        study({"stamp": stamped}, tmp_path / "study", SMALL)
    assert not list(tmp_path.rglob("cell.json"))


def test_encoders_without_weights_are_skipped_with_the_reason(
    stamped: PreparedData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_module, "_cell", lambda *arguments: {"scores": {"mae": 1.0, "abs_rel": 1.0}})
    missing = tmp_path / "missing.pth"
    given = replace(SMALL, encoders=(f"resnet18={missing}", f"{ENCODER}=none"))
    results = study({"stamp": stamped}, tmp_path / "study", given)
    assert list(results.skipped) == ["resnet18"]
    assert "missing.pth" in results.skipped["resnet18"]
    assert len(results.cells) == 3
    with pytest.raises(TrainingError, match=r"no encoder can be had: .*missing\.pth"):
        study({"stamp": stamped}, tmp_path / "study", replace(given, encoders=given.encoders[:1]))
    with pytest.raises(TrainingError, match="timm has no encoder 'resnet0'"):
        study({"stamp": stamped}, tmp_path / "study", replace(given, encoders=("resnet0",)))


def test_data_that_is_not_what_it_is_taken_for_is_refused(
    tiny_data: Path, stamped: PreparedData, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="is not paired by position; run python -m training prepare --pairing"):
        study({"stamp": stamped, "position": stamped}, tmp_path / "study", SMALL)
    settings = PrepareSettings(32, 64, 0, pairing="position")
    other, _, _ = prepare([tiny_data.parent / "scans"], tmp_path / "position", settings, jobs=1)
    swapped = {**other.splits, "car/00001": "train", "none/00002": "train"}
    with pytest.raises(TrainingError, match=r"has other training scans than .*; copy its splits\.json there"):
        study({"stamp": stamped, "position": replace(other, splits=swapped)}, tmp_path / "study", SMALL)
    with pytest.raises(TrainingError, match="has no test scan"):
        study({"stamp": replace(stamped, splits=dict.fromkeys(stamped.splits, "train"))}, tmp_path / "study", SMALL)
    assert not (tmp_path / "study").exists()


def test_seeds_are_averaged_and_their_spread_is_shown() -> None:
    cells = [
        {"table": "recipe", "row": "1 / mask", "varied": {}, "scores": {"mae": mae, "abs_rel": 0.2, "delta1": 0.5}}
        for mae in (0.4, 0.6)
    ]
    row = rows_of(cells, "recipe")[0]
    assert (row["mae"], row["low"], row["high"], row["seeds"]) == (0.5, 0.4, 0.6, 2)
    head = {
        "training": {"frames": 10, "scans": 2},
        "test": {"frames": 4, "scans": 1},
        "size": [96, 128],
        "steps": 3,
        "batch": 16,
        "seeds": 2,
        "wrong_pairs": {"stamp": 0, "position": 3},
        "machine": "2 cores",
        "best_constant": {"constant_m": 1.5, "mae": 0.7, "abs_rel": 0.3, "delta1": 0.4},
    }
    text = as_markdown(study_module.Results(head, cells, {"resnet50": "no weights"}))
    assert "| 1. mask | 0.500 m (0.400 to 0.600) | 0.200 | 0.500 |" in text
    assert "| best constant depth, 1.50 m | 0.700 m | 0.300 | 0.400 |" in text
    assert "Pairs of different moments: 0 where paired by stamp, 3 where paired by position." in text
    assert "Skipped: resnet50: no weights" in text
