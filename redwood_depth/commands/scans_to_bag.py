"""scans_to_bag: Redwood scans -> a rosbag2 bag that looks like an RGB-D driver's."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redwood_depth.bags import driver_messages
from redwood_depth.bags.driver_messages import COLOR_INFO_TOPIC, COLOR_TOPIC, DEPTH_INFO_TOPIC, DEPTH_TOPIC, FRAME_ID
from redwood_depth.bags.writer import BagWriter
from redwood_depth.commands.shared.command_line import command_parser, run_command
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.errors import CameraError, ScanError
from redwood_depth.scans.redwood import RedwoodScan, ScanFrame, decode_color, decode_depth, scans_in_zip

_PAUSE_US = 1_000_000  # between the end of a scan and the beginning of the next

_DESCRIPTION = f"""\
Turn Redwood scans into one rosbag2 bag (MCAP), with topics as an RGB-D driver names them:

  {COLOR_TOPIC:40}  rgb8
  {COLOR_INFO_TOPIC}
  {DEPTH_TOPIC:40}  16UC1, millimeters, registered to color
  {DEPTH_INFO_TOPIC}

Color and depth are paired by time stamp (at most 20 ms apart), and each keeps its own. The frame is
{FRAME_ID}. Several scans follow each other with a second between them."""

_EPILOG = """\
examples:
  scans_to_bag data/car/00042.zip --output car_bag
  scans_to_bag data/car/00042 data/bench/00007 --output both --compressed
  play_bag car_bag            # publish it
  evaluate_bag car_bag        # score the model on it"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    parser = command_parser("scans_to_bag", _DESCRIPTION, _EPILOG)
    parser.add_argument("scans", nargs="+", metavar="SCAN", help="a folder or .zip with rgb/ and depth/")
    parser.add_argument("--output", required=True, metavar="BAG", type=Path, help="the bag to make; must not exist")
    parser.add_argument(
        "--compressed",
        action="store_true",
        help="put JPEG and PNG in as they are, on .../compressed and .../compressedDepth: a tenth of the size",
    )
    return run_command(
        parser, lambda given: _scans_to_bag(given.scans, given.output, compressed=given.compressed), argv
    )


@dataclass
class _Counts:
    frames: int = 0
    unpaired: int = 0
    skipped: int = 0


def _single(paths: Sequence[str]) -> list[Path]:
    """The paths, each zip of several scans replaced by these."""
    return [scan for path in map(Path, paths) for scan in (scans_in_zip(path) if path.is_file() else [path])]


def _scans_to_bag(paths: Sequence[str], output: Path, *, compressed: bool) -> int:
    counts = _Counts()
    with ExitStack() as stack:
        scans = [stack.enter_context(RedwoodScan.open(path)) for path in _single(paths)]
        for scan in scans:
            for words in scan.warnings:
                print(f"scans_to_bag: warning: {scan.name}: {words}", file=sys.stderr)
        counts.unpaired = sum(scan.unpaired for scan in scans)
        writer = stack.enter_context(BagWriter(output))
        progress = stack.enter_context(Progress("writing", sum(len(scan.frames) for scan in scans)))
        for scan, offset_us in zip(scans, _offsets_us(scans), strict=True):
            for frame in scan.frames:
                _write_frame(writer, scan, frame, offset_us, compressed, counts)
                progress.advance()
    print(
        f"{output}: {counts.frames} frames of {len(scans)} scan{'s' * (len(scans) > 1)}, "
        f"{counts.unpaired} color images without depth skipped, {counts.skipped} corrupt frames skipped"
    )
    return 0


def _offsets_us(scans: Sequence[RedwoodScan]) -> Iterator[int]:
    """What to add to each scan's stamps; the first keeps its own, the others must come later than it."""
    end_us: int | None = None
    for scan in scans:
        stamps_us = [stamp for frame in scan.frames for stamp in (frame.color_stamp_us, frame.depth_stamp_us)]
        offset_us = 0 if end_us is None else end_us + _PAUSE_US - min(stamps_us)
        end_us = max(stamps_us) + offset_us
        yield offset_us


def _write_frame(
    writer: BagWriter, scan: RedwoodScan, frame: ScanFrame, offset_us: int, compressed: bool, counts: _Counts
) -> None:
    try:
        messages = list(_messages(scan, frame, offset_us, compressed))
    except (ScanError, CameraError) as error:
        counts.skipped += 1
        print(f"scans_to_bag: skipped {scan.name}/{frame.color}: {error}", file=sys.stderr)
        return
    for topic, message in messages:
        writer.write_stamped(topic, message)
    counts.frames += 1


def _messages(scan: RedwoodScan, frame: ScanFrame, offset_us: int, compressed: bool) -> Iterator[tuple[str, Any]]:
    """Both images and their calibrations. All are decoded, so that nothing corrupt gets into the bag either way."""
    jpeg, png = scan.color_bytes(frame), scan.depth_bytes(frame)
    color, depth = decode_color(jpeg), decode_depth(png)
    color_us, depth_us = frame.color_stamp_us + offset_us, frame.depth_stamp_us + offset_us
    for pixels, topic, stamp_us in ((color, COLOR_INFO_TOPIC, color_us), (depth, DEPTH_INFO_TOPIC, depth_us)):
        yield topic, driver_messages.camera_info(scan.intrinsics.fitted(*pixels.shape[:2]), stamp_us)
    if compressed:
        yield f"{COLOR_TOPIC}/compressed", driver_messages.compressed_color(jpeg, color_us)
        yield f"{DEPTH_TOPIC}/compressedDepth", driver_messages.compressed_depth(png, depth_us)
    else:
        yield COLOR_TOPIC, driver_messages.image(color, "rgb8", color_us)
        yield DEPTH_TOPIC, driver_messages.image(depth, "16UC1", depth_us)


if __name__ == "__main__":
    sys.exit(main())
