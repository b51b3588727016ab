"""Coverage-guided fuzzing of what reads foreign bytes: compressed images, depth images, a bundle's two files.

Atheris (pip install atheris; Python 3.11 to 3.13 on x86-64) is not a dependency. The target comes first,
then libFuzzer's own options:

    python -m bench.fuzz_coverage image -max_total_time=120
    python -m bench.fuzz_coverage model -max_total_time=120 out/corpus

Anything but the error that the function documents stops it, and the input is kept as crash-*.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import atheris

with atheris.instrument_imports(include=["redwood_depth", "PIL.PngImagePlugin", "PIL.JpegImagePlugin"]):
    import numpy as np

    from bench.harness.tiny_bundle import write_tiny_bundle
    from redwood_depth.bundle import DESCRIPTION_FILE, ModelBundle, file_sha256
    from redwood_depth.engines.onnxruntime import OnnxRuntimeEngine
    from redwood_depth.errors import BundleError, EngineError, ImageError
    from redwood_depth.images.decode import color_from_message, depth_from_message
    from redwood_depth.images.encodings import COLOR_ENCODINGS

_MAX_DECODED_PX = 4_000_000  # larger ones are allowed, and only slow here
_FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)) / "bundle"
_BUNDLE = write_tiny_bundle(_FOLDER)
_DESCRIPTION = _BUNDLE.description()


def image(data: bytes) -> None:
    """A compressed color image."""
    try:
        rgb = color_from_message(SimpleNamespace(format="jpeg", data=data)).rgb()
    except ImageError:
        return
    assert rgb.ndim == 3
    assert rgb.shape[2] == 3


def depth(data: bytes) -> None:
    """A compressed depth image of either encoding."""
    form = ("16UC1; compressedDepth png", "32FC1; compressedDepth png", "png", "32FC1")[data[0] % 4 if data else 0]
    try:
        depth_m = depth_from_message(SimpleNamespace(format=form, data=data[1:]))
    except ImageError:
        return
    assert not (depth_m <= 0).any()


def raw(data: bytes) -> None:
    """An uncompressed image: the fields from the first bytes, the pixels from the rest."""
    provider = atheris.FuzzedDataProvider(data)
    message = SimpleNamespace(
        encoding=provider.PickValueInList(list(COLOR_ENCODINGS)),
        height=provider.ConsumeIntInRange(0, 70_000),
        width=provider.ConsumeIntInRange(0, 70_000),
        step=provider.ConsumeIntInRange(0, 400_000),
        is_bigendian=provider.ConsumeIntInRange(0, 255),
        data=provider.ConsumeBytes(1 << 16),
    )
    try:
        rgb = color_from_message(message).rgb()
    except ImageError:
        return
    assert rgb.shape == (message.height, message.width, 3)


def description(data: bytes) -> None:
    """model.json."""
    (_FOLDER / DESCRIPTION_FILE).write_bytes(data)
    try:
        bundle = ModelBundle.load(_FOLDER)
    except BundleError:
        return
    assert json.dumps(bundle.description(), allow_nan=False)


def model(data: bytes) -> None:
    """model.onnx, with a model.json that has its hash: what a broken exporter would write."""
    _BUNDLE.model_path.write_bytes(data)
    changed = {**_DESCRIPTION, "sha256": file_sha256(_BUNDLE.model_path)}
    (_FOLDER / DESCRIPTION_FILE).write_text(json.dumps(changed))
    try:
        engine = OnnxRuntimeEngine(ModelBundle.load(_FOLDER), threads=1)
        engine.infer(np.zeros((24, 32, 3), np.uint8))
    except EngineError:
        return


def _seeds() -> dict[str, list[bytes]]:
    import cv2

    pixels = np.arange(48 * 64 * 3, dtype=np.uint32).astype(np.uint8).reshape(48, 64, 3)
    deep = (np.arange(48 * 64, dtype=np.uint16) * 9).reshape(48, 64)
    pictures = [cv2.imencode(kind, pixels)[1].tobytes() for kind in (".jpg", ".png")]
    depth_png = cv2.imencode(".png", deep)[1].tobytes()
    return {
        "image": pictures,
        "depth": [b"\0" + bytes(12) + depth_png, b"\1" + bytes(12) + depth_png, b"\2" + depth_png],
        "raw": [bytes(range(256)) * 40],
        "description": [json.dumps(_DESCRIPTION).encode()],
        "model": [_BUNDLE.model_path.read_bytes()],
    }


TARGETS: dict[str, Callable[[bytes], None]] = {
    "image": image,
    "depth": depth,
    "raw": raw,
    "description": description,
    "model": model,
}


def main() -> None:
    """Entry point; does not return."""
    target, *options = sys.argv[1:] or ["help"]
    if target not in TARGETS:
        sys.exit(f"usage: python -m bench.fuzz_coverage {'|'.join(TARGETS)} [options of libFuzzer] [corpus]\n{__doc__}")
    from redwood_depth.images import compressed

    compressed.MAX_PIXELS = _MAX_DECODED_PX
    corpus = Path(tempfile.mkdtemp())
    for index, seed in enumerate(_seeds()[target]):
        (corpus / str(index)).write_bytes(seed)
    folders = [option for option in options if not option.startswith("-")]
    atheris.Setup([sys.argv[0], *options, *([] if folders else [str(corpus)])], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
