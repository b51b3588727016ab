"""Is a zip from elsewhere a Redwood scan that can be read safely? Looked at from its directory, nothing is unpacked."""

import stat
import zipfile
from pathlib import Path, PurePosixPath

from redwood_depth.errors import ScanError
from redwood_depth.scans.redwood import MAX_MEMBER_BYTES, RedwoodScan

MAX_MEMBERS = 200_000
MAX_RATIO = 20  # unpacked to packed, of the whole; JPEG and PNG do not shrink
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def check_scan_archive(path: Path) -> None:
    """Check that a zip has a directory, stays inside its folder, is not a bomb, and holds a scan.

    Raises:
        ScanError: what is wrong with it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise ScanError(f"no zip that can be read: {error}") from error
    if len(members) > MAX_MEMBERS:
        raise ScanError(f"{len(members)} files are too many for a scan")
    for member in members:
        _check_member(member)
    _check_sizes(members, path.stat().st_size)
    with RedwoodScan.open(path):
        pass  # it has color and depth, and their stamps fit


def _check_member(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename
    if "\\" in name or ":" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise ScanError(f"{name!r} leads out of its folder")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ScanError(f"{name!r} is a link")
    if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
        raise ScanError(f"{name!r} is encrypted or packed in an uncommon way")
    if member.file_size > MAX_MEMBER_BYTES:
        raise ScanError(f"{name!r} claims {member.file_size >> 20} MB, a scan's files have at most 64")


def _check_sizes(members: list[zipfile.ZipInfo], archive_bytes: int) -> None:
    packed, unpacked = sum(m.compress_size for m in members), sum(m.file_size for m in members)
    if packed > archive_bytes:
        raise ScanError("its files overlap: a zip bomb")
    if unpacked > MAX_RATIO * archive_bytes:
        raise ScanError(f"{archive_bytes} bytes unpack to {unpacked}: a zip bomb")
