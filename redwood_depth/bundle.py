"""The model bundle: model.onnx, model.json and reference.npz in a folder, the one contract of training and robot."""

import hashlib
import json
import math
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from redwood_depth.calibration.record import Calibration
from redwood_depth.camera import TrainingCamera
from redwood_depth.errors import BundleError
from redwood_depth.files import write_whole

MODEL_FILE = "model.onnx"
DESCRIPTION_FILE = "model.json"
REFERENCE_FILE = "reference.npz"  # see engines/reference.py; bundles of version 0.5.0 and older have none
BUNDLE_FILES = (MODEL_FILE, DESCRIPTION_FILE, REFERENCE_FILE)
DEMO_BUNDLE = Path(__file__).parent / "models" / "demo"
PRECISIONS = ("fp32", "fp16", "int8")
NO_CLASS = "none"  # the label of what shows none of the classes


@dataclass(frozen=True)
class ModelBundle:
    """A checked bundle: image uint8 (1, H, W, 3) RGB -> depth float32 (1, H, W) in m, class_scores float32 (1, C)."""

    folder: Path
    name: str
    version: str
    classes: tuple[str, ...]
    height: int
    width: int
    depth_range_m: tuple[float, float]
    training_camera: TrainingCamera
    encoder: str
    precision: str
    class_threshold: float
    training_median_m: float
    sha256: str
    trained_on: tuple[str, ...] = ()
    scores: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None
    reference_sha256: str = ""  # of reference.npz; empty: the bundle has none

    @property
    def model_path(self) -> Path:
        return self.folder / MODEL_FILE

    @classmethod
    def load(cls, folder: Path | str) -> "ModelBundle":
        """Read and check a bundle.

        Raises:
            BundleError: a file is missing, model.json lacks or misstates a field, or model.onnx or reference.npz is not
                the file that model.json describes (both hashes are named).
        """
        folder = Path(folder).expanduser()
        bundle = cls._from_description(folder, _read_description(folder / DESCRIPTION_FILE))
        bundle._check_file(MODEL_FILE, "the model", bundle.sha256)
        if bundle.reference_sha256:
            bundle._check_file(REFERENCE_FILE, "the reference outputs", bundle.reference_sha256)
        return bundle

    def _check_file(self, name: str, what: str, expected: str) -> None:
        actual = file_sha256(self.folder / name)
        if actual != expected:
            raise BundleError(
                f"{self.folder / name} is not {what} that {DESCRIPTION_FILE} describes: its sha256 is {actual[:12]}, "
                f"expected {expected[:12]}; copy the whole bundle again"
            )

    @classmethod
    def _from_description(cls, folder: Path, description: dict[str, Any]) -> "ModelBundle":
        try:
            bundle = cls(
                folder=folder,
                name=str(description["name"]),
                version=str(description["version"]),
                classes=tuple(str(name) for name in description["classes"]),
                height=int(description["input"]["height"]),
                width=int(description["input"]["width"]),
                depth_range_m=(float(description["depth_range_m"][0]), float(description["depth_range_m"][1])),
                training_camera=TrainingCamera(
                    float(description["camera"]["fx_over_width"]), float(description["camera"]["fy_over_height"])
                ),
                encoder=str(description["encoder"]),
                precision=str(description["precision"]),
                class_threshold=float(description["class_threshold"]),
                training_median_m=float(description["training_median_m"]),
                sha256=str(description["sha256"]),
                trained_on=tuple(str(name) for name in description.get("trained_on", ())),
                scores=dict(description.get("scores", {})),
                calibration=Calibration.from_json(description["calibration"]) if "calibration" in description else None,
                reference_sha256=str(description["reference"]["sha256"]) if "reference" in description else "",
            )
        except KeyError as error:
            raise BundleError(f"{folder / DESCRIPTION_FILE} lacks the field {error}") from error
        except (TypeError, ValueError, IndexError, AttributeError) as error:
            raise BundleError(f"{folder / DESCRIPTION_FILE} has a field of the wrong form: {error}") from error
        bundle._check_values()
        return bundle

    def _check_values(self) -> None:
        low, high = self.depth_range_m
        camera = self.training_camera
        problems = {
            "classes must be distinct and at least one": not 0 < len(set(self.classes)) == len(self.classes),
            "input must be between 16 and 4096 pixels": not (16 <= self.height <= 4096 and 16 <= self.width <= 4096),
            "depth_range_m must be 0 < min < max": not (0 < low < high and math.isfinite(high)),
            "camera must have positive focal lengths": not (
                0 < camera.fx_over_width < math.inf and 0 < camera.fy_over_height < math.inf
            ),
            f"precision must be one of {', '.join(PRECISIONS)}": self.precision not in PRECISIONS,
            "class_threshold must be in 0..1": not 0 <= self.class_threshold <= 1,
            "training_median_m must lie in depth_range_m": not low <= self.training_median_m <= high,
        }
        for problem, found in problems.items():
            if found:
                raise BundleError(f"{self.folder / DESCRIPTION_FILE}: {problem}")

    def description(self) -> dict[str, Any]:
        """The content of model.json."""
        return {
            "name": self.name,
            "version": self.version,
            "classes": list(self.classes),
            "input": {"height": self.height, "width": self.width},
            "depth_range_m": list(self.depth_range_m),
            "camera": {
                "fx_over_width": self.training_camera.fx_over_width,
                "fy_over_height": self.training_camera.fy_over_height,
            },
            "encoder": self.encoder,
            "precision": self.precision,
            "class_threshold": self.class_threshold,
            "training_median_m": self.training_median_m,
            "sha256": self.sha256,
            "trained_on": list(self.trained_on),
            "scores": self.scores,
            **({"calibration": self.calibration.to_json()} if self.calibration else {}),
            **({"reference": {"sha256": self.reference_sha256}} if self.reference_sha256 else {}),
        }

    def write_description(self) -> None:
        """Write model.json into `folder`, in one step: a reader sees the old file or the new one, never a part."""
        text = json.dumps(self.description(), indent=2, ensure_ascii=False, allow_nan=False)
        write_whole(self.folder / DESCRIPTION_FILE, text + "\n")


def copy_bundle(bundle: ModelBundle, folder: Path) -> None:
    """Write `bundle` to `folder`, whole or not at all; into its own folder its description alone. Raises OSError."""
    if folder.exists() and folder.resolve() == bundle.folder.resolve():
        bundle.write_description()
        return
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(bundle.folder, partial)
        replace(bundle, folder=partial).write_description()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def file_sha256(path: Path) -> str:
    """Hash of a file in hexadecimal. Raises BundleError where it cannot be read."""
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()
    except OSError as error:
        raise BundleError(f"cannot read {path}: {error.strerror}") from error


def _read_description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BundleError(f"no model bundle at {path.parent}: cannot read {path.name} ({error.strerror})") from error
    except ValueError as error:
        raise BundleError(f"{path} is not JSON: {error}") from error
    if not isinstance(description, dict):
        raise BundleError(f"{path} must hold one JSON object")
    return description
