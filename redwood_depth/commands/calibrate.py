"""calibrate: the right scale for a camera and its place, fitted on recordings, kept where held-out ones confirm it."""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle, copy_bundle
from redwood_depth.calibration.cross_check import CrossCheck
from redwood_depth.commands.shared.command_line import command_parser, positive, run_command
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.engines import BACKENDS
from redwood_depth.errors import CalibrationError
from redwood_depth.evaluation.baselines import best_constant_m, constant_scores
from redwood_depth.evaluation.calibrating import Recording, Region, fit, of_a_wall, of_the_floor, with_depth_images
from redwood_depth.evaluation.predictor import ModelPredictor
from redwood_depth.evaluation.scoring import EvaluationOptions

_DESCRIPTION = """\
Fit one factor that corrects a model's depth for your camera and your place, and write a bundle that carries it.

It is fitted on what is metric in a recording: depth images (any bag or scan that evaluate_bag takes); without a depth
sensor a wall at a known distance (--distance), or the floor below a camera of known height (--camera-height). Each
stretch of time, or each of several recordings, is held out in turn; the factor is kept where it helps on what was held
out. A scale that changes from frame to frame no fixed factor can mend: then this says so and writes nothing.

The model itself stays the same file, so engines that were built for it still fit. evaluate_bag and the node apply the
calibration after the correction for the focal length, and say so."""

_EPILOG = """\
examples:
  calibrate desk_bag --output my_bundle                     # a bag with depth images
  calibrate monday tuesday --slope --output my_bundle       # two recordings: a slope over distance as well
  calibrate wall_1m wall_3m --distance 1 3 --output my_bundle
  calibrate drive_bag --camera-height 0.35 --pitch 10 --output my_bundle
  calibrate --reset --model my_bundle --output my_bundle    # as it was before

exit code: 0 where a calibration was written, 1 where it would not help or something went wrong."""

_MIDDLE: Region = (0.4, 0.4, 0.6, 0.6)


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    bags: tuple[Path, ...]
    model: Path
    output: Path
    backend: str
    slope: bool
    reset: bool
    distances_m: tuple[float, ...]
    region: Region
    camera_height_m: float | None
    pitch_deg: float
    options: EvaluationOptions


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    parser = command_parser("calibrate", _DESCRIPTION, _EPILOG)
    parser.add_argument("bags", nargs="*", metavar="BAG", type=Path, help="bags or scans, as evaluate_bag takes them")
    parser.add_argument("--output", required=True, type=Path, metavar="BUNDLE", help="new, or the model's own folder")
    parser.add_argument("--model", type=Path, default=DEMO_BUNDLE, metavar="BUNDLE", help="default: the bundled model")
    parser.add_argument("--backend", default="auto", choices=BACKENDS, help="default: auto")
    parser.add_argument("--reset", action="store_true", help="write the bundle without any calibration")
    parser.add_argument("--slope", action="store_true", help="fit d' = a * d ** b; needs several recordings")
    parser.add_argument("--depth-topic", metavar="T", help="depth images registered to color (default: found)")
    parser.add_argument("--image-topic", metavar="T", help="color images (default: found)")
    wall = parser.add_argument_group("without a depth sensor")
    wall.add_argument(
        "--distance", nargs="+", type=positive, default=(), metavar="M", help="of a wall, in m: one, or one a bag"
    )
    wall.add_argument(
        "--region",
        type=_region,
        default=_MIDDLE,
        metavar="U0,V0,U1,V1",
        help="where in the image the wall is, in shares of it (default: 0.4,0.4,0.6,0.6)",
    )
    wall.add_argument("--camera-height", type=positive, metavar="M", help="of the camera above the floor, in m")
    wall.add_argument("--pitch", type=float, default=0.0, metavar="DEG", help="how far the camera looks down")
    return run_command(parser, lambda arguments: _calibrate(_request(arguments)), argv)


