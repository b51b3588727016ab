"""python -m training export: a run -> a model bundle."""

import argparse
from pathlib import Path

from redwood_depth.bundle import PRECISIONS
from redwood_depth.commands.shared.progress_bar import Progress

DESCRIPTION = """\
Turn the best checkpoint of a run into a model bundle, the folder that a robot loads: model.onnx, which takes the
camera's bytes, and model.json. The result is compared with PyTorch on real images before it takes its place: depth
within 1 mm, class scores within 0.0001. What was in BUNDLE stays until then, and on any error.

fp32   the network as it was trained
fp16   half the size; normalization and the exponential of the depth stay fp32. For GPUs: ONNX Runtime is slower on a
       CPU. The robot's build_engine makes the same of an fp32 bundle: export fp16 to know beforehand what it loses
int8   convolutions in int8, with scales from up to 300 training frames of --data; the first and the last one, the
       depthwise ones and the class head stay in float. For GPUs too: on a CPU it is hardly faster than fp32

fp16 and int8 are compared with fp32 on the test scans of --data (validation where there are none). The table is printed
and kept in model.json; where AbsRel grows by more than 10 % nothing is written.
"""
EPILOG = """\
examples:
  python -m training export out/run --output out/bundle
  python -m training export out/run --output out/bundle_int8 --precision int8 --data out/data
then:
  evaluate_bag BAG --model out/bundle          benchmark out/bundle          build_engine out/bundle
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command on its parser, with the function that runs it as `command`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("run", type=Path, metavar="RUN", help="what python -m training train has written")
    parser.add_argument("--output", required=True, type=Path, metavar="BUNDLE", help="the folder to write")
    parser.add_argument(
        "--data", type=Path, help="prepared data to compare and calibrate with; default: what RUN was trained on"
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="default %(default)s")
    parser.add_argument("--name", help="of the model, default redwood-RUN")
    parser.add_argument("--model-version", default="0.1.0", metavar="V", help="default %(default)s")
    parser.set_defaults(command=_command)


def _command(arguments: argparse.Namespace) -> int:
    from training.data.prepared_data import PreparedData
    from training.errors import PreparedDataError
    from training.export.bundle_export import bundle_of, export_bundle
    from training.run.folder import TrainedRun

    run = TrainedRun.load(arguments.run)
    try:
        data = PreparedData.load(arguments.data or run.info["data_folder"])
    except PreparedDataError as error:
        wanted = "" if arguments.data else "; the data of the training is not there, give --data DATA"
        raise PreparedDataError(f"{error}{wanted}") from error
    name = arguments.name or f"redwood-{arguments.run.resolve().name}"
    bundle = bundle_of(run, arguments.output, name, arguments.model_version, arguments.precision)
    with Progress("export") as progress:
        written, loss = export_bundle(run.module.model, bundle, data, progress.advance)
    if loss:
        print(loss.table())
    size_mb = written.model_path.stat().st_size / 1e6
    print(f"wrote {written.folder}: {written.precision}, {written.height}x{written.width}, {size_mb:.1f} MB")
    return 0
