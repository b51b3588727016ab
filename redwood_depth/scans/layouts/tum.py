"""TUM RGB-D and ICL-NUIM: rgb/ and depth/ with stamps for names or lists of them, 5000 a meter.

J. Sturm et al., "A Benchmark for the Evaluation of RGB-D SLAM Systems", IROS 2012; A. Handa et al., "A Benchmark for
RGB-D Visual Odometry, 3D Reconstruction and SLAM", ICRA 2014.
"""

import re
from pathlib import Path

from redwood_depth.camera import Intrinsics
from redwood_depth.errors import ScanError
from redwood_depth.rgbd import MAX_GAP_NS, Skipped, pair_stamps
from redwood_depth.scans.layouts.listed import NUMBERED_RATE_HZ, DepthValues, ListedFrame, ListedSource, pictures

_STAMP = re.compile(r"\d{9,10}\.\d{1,9}")
_VALUES = DepthValues(per_m=5000.0)
_LISTS = ("rgb.txt", "depth.txt", "associations.txt", "association.txt", "associate.txt", "associated.txt")
_FREIBURG = {  # the benchmark's calibrations; for any other it recommends the last
    "1": Intrinsics(640, 480, 517.3, 516.5, 318.6, 255.3),
    "2": Intrinsics(640, 480, 520.9, 521.0, 325.1, 249.7),
    "3": Intrinsics(640, 480, 535.4, 539.2, 320.1, 247.6),
    "": Intrinsics(640, 480, 525.0, 525.0, 319.5, 239.5),
}
# Published as fy = -480: its renderer's y points up. The images stand upright, so the length alone is taken.
_ICL = Intrinsics(640, 480, 481.2, 480.0, 319.5, 239.5)


def is_tum(path: Path) -> bool:
    """Whether `path` has rgb/ and depth/ and either a list of files or stamps in seconds for names."""
    if not ((path / "rgb").is_dir() and (path / "depth").is_dir()):
        return False
    listed = any((path / name).is_file() for name in _LISTS)
    return listed or any(_STAMP.fullmatch(file.stem) for file in pictures(path / "depth")[:1])


def open_tum(path: Path) -> ListedSource:
    """Raises ScanError where its lists name no pair."""
    associated = next((path / name for name in _LISTS[2:] if (path / name).is_file()), None)
    frames = _associated(associated) if associated else []
    skipped = Skipped()
    if not frames:
        colors, depths = (_stream(path, name) for name in ("rgb", "depth"))
        pairs = pair_stamps([at for at, _ in colors], [at for at, _ in depths], MAX_GAP_NS)
        frames = [ListedFrame(colors[i][1], depths[j][1], colors[i][0], depths[j][0]) for i, j in pairs]
        skipped = Skipped(len(colors) - len(pairs), len(depths) - len(pairs))
    if not frames:
        raise ScanError(f"{path}: none of its color images has a depth image within {MAX_GAP_NS / 1e6:g} ms")
    is_icl = bool(associated) and not _STAMP.fullmatch(frames[0].depth.stem)
    named = re.search(r"freiburg([123])", path.resolve().name)
    camera = _ICL if is_icl else _FREIBURG[named[1] if named else ""]
    return ListedSource(path, frames, _VALUES, camera, skipped=skipped, calibration="ICL-NUIM's" if is_icl else "TUM's")


def _associated(file: Path) -> list[ListedFrame]:
    """Lines of stamp, file, stamp, file; either may be the depth image."""
    frames = []
    for stamp, name, other_stamp, other in (words[:4] for words in _lines(file) if len(words) >= 4):
        first, second = (_ns(stamp), file.parent / name), (_ns(other_stamp), file.parent / other)
        (depth_ns, depth), (color_ns, color) = (first, second) if "depth" in name else (second, first)
        frames.append(ListedFrame(color, depth, color_ns, depth_ns))
    return frames


def _stream(path: Path, name: str) -> list[tuple[int, Path]]:
    """(stamp in ns, file) of a stream, ascending: as its list says, or as the files' own names do."""
    listed = path / f"{name}.txt"
    found = [(_ns(words[0]), path / words[1]) for words in _lines(listed) if len(words) >= 2]
    return sorted(found or [(_ns(file.stem), file) for file in pictures(path / name) if _STAMP.fullmatch(file.stem)])


def _lines(file: Path) -> list[list[str]]:
    if not file.is_file():
        return []
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise ScanError(f"cannot read {file}: {error}") from error
    return [line.replace(",", " ").split() for line in lines if line.strip() and not line.startswith("#")]


def _ns(stamp: str) -> int:
    """Of seconds, or of a frame's number where it has no fraction and is not a time of this century."""
    try:
        whole, _, fraction = stamp.partition(".")
        if not fraction and int(whole) < 100_000_000:
            return int(whole) * 1_000_000_000 // NUMBERED_RATE_HZ
        return int(whole) * 1_000_000_000 + int((fraction + "000000000")[:9])
    except ValueError as error:
        raise ScanError(f"{stamp!r} is not a time stamp in seconds") from error
