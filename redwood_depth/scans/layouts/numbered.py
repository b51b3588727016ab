"""Folders of numbered frames: Open3D's, ScanNet's, 7-Scenes', SUN RGB-D's, and anybody's color/ and depth/."""

import re
from pathlib import Path

from redwood_depth.camera import Intrinsics
from redwood_depth.errors import ImageError, ScanError
from redwood_depth.images.compressed import image_size
from redwood_depth.scans.layouts.layout_cameras import matrix_file, open3d_json
from redwood_depth.scans.layouts.listed import DepthValues, ListedFrame, ListedSource, by_number, file_bytes, pictures

_COLOR_FOLDERS = ("color", "rgb", "image", "images", "colour")
_OPEN3D_FILES = ("camera_intrinsic.json", "intrinsic.json", "intrinsics.json")
_SCANNET_FILES = ("intrinsic/intrinsic_color.txt", "intrinsic_color.txt", "intrinsics_color.txt")
_SCENE = re.compile(r"scene\d{4}_\d{2}")
_NO_CALIBRATION = "is not corrected for the focal length: it holds no calibration"
_BY_NUMBER = "file names hold numbers, not stamps: images of the same number are taken for one frame"


def _folders(path: Path) -> tuple[Path, Path] | None:
    """Where color and depth lie."""
    color = next((path / name for name in _COLOR_FOLDERS if (path / name).is_dir()), None)
    return (color, path / "depth") if color and (path / "depth").is_dir() else None


def _first_file(path: Path, names: tuple[str, ...]) -> Path | None:
    return next((path / name for name in names if (path / name).is_file()), None)


def is_open3d(path: Path) -> bool:
    """Open3D's reconstruction system: color/ and depth/ beside camera_intrinsic.json."""
    return _folders(path) is not None and _first_file(path, _OPEN3D_FILES) is not None


def open_open3d(path: Path) -> ListedSource:
    """Depth in millimeters, registered by its recorders. Raises ScanError."""
    file = _first_file(path, _OPEN3D_FILES) or path
    return _numbered(path, open3d_json(file), calibration=file.name)


def is_scannet(path: Path) -> bool:
    """ScanNet's export of a .sens file: color/ and depth/ in a folder sceneNNNN_NN, or beside intrinsic/."""
    named = _SCENE.search(path.resolve().name) or _first_file(path, _SCANNET_FILES)
    return bool(named) and (path / "color").is_dir() and (path / "depth").is_dir()


def open_scannet(path: Path) -> ListedSource:
    """Depth in millimeters, of 640x480, registered to color of 1296x968. Raises ScanError."""
    file = _first_file(path, _SCANNET_FILES)
    if file is None:
        return _numbered(path, None, warnings=[f"ScanNet's depth {_NO_CALIBRATION} (intrinsic/intrinsic_color.txt)"])
    colors = pictures(path / "color")
    return _numbered(path, matrix_file(file, _size(colors[0]) if colors else (1296, 968)), calibration=file.name)


def is_seven_scenes(path: Path) -> bool:
    """7-Scenes: frame-NNNNNN.color.png and frame-NNNNNN.depth.png in one folder."""
    return path.is_dir() and next(path.glob("frame-*.depth.png"), None) is not None


def open_seven_scenes(path: Path) -> ListedSource:
    """Depth in millimeters, 65535 none, as the depth camera saw it. Raises ScanError."""
    colors, depths = pictures(path, ".color"), pictures(path, ".depth")
    frames, skipped = by_number(colors, depths)
    words = (
        "7-Scenes' depth is the depth camera's own view (f = 585), not registered to color (about 525): its edges "
        "lie some pixels beside the color image's, and scores suffer"
    )
    camera = Intrinsics(640, 480, 525.0, 525.0, 320.0, 240.0)
    values = DepthValues(invalid=65535)
    return ListedSource(path, frames, values, camera, skipped=skipped, warnings=[words], calibration="Kinect's nominal")


def is_sun_rgbd(path: Path) -> bool:
    """SUN RGB-D: a folder a view with image/, depth/ and intrinsics.txt, or a folder of such folders."""
    return bool(_sun_views(path))


def open_sun_rgbd(path: Path) -> ListedSource:
    """Depth in millimeters, its bits rotated by three. Raises ScanError."""
    frames, cameras = [], []
    for index, view in enumerate(_sun_views(path)):
        color, depth = pictures(view / "image"), pictures(view / "depth")
        if color and depth:
            frames.append(ListedFrame(color[0], depth[0], index * 1_000_000_000, index * 1_000_000_000))
            cameras.append(matrix_file(view / "intrinsics.txt", _size(color[0])))
    alike = len(set(cameras)) == 1
    warnings = [] if alike or not frames else ["views of several cameras: depth is not corrected for the focal length"]
    camera = cameras[0] if alike else None
    values = DepthValues(bits_rotated=True)
    return ListedSource(path, frames, values, camera, warnings=warnings, calibration="intrinsics.txt")


def _sun_views(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    views = [path] if (path / "intrinsics.txt").is_file() else [file.parent for file in path.glob("*/intrinsics.txt")]
    return sorted(view for view in views if (view / "image").is_dir() and (view / "depth").is_dir())


def is_numbered(path: Path) -> bool:
    """color/ (or rgb/, image/) and depth/ with numbered files of any device."""
    folders = _folders(path)
    return folders is not None and bool(pictures(folders[0])) and bool(pictures(folders[1]))


def open_numbered(path: Path) -> ListedSource:
    """Depth taken as millimeters. Raises ScanError where no number is in both folders."""
    matrix, folders = path / "camera_matrix.csv", _folders(path)
    if matrix.is_file() and folders:  # Stray Scanner's, its video taken apart
        return _numbered(path, matrix_file(matrix, _size(pictures(folders[0])[0])), calibration=matrix.name)
    words = f"depth {_NO_CALIBRATION} (Open3D's camera_intrinsic.json is understood); 16-bit values are taken as mm"
    return _numbered(path, None, warnings=[_BY_NUMBER, words])


def _numbered(
    path: Path, camera: Intrinsics | None, *, calibration: str | None = None, warnings: list[str] | None = None
) -> ListedSource:
    folders = _folders(path)
    if folders is None:
        raise ScanError(f"{path} has no color/ and depth/")
    frames, skipped = by_number(pictures(folders[0]), pictures(folders[1]))
    if not frames:
        raise ScanError(f"{path}: no number is in the names of both a color and a depth image")
    return ListedSource(
        path, frames, DepthValues(), camera, skipped=skipped, warnings=warnings or [], calibration=calibration
    )


def _size(file: Path) -> tuple[int, int]:
    """(width, height) of an image file."""
    try:
        height, width = image_size(file_bytes(file))
    except (OSError, ImageError) as error:
        raise ScanError(f"cannot read {file}: {error}") from error
    return width, height
