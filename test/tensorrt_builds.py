"""What tests of real TensorRT builds share: the installed TensorRT-RTX, and bundles in every precision."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redwood_depth.bundle import MODEL_FILE, ModelBundle, file_sha256
from redwood_depth.engines.report import Report
from redwood_depth.engines.tensorrt_api import TensorRTApi, find_tensorrt
from redwood_depth.engines.trust import reference_images
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
    """The bundle quantised as training/quantize.py does: QDQ, per channel, symmetric int8, float biases."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.images = iter(reference_images(bundle.height, bundle.width)[:2])

        def get_next(self) -> dict[str, np.ndarray[Any, Any]] | None:
            image = next(self.images, None)
            return None if image is None else {"image": image[None]}

    folder.mkdir(parents=True)
    logging.disable(logging.WARNING)  # it recommends a preparation that our export has done
    try:
        quantize_static(
            str(bundle.model_path),
            str(folder / MODEL_FILE),
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
            extra_options={"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
        )
    finally:
        logging.disable(logging.NOTSET)
    return _described(bundle, folder, "int8")


def bundle_of(model: bytes, like: ModelBundle, folder: Path, precision: str = "fp32") -> ModelBundle:
    """A bundle around another graph."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MODEL_FILE).write_bytes(model)
    return _described(like, folder, precision)


def _described(bundle: ModelBundle, folder: Path, precision: str) -> ModelBundle:
    described = replace(bundle, folder=folder, precision=precision, sha256=file_sha256(folder / MODEL_FILE))
    described.write_description()
    return described
