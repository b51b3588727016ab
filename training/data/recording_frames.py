"""The frames of a recording that are prepared: of a Redwood scan, or of any other source of frames."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from redwood_depth.bags.bag_source import BagSource
from redwood_depth.camera import Intrinsics
from redwood_depth.errors import BagError, CameraError, RedwoodDepthError, ScanError
from redwood_depth.evaluation.recordings import open_recording
from redwood_depth.rgbd import RgbdFrame
from redwood_depth.scans.redwood import RedwoodScan, ScanFrame, decode_color, decode_depth

EVALUATION_ONLY = "evaluation only"  # how `use` in info.json begins where a license forbids training
_MOST_M = 65.535  # what 16 bits of millimeters hold
_SAME_CAMERA = 0.01  # relative


@dataclass(frozen=True)
class RawFrame:
    """A frame at its own sizes: color (H, W, 3) uint8 RGB, depth (H, W) uint16 mm, 0 = missing; stamps in us."""

    color: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.uint16]
    color_stamp_us: int
    depth_stamp_us: int


class RecordingFrames(Protocol):
    """A recording that is open; a context manager. What is counted is complete once `frames` was iterated.

    `sampled` is how many frames were chosen, `corrupt` has a line for each that cannot be used, `notes` what else a
    user must know; `intrinsics` is the camera of the frames.
    """

    sampled: int
    unpaired_color: int
    unpaired_depth: int
    evaluation_only: bool
    corrupt: list[str]

    @property
    def notes(self) -> list[str]: ...

    @property
    def intrinsics(self) -> Intrinsics: ...

    def frames(self) -> Iterator[RawFrame]:
        """The chosen frames that can be used, in order of time."""

    def __enter__(self) -> "RecordingFrames": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class ScanFrames:
    """Of a Redwood scan: only the chosen frames are read. `by_position` pairs as the paper does, for the study."""

    def __init__(
        self, path: Path, count: int, max_gap_us: int, by_position: bool, depth_unit_m: float | None = None
    ) -> None:
        """Raises ScanError where it is not a scan."""
        self._unit_mm = 1.0 if depth_unit_m is None else 1000.0 * depth_unit_m
        self._scan = scan = RedwoodScan.open(path, max_gap_us)
        paired = paired_by_position(scan) if by_position else scan.frames
        chosen = spread_in_time([frame.color_stamp_us for frame in paired], count)
        self._chosen = [paired[index] for index in chosen]
        self.sampled = len(chosen)
        self.unpaired_color, self.unpaired_depth = len(scan.colors) - len(paired), len(scan.depths) - len(paired)
        self.evaluation_only = str(scan.info.get("use", "")).startswith(EVALUATION_ONLY)
        self.corrupt: list[str] = []
        self.notes: list[str] = scan.warnings
        self.intrinsics: Intrinsics = scan.intrinsics

    def frames(self) -> Iterator[RawFrame]:
        """Color is decoded in full: JPEG's own half-size decoding saves 8 % of a frame's time, mostly spent on depth,
        and is off by 0.3 to 0.9 gray levels on average and by 35 at worst after the resize (quarter size: 1 to 2).
        """
        for frame in self._chosen:
            try:
                color = decode_color(self._scan.color_bytes(frame))
                depth = _in_millimeters(decode_depth(self._scan.depth_bytes(frame)), self._unit_mm)
                _check_view(self.intrinsics, color.shape, depth.shape)
            except RedwoodDepthError as error:
                self.corrupt.append(f"{frame.color}, {frame.depth}: {error}")
                continue
            yield RawFrame(color, depth, frame.color_stamp_us, frame.depth_stamp_us)

    def __enter__(self) -> "ScanFrames":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._scan.close()


class SourceFrames:
    """Of a bag, or whatever else evaluate_bag takes: read twice, first for the stamps of its frames."""

    evaluation_only = False

    def __init__(self, path: Path, count: int, depth_unit_m: float | None = None) -> None:
        """Raises BagError or ScanError where it cannot be read, or has no depth."""
        with open_recording(path) as source:
            if isinstance(source, BagSource):
                stamps = list(source.stamps_ns())
            else:
                stamps = [frame.color_stamp_ns for frame in source]
        order = sorted(set(stamps))
        self._chosen = {order[index] for index in spread_in_time(order, count)}
        self._source = open_recording(path, depth_unit_m=depth_unit_m)
        self._camera: Intrinsics | None = None
        self.sampled = len(self._chosen)
        self.unpaired_color = self.unpaired_depth = 0
        self.corrupt: list[str] = []

    @property
    def intrinsics(self) -> Intrinsics:
        if self._camera is None:
            raise BagError(f"{self._source.path} has no usable calibration: record camera_info with the images")
        return self._camera

    @property
    def notes(self) -> list[str]:
        return [*self._source.warnings, *([self._source.damage] if self._source.damage else [])]

    def frames(self) -> Iterator[RawFrame]:
        if isinstance(self._source, BagSource):
            self._source.only(self._chosen)
        for frame in self._source:
            if frame.color_stamp_ns not in self._chosen:
                continue
            try:
                self._check(frame)
            except RedwoodDepthError as error:
                self.corrupt.append(f"frame at {frame.color_stamp_ns / 1e9:.3f} s: {error}")
                continue
            stamps_us = frame.color_stamp_ns // 1000, frame.depth_stamp_ns // 1000
            yield RawFrame(frame.color.rgb(), _millimeters(frame.depth_m), *stamps_us)
        skipped = self._source.skipped
        self.unpaired_color, self.unpaired_depth = skipped.unpaired_color, skipped.unpaired_depth
        if skipped.corrupt:
            self.corrupt.append(
                f"{skipped.corrupt} images cannot be read, the first because: {skipped.corrupt_example}"
            )

    def _check(self, frame: RgbdFrame) -> None:
        """Whether a frame is of the camera of the first one."""
        if frame.intrinsics is None:
            raise BagError("it has no usable calibration")
        first = self._camera = self._camera or frame.intrinsics
        own = frame.intrinsics.scaled(first.height, first.width)
        if max(abs(own.fx / first.fx - 1), abs(own.fy / first.fy - 1)) > _SAME_CAMERA:
            raise BagError(f"its focal length is {own.fx:.1f} pixels, that of the first frame {first.fx:.1f}")
        _check_view(frame.intrinsics, frame.color.size, frame.depth_m.shape)

    def __enter__(self) -> "SourceFrames":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._source.__exit__(kind, error, traceback)


def paired_by_position(scan: RedwoodScan) -> list[ScanFrame]:
    """Pairs of the sorted listings, index by index, as the paper's code has it: wrong after the first lost frame."""
    return [
        ScanFrame(color, depth, color_us, depth_us)
        for (color_us, color), (depth_us, depth) in zip(scan.colors, scan.depths, strict=False)
    ]


