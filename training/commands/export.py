"""python -m training export: a run -> a model bundle."""

import argparse
from pathlib import Path

DESCRIPTION = """\
Turn the best checkpoint of a run into a model bundle, the folder that a robot loads: model.onnx, which takes the
camera's bytes, and model.json. The result is compared with PyTorch on real images before it takes its place: depth
within 1 mm, class scores within 0.0001. What was in BUNDLE stays until then.
"""
EPILOG = """\
examples:
  python -m training export out/run --output out/bundle
  python -m training export out/run --output out/bundle_int8 --precision int8 --data out/data
"""
PRECISIONS = ("fp32", "fp16", "int8")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command on its parser, with the function that runs it as `command`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("run", type=Path, metavar="RUN", help="what python -m training train has written")
    parser.add_argument("--output", required=True, type=Path, metavar="BUNDLE", help="the folder to write")
    parser.add_argument("--data", type=Path, help="prepared data with images to compare on; default: the training's")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="default %(default)s")
    parser.add_argument("--name", help="of the model, default redwood-RUN")
    parser.add_argument("--model-version", default="0.1.0", metavar="V", help="default %(default)s")
    parser.set_defaults(command=_command)


def _command(arguments: argparse.Namespace) -> int:
    from training.export import bundle_of, check_images, export_bundle
    from training.prepared_data import PreparedData
    from training.run_folder import TrainedRun

    run = TrainedRun.load(arguments.run)
    data = PreparedData.load(arguments.data or run.info["data_folder"])
    name = arguments.name or f"redwood-{arguments.run.resolve().name}"
    bundle = bundle_of(run, arguments.output, name, arguments.model_version)
    written = export_bundle(run.module.model, bundle, check_images(data, bundle))
    print(f"wrote {written.folder} ({written.model_path.stat().st_size / 1e6:.1f} MB)")
    return 0
