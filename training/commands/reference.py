"""python -m training reference: give a bundle that was exported before its reference outputs."""

import argparse
from pathlib import Path

DESCRIPTION = """\
Add the reference outputs to a bundle: what its graph answers to four drawn images in float arithmetic. A robot compares
its TensorRT engine with them. export writes them; this is for bundles exported by version 0.5.0 and older, which work
without: a robot then computes them with ONNX Runtime where it verifies an engine.

Writes BUNDLE/reference.npz and its sha256 into BUNDLE/model.json; the model is not touched.
"""
EPILOG = """\
example:
  python -m training reference out/bundle
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command on its parser, with the function that runs it as `command`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the folder of the bundle")
    parser.set_defaults(command=_command)


def _command(arguments: argparse.Namespace) -> int:
    from redwood_depth.bundle import REFERENCE_FILE, ModelBundle
    from redwood_depth.engines.reference import add_reference

    bundle = add_reference(ModelBundle.load(arguments.bundle))
    print(f"wrote {bundle.folder / REFERENCE_FILE}")
    return 0
