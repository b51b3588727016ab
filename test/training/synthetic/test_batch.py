"""synthesize: the same scans whatever the jobs, whole or not there, resumed after a kill, readable as Redwood's."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("mitsuba", reason="needs the renderer of training.synthetic")

from redwood_depth.errors import ScanError
from redwood_depth.scans.redwood import RedwoodScan, decode_color, decode_depth
from training.__main__ import main
from training.synthetic.batch import ScanPlan, label_of, synthesize

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.timeout(600)  # on a busy machine; half a minute on an idle one
OPTIONS = ["--frames", "3", "--size", "64x48", "--samples", "2"]


def plans(count: int, *, seed: int = 5, frames: int = 3) -> list[ScanPlan]:
    return [ScanPlan(index, label_of(index, 0.25), seed, frames, 64, 48, 2) for index in range(count)]


def contents(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("serial")
    calls: list[tuple[int, int]] = []
    summary = synthesize(plans(4), root, 1, lambda scans, frames: calls.append((scans, frames)))
    assert summary.scans == {"car": 1, "trash container": 1, "bicycle": 1, "none": 1}
    assert summary.rendered == 4
    assert calls[0] == (0, 0)
    assert calls[-1] == (4, 12)
    assert calls == sorted(calls)
    return root


def test_classes_come_in_turn_with_a_share_of_none() -> None:
    assert [label_of(index, 0.25) for index in range(8)] == ["car", "trash container", "bicycle", "none"] * 2
    assert {label_of(index, 0.0) for index in range(6)} == {"car", "trash container", "bicycle"}
    assert {label_of(index, 1.0) for index in range(6)} == {"none"}
    labels = [label_of(index, 0.1) for index in range(300)]
    assert labels.count("none") == 30
    assert {labels.count(name) for name in ("car", "trash container", "bicycle")} == {90}


def test_several_jobs_make_the_very_same_scans_and_finished_ones_are_kept(serial: Path, tmp_path: Path) -> None:
    first, *others = plans(4)
    synthesize([first], tmp_path, 1)
    written = (first.folder(tmp_path) / "info.json").stat().st_mtime_ns
    (others[0].partial(tmp_path) / "rgb").mkdir(parents=True)  # what a killed run left
    summary = synthesize([first, *others], tmp_path, 2)
    assert summary.rendered == 3
    assert (first.folder(tmp_path) / "info.json").stat().st_mtime_ns == written
    assert contents(tmp_path) == contents(serial)


def test_another_seed_makes_other_scans(serial: Path, tmp_path: Path) -> None:
    other = plans(4, seed=6)[3]
    synthesize([other], tmp_path, 1)
    assert not set(contents(tmp_path).values()) & set(contents(serial).values())


def test_scans_are_read_like_redwoods(serial: Path) -> None:
    for plan in plans(4):
        with RedwoodScan.open(plan.folder(serial)) as scan:
            assert (scan.intrinsics.width, scan.intrinsics.height) == (64, 48)
            assert scan.intrinsics.fx == pytest.approx(525 / 640 * 64, rel=0.09)
            assert len(scan.frames) >= 2
            for frame in scan.frames:
                assert decode_color(scan.color_bytes(frame)).shape == (48, 64, 3)
                depth = decode_depth(scan.depth_bytes(frame))
                assert depth.shape == (48, 64)
                assert ((depth == 0) | (depth >= 400) & (depth <= 8000)).all()
                assert (depth > 0).mean() > 0.2
                assert 0 < frame.depth_stamp_us - frame.color_stamp_us < 20_000
        info = json.loads((plan.folder(serial) / "info.json").read_text())
        assert info["class"] == plan.label
        assert info["kind"] == "synthetic"
        assert set(info["labels"].values()) <= {"car", "trash container", "bicycle"}
        assert plan.label != "none" or not info["labels"]


def test_pictures_are_neither_black_nor_blown_out(serial: Path) -> None:
    for plan in plans(4):
        with RedwoodScan.open(plan.folder(serial)) as scan:
            image = decode_color(scan.color_bytes(scan.frames[0]))
        assert 40 < image.mean() < 200
        assert image.std() > 10
        assert (image.min(axis=-1) > 250).mean() < 0.4


def test_scans_of_other_settings_are_not_mistaken_for_finished_ones(serial: Path) -> None:
    with pytest.raises(ScanError, match=r"frames 3.*another --output"):
        synthesize(plans(4, frames=2), serial, 1)


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    def second(scans: int, frames: int) -> None:
        with pytest.raises(ScanError, match="another run"):
            synthesize(plans(1), tmp_path, 1)

    synthesize([], tmp_path, 1, second)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_whole_scans_only_and_is_taken_up_again(
    how: signal.Signals, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "training", "synthesize", "--output", str(tmp_path), "--scans", "2", "--jobs", "1"]
    command += ["--none-share", "1"]
    run = subprocess.Popen([*command, *OPTIONS], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("none/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    run.send_signal(how)
    _, errors = run.communicate(timeout=10)
    assert run.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in errors
    deadline = time.monotonic() + 5
    while any(_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in workers)
    if how == signal.SIGINT:
        assert not list(tmp_path.glob(".*"))
    assert all((scan / "info.json").is_file() for scan in tmp_path.glob("[!.]*/*"))
    before = contents(tmp_path / "none" / "s000-00000")
    assert main([*command[3:], *OPTIONS]) == 0
    assert contents(tmp_path / "none" / "s000-00000") == before
    assert len(list(tmp_path.glob("[!.]*/*/info.json"))) == 2
    assert not list(tmp_path.glob(".*"))


def _alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("wrong", [["--scans", "0"], ["--size", "640"], ["--none-share", "2"], ["--frames", "x"]])
def test_wrong_arguments_are_one_line(wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(["synthesize", "--output", str(tmp_path), "--scans", "1", *wrong])
    assert error.value.code == 2
    assert "error: argument" in capsys.readouterr().err.strip().splitlines()[-1]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["synthesize", "--scans", "1", "--output", str(tmp_path / "file"), *OPTIONS]) == 1
    assert capsys.readouterr().err.strip().count("\n") <= 1


def test_the_command_needs_no_torch() -> None:
    check = "import sys; from training.commands import synthesize; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_the_streams_lose_frames_of_their_own() -> None:
    from training.synthetic.scenario import random_scenario

    color, depth = random_scenario("none", (1,), frames=200, width=64, height=48).recording.stamps()
    assert 150 < len(color) < 200
    assert 150 < len(depth) < 200
    assert len(color) != len(depth)
