"""Archives from elsewhere: what is not a scan, or would do harm, is refused from its directory alone."""

import io
import zipfile
from pathlib import Path

import pytest

from bench.harness.scan_files import scan_members, write_zip, zip_bytes
from redwood_depth.errors import ScanError
from training.data import scan_archive
from training.data.scan_archive import check_scan_archive


def test_a_scan_passes_with_and_without_a_top_folder(tmp_path: Path) -> None:
    check_scan_archive(write_zip(tmp_path / "a.zip", scan_members()))
    check_scan_archive(write_zip(tmp_path / "b.zip", {f"00001/{k}": v for k, v in scan_members().items()}))


@pytest.mark.parametrize("name", ["../x.jpg", "/etc/x", "rgb/../../x", "C:/x", "rgb\\..\\x"])
def test_paths_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScanError, match="leads out"):
        check_scan_archive(write_zip(tmp_path / "a.zip", scan_members() | {name: b"x"}))


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("rgb/link.jpg")
    link.external_attr = 0o120777 << 16
    path = write_zip(tmp_path / "a.zip", scan_members())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ScanError, match="is a link"):
        check_scan_archive(path)


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rgb/0000001-000000000000.jpg", bytes(5 << 20))
    (tmp_path / "deflated.zip").write_bytes(buffer.getvalue())
    with pytest.raises(ScanError, match="zip bomb"):
        check_scan_archive(tmp_path / "deflated.zip")
    scan = write_zip(tmp_path / "many.zip", scan_members())
    monkeypatch.setattr(scan_archive, "MAX_MEMBERS", 5)
    with pytest.raises(ScanError, match="too many"):
        check_scan_archive(scan)


def test_a_member_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    data = bytearray(zip_bytes({"rgb/0000001-000000000000.jpg": b"x" * 100}))
    at = data.index(b"PK\x01\x02") + 24  # the directory's idea of the unpacked size
    data[at : at + 4] = (200 << 20).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(ScanError, match="claims 200 MB"):
        check_scan_archive(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a zip"),
        (b"<html>busy</html>", "not a zip"),
        (zip_bytes(scan_members())[:-30], "not a zip"),
        (zip_bytes({"readme.txt": b""}), "not a Redwood scan"),
        (zip_bytes({k: v for k, v in scan_members().items() if "rgb" in k}), "no depth/"),
    ],
)
def test_what_is_no_scan_says_why(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(ScanError, match=message):
        check_scan_archive(tmp_path / "a.zip")