def _region(text: str) -> Region:
    try:
        u0, v0, u1, v1 = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not four numbers U0,V0,U1,V1") from error
    if not (0 <= u0 < u1 <= 1 and 0 <= v0 < v1 <= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a part of the image: 0 <= U0 < U1 <= 1, 0 <= V0 < V1 <= 1")
    return u0, v0, u1, v1


def _request(arguments: argparse.Namespace) -> Request:
    """The request. Raises CalibrationError where the arguments contradict each other."""
    bags, distances_m = tuple(arguments.bags), tuple(arguments.distance)
    if bool(bags) == arguments.reset:
        raise CalibrationError("name a recording, or --reset to take a calibration back; see --help")
    if distances_m and arguments.camera_height is not None:
        raise CalibrationError("--distance is of a wall, --camera-height of the floor: choose one")
    if distances_m and len(distances_m) not in (1, len(bags)):
        raise CalibrationError(f"{len(distances_m)} distances for {len(bags)} recordings: give one, or one for each")
    if arguments.output.exists() and arguments.output.resolve() != arguments.model.resolve():
        raise CalibrationError(f"{arguments.output} exists; name a new folder, or --model {arguments.output} as well")
    return Request(
        bags=bags,
        model=arguments.model,
        output=arguments.output,
        backend=arguments.backend,
        slope=arguments.slope,
        reset=arguments.reset,
        distances_m=distances_m if len(distances_m) == len(bags) else distances_m * len(bags),
        region=arguments.region,
        camera_height_m=arguments.camera_height,
        pitch_deg=arguments.pitch,
        options=EvaluationOptions(color_topic=arguments.image_topic, depth_topic=arguments.depth_topic),
    )


def _calibrate(request: Request) -> int:
    bundle = ModelBundle.load(request.model)
    plain = replace(bundle, calibration=None)
    if request.reset:
        copy_bundle(plain, request.output)
        print(f"{request.output}: no calibration" + (f" (was: {bundle.calibration})" if bundle.calibration else ""))
        return 0
    with ModelPredictor(plain, request.backend) as predictor:
        recordings = [_gather(index, predictor, request) for index in range(len(request.bags))]
    calibrated, check = fit(plain, recordings, slope=request.slope)
    _print_table(recordings, check)
    for one in recordings:
        for warning in one.warnings:
            print(f"calibrate: warning: {one.name}: {warning}", file=sys.stderr)
    if not check.helps:
        print(f"calibrate: {check.sentence()}; nothing was written", file=sys.stderr)
        return 1
    copy_bundle(calibrated, request.output)
    print(f"\n{request.output}: {calibrated.calibration}")
    return 0


def _gather(index: int, predictor: ModelPredictor, request: Request) -> Recording:
    path, options = request.bags[index], request.options
    with Progress(f"reading {path}") as bar:
        if request.distances_m:
            distance_m, region = request.distances_m[index], request.region
            return of_a_wall(path, predictor, options, bar.expect, distance_m=distance_m, region=region)
        if request.camera_height_m is not None:
            height_m, pitch_deg = request.camera_height_m, request.pitch_deg
            return of_the_floor(path, predictor, options, bar.expect, camera_height_m=height_m, pitch_deg=pitch_deg)
        return with_depth_images(path, predictor, options, bar.expect)


def _print_table(recordings: Sequence[Recording], check: CrossCheck) -> None:
    low, high = check.factor_spread
    truths = [truth for one in recordings for truth in one.truths]
    frames = sum(len(one.samples) for one in recordings)
    held_out = "stretches of time" if len(recordings) == 1 else "recordings"
    print(f"{frames} frames; held out in turn: {check.blocks} {held_out}\n")
    print(f"{'abs_rel before':24} {check.abs_rel_before:9.3f}")
    print(f"{'abs_rel after':24} {check.abs_rel_after:9.3f}")
    if truths:
        constant_m = best_constant_m(truths)
        print(f"{'best constant ' + f'{constant_m:.2f} m':24} {constant_scores(constant_m, truths)['abs_rel']:9.3f}")
    print(f"{'factor of a frame':24} {check.median_factor:9.3f}   5th to 95th percentile {low:.3f} to {high:.3f}")
    for one in recordings:
        ratios = [ratio for sample in one.samples if math.isfinite(ratio := sample.log_ratio())]
        print(f"  {one.name:22} {math.exp(float(np.median(ratios))):9.3f}   {len(one.samples)} frames")


if __name__ == "__main__":
    sys.exit(main())
