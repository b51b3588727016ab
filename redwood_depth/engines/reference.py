"""What a bundle's graph answers to four reference images in float arithmetic: what every engine is compared with.

Made at export and kept in the bundle, so that a robot needs neither ONNX Runtime nor a processor with the right int8
instructions to verify an engine. Kept small: the images are drawn anew, their hash tells whether they are the same, and
depth is kept at every fifth pixel each way, which meets every phase of a network's strides. Where a bundle has none, or
where other images are drawn, it is computed here.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bundle import REFERENCE_FILE, ModelBundle
from redwood_depth.engines.onnxruntime import open_session, run_session
from redwood_depth.engines.reference_images import reference_images
from redwood_depth.errors import BundleError, EngineError
from redwood_depth.files import write_whole

STEP_PX = 5


@dataclass(frozen=True)
class Reference:
    """N images uint8 (H, W, 3); depth_m float32 (N, h, w), `sampled`; class_scores float32 (N, C); and their source."""

    images: list[NDArray[np.uint8]]
    depth_m: NDArray[np.float32]
    class_scores: NDArray[np.float32]
    source: str


def reference_of(bundle: ModelBundle) -> Reference:
    """The bundle's reference outputs, or for an older bundle those of ONNX Runtime here, in float arithmetic.

    Raises:
        BundleError: the file is damaged, or not of this bundle.
        EngineError: the bundle has none, and ONNX Runtime is missing or does not take the graph.
    """
    stored = _read(bundle) if bundle.reference_sha256 else None
    return stored or compute_reference(bundle)


def compute_reference(bundle: ModelBundle) -> Reference:
    """Run the bundle's graph over the reference images in float arithmetic. Raises EngineError."""
    session = open_session(bundle.model_path, in_float=True)
    images = reference_images(bundle.height, bundle.width)
    answers = [run_session(session, image) for image in images]
    depth_m = np.stack([sampled(depth_m) for depth_m, _ in answers])
    return Reference(images, depth_m, np.stack([scores for _, scores in answers]), "ONNX Runtime in float")


def sampled(depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """The pixels (..., h, w) of depth (..., H, W) that a reference keeps."""
    return depth_m[..., STEP_PX // 2 :: STEP_PX, STEP_PX // 2 :: STEP_PX]


def add_reference(bundle: ModelBundle) -> ModelBundle:
    """Compute the reference outputs of a bundle in a folder, write them there and into model.json; the new bundle.

    Raises:
        EngineError: ONNX Runtime does not take the graph, or its outputs are not finite.
        BundleError: the folder cannot be written.
    """
    reference = compute_reference(bundle)
    if not (np.isfinite(reference.depth_m).all() and np.isfinite(reference.class_scores).all()):
        raise EngineError(f"{bundle.model_path} gives NaN or infinity for a reference image; export it again")
    content = io.BytesIO()
    np.savez_compressed(
        content,
        images_sha256=np.array(_digest(reference.images)),
        depth_m=reference.depth_m,
        class_scores=reference.class_scores,
    )
    target = bundle.folder / REFERENCE_FILE
    try:
        write_whole(target, content.getvalue())
    except OSError as error:
        raise BundleError(f"cannot write {target}: {error.strerror}") from error
    described = replace(bundle, reference_sha256=hashlib.sha256(content.getvalue()).hexdigest())
    described.write_description()
    return described


def _read(bundle: ModelBundle) -> Reference | None:
    """What the file holds; None where it was made of other images than are drawn here."""
    path = bundle.folder / REFERENCE_FILE
    try:
        stored = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
        arrays = {name: stored[name] for name in ("images_sha256", "depth_m", "class_scores")}
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(f"cannot read {path} ({error}); copy the whole bundle again") from error
    images = reference_images(bundle.height, bundle.width)
    kept = sampled(np.empty((len(images), bundle.height, bundle.width), np.float32))
    expected = {"depth_m": kept.shape, "class_scores": (len(images), len(bundle.classes))}
    found = {name: arrays[name].shape for name in expected}
    if found != expected or any(arrays[name].dtype != np.float32 for name in expected):
        raise BundleError(f"{path} has {found}, but {expected} are expected; copy the whole bundle again")
    if str(arrays["images_sha256"]) != _digest(images):
        return None
    return Reference(images, arrays["depth_m"], arrays["class_scores"], "the bundle's reference outputs")


def _digest(images: list[NDArray[np.uint8]]) -> str:
    return hashlib.sha256(b"".join(image.tobytes() for image in images)).hexdigest()