def spread_in_time(stamps: Sequence[int], count: int) -> list[int]:
    """Indices of `count` different frames (0: all), as evenly spread in time as the ascending stamps allow.

    First and last are among them.
    """
    if not count or count >= len(stamps):
        return list(range(len(stamps)))
    times = np.array(stamps, np.float64)
    wanted = np.linspace(times[0], times[-1], count) if count > 1 else times[[0, -1]].mean(keepdims=True)
    chosen: list[int] = []
    for i, time in enumerate(wanted):
        first = chosen[-1] + 1 if chosen else 0
        last = len(times) - (count - i)  # so that enough are left for the rest
        chosen.append(first + int(np.abs(times[first : last + 1] - time).argmin()))
    return chosen


def _check_view(camera: Intrinsics, *shapes: tuple[int, ...]) -> None:
    """Raises ScanError where an image of that shape is not what the camera sees, whatever its resolution."""
    for height, width in (shape[:2] for shape in shapes):
        try:
            camera.fitted(height, width)
        except CameraError as error:
            size = f"{camera.width}x{camera.height}"
            raise ScanError(f"an image of {width}x{height} is not what a camera of {size} sees") from error


def _millimeters(depth_m: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    known = np.where((depth_m > 0) & (depth_m <= _MOST_M), depth_m, 0.0)
    return np.rint(1000.0 * known).astype(np.uint16)


def _in_millimeters(values: npt.NDArray[np.uint16], unit_mm: float) -> npt.NDArray[np.uint16]:
    """0 where there is none, or it is farther than 16 bits hold."""
    if unit_mm == 1.0:
        return values
    depth_mm = np.rint(values * unit_mm)
    return np.where(depth_mm <= np.iinfo(np.uint16).max, depth_mm, 0).astype(np.uint16)
