"""What tests of real TensorRT builds share: the installed TensorRT-RTX, and bundles in every precision."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from redwood_depth.bundle import MODEL_FILE, ModelBundle, file_sha256
from redwood_depth.engines.progress import Report
from redwood_depth.engines.reference_images import reference_images
from redwood_depth.engines.tensorrt.api import TensorRTApi, find_tensorrt
from redwood_depth.errors import EngineError


def installed_tensorrt_rtx() -> TensorRTApi:
    """TensorRT-RTX, which builds without a GPU; the test skips where its wheels do not exist."""
    try:
        api = find_tensorrt()
    except EngineError as error:
        pytest.skip(f"needs TensorRT-RTX: {error}")
    if not api.is_rtx:
        pytest.skip(f"needs TensorRT-RTX; {api} builds only for a GPU that is here")
    return api


class Lines(list[str]):
    """What a report said; warnings begin with "WARN "."""

    def report(self) -> Report:
        return Report(self.append, lambda line: self.append(f"WARN {line}"))


def int8_bundle(bundle: ModelBundle, folder: Path) -> ModelBundle:
    """The bundle as `python -m training export --precision int8` makes it, calibrated on two drawn scenes."""
    import onnx

    from training.export.quantize import quantized_model

    folder.mkdir(parents=True)
    fp32 = folder / MODEL_FILE  # a copy: the scales' scratch files lie beside it
    fp32.write_bytes(bundle.model_path.read_bytes())
    onnx.save(quantized_model(fp32, reference_images(bundle.height, bundle.width)[:2]), fp32)
    return _described(bundle, folder, "int8")


def bundle_of(model: bytes, like: ModelBundle, folder: Path, precision: str = "fp32") -> ModelBundle:
    """A bundle around another graph."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MODEL_FILE).write_bytes(model)
    return _described(like, folder, precision)


def _described(bundle: ModelBundle, folder: Path, precision: str) -> ModelBundle:
    described = replace(
        bundle,
        folder=folder,
        precision=precision,
        sha256=file_sha256(folder / MODEL_FILE),
        reference_sha256="",
    )
    described.write_description()
    return described
