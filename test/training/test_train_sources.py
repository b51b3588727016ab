"""What a bundle says of its training data, and which scans teach "none of these"."""

from pathlib import Path

from training.train import _shows_object, _sources


def test_scans_of_a_tree_are_named_by_class_and_count(tmp_path: Path) -> None:
    paths = [tmp_path / "living_room"]
    paths += [tmp_path / "rendered" / name / str(i) for name in ("car", "none") for i in range(3)]
    assert _sources(paths) == ["living_room", "rendered/car (3 scans)", "rendered/none (3 scans)"]
    assert [_shows_object(path) for path in paths] == [False, True, True, True, False, False, False]
