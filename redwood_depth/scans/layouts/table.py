"""The table of layouts: what is read, what is known of each, and what is only named with its remedy."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redwood_depth.errors import ScanError
from redwood_depth.rgbd import FrameSource
from redwood_depth.scans.layouts import numbered, tum
from redwood_depth.scans.layouts.listed import ListedSource
from redwood_depth.scans.redwood import has_redwood_names


@dataclass(frozen=True)
class Layout:
    """A layout that is read: how it is known, what depth is in, what stands for none, what it lacks."""

    name: str
    known_by: str
    unit: str
    invalid: str
    lacks: str
    fits: Callable[[Path], bool]
    open: Callable[[Path], ListedSource]


@dataclass(frozen=True)
class Foreign:
    """A recording that is not read: how it is known, and the way to make it one that is."""

    name: str
    known_by: str
    remedy: str
    fits: Callable[[Path], bool]


LAYOUTS = (  # the first that fits is taken
    Layout(
        "TUM RGB-D, ICL-NUIM",
        "rgb/ and depth/ with rgb.txt, depth.txt, associations.txt, or stamps in seconds for names",
        "5000 a meter",
        "0",
        "nothing; ICL's fy of -480 is its renderer's axis, the images stand upright",
        tum.is_tum,
        tum.open_tum,
    ),
    Layout(
        "Open3D, Azure Kinect's mkv reader",
        "color/ (or image/, rgb/) and depth/ with camera_intrinsic.json or intrinsic.json",
        "mm",
        "0",
        "stamps: paired by number",
        numbered.is_open3d,
        numbered.open_open3d,
    ),
    Layout(
        "ScanNet export",
        "color/ and depth/ with intrinsic/, or in sceneNNNN_NN",
        "mm",
        "0",
        "stamps: paired by number",
        numbered.is_scannet,
        numbered.open_scannet,
    ),
    Layout(
        "7-Scenes",
        "frame-NNNNNN.color.png and .depth.png",
        "mm",
        "0, 65535",
        "stamps, and depth registered to color: a warning",
        numbered.is_seven_scenes,
        numbered.open_seven_scenes,
    ),
    Layout(
        "SUN RGB-D",
        "image/, depth/ and intrinsics.txt in a folder a view",
        "mm, bits rotated by three",
        "0",
        "stamps: views have nothing to do with each other",
        numbered.is_sun_rgbd,
        numbered.open_sun_rgbd,
    ),
    Layout(
        "numbered",
        "color/ (or rgb/, image/) and depth/ with numbers for names; camera_matrix.csv is Stray Scanner's",
        "taken as mm",
        "0",
        "stamps, calibration: a warning",
        numbered.is_numbered,
        numbered.open_numbered,
    ),
)


def _ends(*suffixes: str) -> Callable[[Path], bool]:
    return lambda path: path.is_file() and path.suffix.lower() in suffixes


FOREIGN = (
    Foreign(
        "Azure Kinect or Orbbec recording",
        ".mkv",
        "take it apart with Open3D: python examples/python/reconstruction_system/sensors/azure_kinect_mkv_reader.py "
        "--input FILE.mkv --output FOLDER, then give FOLDER",
        _ends(".mkv"),
    ),
    Foreign(
        "ZED recording",
        ".svo, .svo2",
        "publish it with ros2 launch zed_wrapper zed_camera.launch.py camera_model:=MODEL svo_path:=FILE, record that "
        "with ros2 bag record, then give the bag",
        _ends(".svo", ".svo2"),
    ),
    Foreign(
        "Record3D recording",
        ".r3d, or a folder EXR_RGBD",
        "its depth is LZFSE or EXR: write each frame as color/NNNNNN.jpg and depth/NNNNNN.png (16-bit mm) with "
        "camera_intrinsic.json, Open3D's layout",
        lambda path: _ends(".r3d")(path) or (path / "EXR_RGBD").is_dir(),
    ),
    Foreign(
        "Stray Scanner recording",
        "rgb.mp4 beside depth/ and camera_matrix.csv",
        "take its video apart: mkdir rgb, then ffmpeg -noautorotate -i rgb.mp4 -start_number 0 rgb/%06d.png",
        lambda path: (path / "rgb.mp4").is_file() and (path / "depth").is_dir() and not (path / "rgb").is_dir(),
    ),
    Foreign(
        "ScanNet recording",
        ".sens",
        "export it with ScanNet's SensReader: python reader.py --filename FILE.sens --output_path FOLDER "
        "--export_depth_images --export_color_images --export_intrinsics, then give FOLDER",
        _ends(".sens"),
    ),
    Foreign(
        "NYU Depth V2 raw",
        "d-*.pgm and r-*.ppm",
        "its depth is the Kinect's disparity of another view, with bytes swapped: project it with the data set's "
        "toolbox (project_depth_map.m) and write rgb/ and depth/ as TUM's (5000 a meter)",
        lambda path: path.is_dir() and next(path.glob("d-*.pgm"), None) is not None,
    ),
    Foreign(
        "MATLAB file, as NYU Depth V2's labeled part",
        ".mat",
        "write its images as color/NNNNNN.png and its depths as depth/NNNNNN.png (16-bit mm), Open3D's layout",
        _ends(".mat"),
    ),
)


def is_layout(path: Path) -> bool:
    """Whether `path` is a folder in a layout of the table, and not a Redwood scan."""
    return path.is_dir() and not has_redwood_names(path) and any(layout.fits(path) for layout in LAYOUTS)


def open_layout(path: Path, registered: bool = False) -> FrameSource | None:
    """The frames of `path` in a layout of the table, None where none fits.

    `registered` says that depth is of the color image, whatever their sizes.

    Raises:
        ScanError: it fits and cannot be read, or is of a kind that is only named.
    """
    for foreign in FOREIGN:
        if foreign.fits(path):
            raise ScanError(f"{path} is a {foreign.name} ({foreign.known_by}), which is not read: {foreign.remedy}")
    layout = next((layout for layout in LAYOUTS if layout.fits(path)), None)
    if layout is None:
        return None
    source = layout.open(path)
    source.registered = registered
    return source
