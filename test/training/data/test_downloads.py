"""Downloads from a server on the loopback that fails, stalls, breaks off and lies about sizes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from redwood_server import Site, serve

from bench.harness.scan_files import scan_members, zip_bytes
from training.__main__ import main
from training.data.downloads import DownloadRequest, DownloadResult, download
from training.data.redwood_index import INDEX_FILES, RedwoodIndex
from training.data.transfer import TransferSettings
from training.errors import DownloadError

CARS = [f"{i:05d}" for i in range(1, 7)]
FAST = TransferSettings(timeout_s=0.3, attempts=3, pause_s=0.01)
ZIP = zip_bytes(scan_members(8))


@pytest.fixture
def site() -> Iterator[Site]:
    index = {"car": CARS, "trash container": ["00100"], "toy/statuette/decor": ["00200"], "ghost": ["09999"]}
    files = {
        "/index/categories.json": json.dumps(index).encode(),
        "/index/rgbds.json": json.dumps([*CARS, "00100", "00200"]).encode(),
    }
    files |= {f"/rgbd/{scan}.zip": ZIP for scan in [*CARS, "00100", "00200"]}
    with serve(Site(files)) as running:
        yield running


def fetch(
    site: Site,
    root: Path,
    *,
    classes: tuple[str, ...] = ("trash container",),
    count: int = 1,
    transfer: TransferSettings = FAST,
    connections: int = 4,
) -> DownloadResult:
    urls = {"index_url": f"{site.url}/index", "scans_url": f"{site.url}/rgbd"}
    request = DownloadRequest(classes, count, root, **urls, transfer=transfer, connections=connections)
    return download(request, lambda plan: None, lambda received: None)


def command(site: Site, root: Path, *more: str) -> list[str]:
    urls = ["--index-url", f"{site.url}/index", "--scans-url", f"{site.url}/rgbd"]
    return ["download", "--output", str(root), *urls, *(more or ("--classes", "car", "--scans-per-class", "6"))]


BIN = "/rgbd/00100.zip"


def test_scans_of_several_classes_arrive_whole_under_their_class(site: Site, tmp_path: Path) -> None:
    result = fetch(site, tmp_path, classes=("car", "trash container", "toy/statuette/decor"), count=2)
    assert len(result.fetched) == 4
    assert not result.bad
    assert not result.failed
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {name.split("/")[0] for name in found} == {"car", "trash container", "toy_statuette_decor"}
    assert len(found) == 4
    assert all((tmp_path / name).read_bytes() == ZIP for name in found)


def test_a_larger_number_only_adds_scans_and_what_is_here_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    first = set(fetch(site, tmp_path, classes=("car",), count=2).fetched)
    more = set(fetch(site, tmp_path, classes=("car",), count=5).fetched)
    assert len(first) == 2
    assert len(more) == 3
    assert not first & more


@pytest.mark.parametrize("faults", [["503", "429"], ["truncate"], ["claims more"], ["stall"], ["stall", "500"]])
def test_trouble_that_passes_is_overcome(site: Site, tmp_path: Path, faults: list[str]) -> None:
    site.faults[BIN] = list(faults)
    result = fetch(site, tmp_path)
    assert result.fetched == [tmp_path / "trash container" / "00100.zip"]
    assert result.fetched[0].read_bytes() == ZIP
    assert sorted(path.name for path in result.fetched[0].parent.iterdir()) == ["00100.zip"]


def test_the_index_too_is_asked_for_again(site: Site, tmp_path: Path) -> None:
    site.faults["/index/categories.json"] = ["503", "truncate"]
    assert fetch(site, tmp_path).fetched


def test_a_broken_transfer_goes_on_where_it_was(site: Site, tmp_path: Path) -> None:
    site.faults[BIN] = ["truncate", "truncate", "truncate", "truncate", "truncate"]  # more than the attempts allowed
    assert fetch(site, tmp_path).fetched
    starts = [int(asked[6:-1]) if asked else 0 for asked in site.gets(BIN)]
    assert starts == sorted(set(starts)), "each attempt starts where the one before it ended"
    assert len(starts) == 6


@pytest.mark.parametrize("missing", ["ranges", "etags", "head"])
def test_a_server_without_some_feature_is_enough(site: Site, tmp_path: Path, missing: str) -> None:
    setattr(site, missing, False)
    site.faults[BIN] = ["truncate"]
    assert fetch(site, tmp_path).fetched[0].read_bytes() == ZIP


def test_a_server_that_forgets_ranges_and_always_breaks_off_is_given_up(site: Site, tmp_path: Path) -> None:
    site.ranges = False
    site.always[BIN] = "truncate"
    result = fetch(site, tmp_path)
    assert "gave up after 3 attempts" in next(iter(result.failed.values()))


def test_another_range_than_asked_for_never_gets_into_the_file(site: Site, tmp_path: Path) -> None:
    site.faults[BIN] = ["truncate", "wrong range"]
    assert fetch(site, tmp_path).fetched[0].read_bytes() == ZIP


@pytest.mark.parametrize("etags", [True, False])
def test_a_file_that_changes_meanwhile_is_not_mixed(site: Site, tmp_path: Path, etags: bool) -> None:
    site.etags = etags
    break_off_for_good(site)
    assert fetch(site, tmp_path).failed
    site.always.clear()
    site.files[BIN] = other = zip_bytes(scan_members(9)) if not etags else with_another_pixel(ZIP)
    assert fetch(site, tmp_path).fetched[0].read_bytes() == other


def with_another_pixel(archive: bytes) -> bytes:
    """The same size, another picture: only the ETag tells."""
    at = archive.index(b"\xff\xd8") + 300
    return archive[:at] + bytes([archive[at] ^ 1]) + archive[at + 1 :]


def test_scans_that_wait_for_their_turn_do_not_count_as_stalled(site: Site, tmp_path: Path) -> None:
    site.always |= {f"/rgbd/{scan}.zip": "slow" for scan in CARS}
    patient = TransferSettings(timeout_s=0.3, attempts=1, pause_s=0.01)
    assert len(fetch(site, tmp_path, classes=("car",), count=3, transfer=patient, connections=1).fetched) == 3


def test_a_stalling_server_is_left_and_the_part_stays_for_the_next_run(site: Site, tmp_path: Path) -> None:
    break_off_for_good(site)
    result = fetch(site, tmp_path)
    assert "nothing for 0.3 s" in next(iter(result.failed.values()))
    part = tmp_path / "trash container" / "00100.zip.part"
    assert 0 < part.stat().st_size < len(ZIP)
    size = part.stat().st_size
    site.always.clear()
    assert fetch(site, tmp_path).fetched
    assert site.gets(BIN)[-1] == f"bytes={size}-"


def test_one_scan_that_is_not_there_does_not_stop_the_others(site: Site, tmp_path: Path) -> None:
    del site.files["/rgbd/00003.zip"]
    result = fetch(site, tmp_path, classes=("car",), count=6)
    assert len(result.fetched) == 5
    assert "404" in result.failed[tmp_path / "car" / "00003.zip"]
    assert len(site.gets("/rgbd/00003.zip")) == 1, "404 is not asked for again"


def test_a_server_that_says_less_than_it_has_gives_a_bad_archive_and_it_is_fetched_again(
    site: Site, tmp_path: Path
) -> None:
    site.faults[BIN] = ["claims less"]
    result = fetch(site, tmp_path)
    assert "not a zip" in next(iter(result.bad.values()))
    assert fetch(site, tmp_path).fetched
    assert [path.name for path in (tmp_path / "trash container").iterdir()] == ["00100.zip"]


def test_a_bad_archive_is_set_aside_once_and_not_fetched_again(site: Site, tmp_path: Path) -> None:
    site.files[BIN] = zip_bytes({"../../evil.jpg": b"x", **scan_members(2)})
    assert "leads out of its folder" in next(iter(fetch(site, tmp_path).bad.values()))
    assert [path.name for path in (tmp_path / "trash container").iterdir()] == ["00100.zip.bad"]
    assert "as before" in next(iter(fetch(site, tmp_path).bad.values()))
    assert len(site.gets(BIN)) == 1
    assert not (tmp_path.parent / "evil.jpg").exists()


@pytest.mark.parametrize(
    ("wanted", "line"),
    [("trash bin", "closest: trash container"), ("trash_container", "closest: trash container"), ("cars", "car")],
)
def test_an_unknown_class_gets_the_closest_names(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], wanted: str, line: str
) -> None:
    assert main(command(site, tmp_path, "--classes", wanted, "--scans-per-class", "1")) == 1
    error = capsys.readouterr().err
    assert f'no class "{wanted}"' in error
    assert line in error
    assert error.count("\n") == 1


def test_scans_without_depth_are_not_asked_for(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match='no scan of class "ghost" has depth'):
        fetch(site, tmp_path, classes=("ghost",))


@pytest.mark.parametrize("index", [b"<html>", b"[]", b'{"car": 3}', b'{"car": [["x"]]}'])
def test_an_index_of_another_kind_is_one_line(site: Site, tmp_path: Path, index: bytes) -> None:
    site.files["/index/categories.json"] = index
    with pytest.raises(DownloadError, match="not Redwood's"):
        fetch(site, tmp_path)


def test_nothing_starts_without_room(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 1000))
    with pytest.raises(DownloadError, match=r"0\.0 GB are to come, .* free"):
        fetch(site, tmp_path)
    assert not site.gets(BIN)


def test_the_total_comes_first_and_the_exit_code_tells(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(site, tmp_path)) == 0
    output = capsys.readouterr()
    assert "car: 6 of 6 scans" in output.err
    assert f"6 scans, {6 * len(ZIP) / 1e6:.1f} MB to come" in output.err
    assert "6 fetched, 0 were here, 0 set aside, 0 failed" in output.out
    (tmp_path / "car" / "00002.zip").unlink()
    site.files["/rgbd/00002.zip"] = b"not a zip"
    assert main(command(site, tmp_path)) == 1
    output = capsys.readouterr()
    assert "0 fetched, 5 were here, 1 set aside" in output.out
    assert "1 of 6 scans are missing" in output.err


def test_an_unreachable_server_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = ["--index-url", "http://127.0.0.1:9", "--attempts", "1"]
    assert main(["download", "--classes", "car", "--scans-per-class", "1", "--output", str(tmp_path), *nowhere]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stop_in_the_middle_leaves_parts_that_the_next_run_continues(
    site: Site, tmp_path: Path, how: signal.Signals
) -> None:
    for scan in CARS[:3]:
        site.always[f"/rgbd/{scan}.zip"] = "stall"
    process = subprocess.Popen(
        [sys.executable, "-m", "training", *command(site, tmp_path)],
        cwd=Path(__file__).parents[3],
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: len(list(tmp_path.glob("car/*.zip"))) == 3 and len(list(tmp_path.glob("car/*.part"))) == 3)
    os.kill(process.pid, how)
    _, error = process.communicate(timeout=10)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "Traceback" not in error
        assert all(part.stat().st_size for part in tmp_path.glob("car/*.part"))
    site.always.clear()
    assert len(fetch(site, tmp_path, classes=("car",), count=6).fetched) == 3
    assert sorted(path.name for path in (tmp_path / "car").iterdir()) == [f"{scan}.zip" for scan in CARS]
    assert all(path.read_bytes() == ZIP for path in (tmp_path / "car").iterdir())


def break_off_for_good(site: Site) -> None:
    """Half of the file, then nothing more, however often it is asked for."""
    site.faults[BIN] = ["stall"]
    site.always[BIN] = "silence"


def wait_until(condition, seconds: float = 15.0) -> None:
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.02)


def test_a_full_disk_stops_everything_with_one_line_and_keeps_what_is_here(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.data.partial_file import PartialFile

    def full(self: PartialFile, file: object, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PartialFile, "write", full)
    with pytest.raises(DownloadError, match="No space left on device; run again"):
        fetch(site, tmp_path, classes=("car",), count=6)
    monkeypatch.undo()
    assert len(fetch(site, tmp_path, classes=("car",), count=6).fetched) == 6


def test_redwoods_own_index_is_understood(shared_data: Path) -> None:
    index = RedwoodIndex.parse(*((shared_data / "redwood_index" / name).read_bytes() for name in INDEX_FILES))
    counts = {name: len(index.choose(name, 10_000, 0)) for name in ("car", "trash container", "bicycle")}
    assert counts == {"car": 1132, "trash container": 263, "bicycle": 109}
    assert len(index.scans) == 320
    with pytest.raises(DownloadError, match=r"closest: .*motorcycle"):
        index.choose("motorcicle", 1, 0)
