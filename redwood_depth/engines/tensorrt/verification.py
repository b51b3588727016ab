"""May a fresh engine be believed? Its outputs against ONNX Runtime's on reference images."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.engine import Engine
from redwood_depth.engines.onnxruntime import OnnxRuntimeEngine
from redwood_depth.errors import EngineError

_CELL_PX = 16  # finest structure of the drawn backgrounds


@dataclass(frozen=True)
class Limits:
    """Largest error that is accepted: of depth relative to the reference (mean and 99th percentile), of a score."""

    depth_mean: float
    depth_p99: float
    score: float


# The bundled model in half precision differs from fp32 by 0.1 % on average, 0.3 % at the 99th percentile; an fp32
# engine multiplies with TF32, whose mantissa is as short. The limits leave five times that, and find what is broken.
LIMITS = {
    "fp32": Limits(0.005, 0.02, 0.01),
    "fp16": Limits(0.01, 0.04, 0.02),
    "int8": Limits(0.03, 0.15, 0.05),
}


@dataclass(frozen=True)
class Trust:
    """The result of the check, stored with the engine."""

    passed: bool
    findings: str
    reference: str
    limits: Limits

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any] | None, precision: str) -> "Trust | None":
        """A stored result; None where there is none, or where it was made with other limits."""
        try:
            trust = cls(**{**(stored or {}), "limits": Limits(**(stored or {})["limits"])})
        except (KeyError, TypeError):
            return None
        return trust if trust.limits == LIMITS[precision] else None


def check_engine(engine: Engine, bundle: ModelBundle, precision: str) -> Trust:
    """Run `engine` and ONNX Runtime, on the bundle's own graph, over the reference images.

    Where ONNX Runtime is missing, only what must hold of every output is checked, and the result says so.

    Raises:
        EngineError: the engine failed to run.
    """
    images = reference_images(bundle.height, bundle.width)
    outputs = [_copied(engine.infer(image)) for image in images]
    limits = LIMITS[precision]
    problem = _impossible(outputs, bundle)
    try:
        reference = OnnxRuntimeEngine(bundle)
    except EngineError as error:
        findings = problem or f"outputs are finite and in range, but were not compared: {error}"
        return Trust(not problem, findings, "none", limits)
    try:
        expected = [_copied(reference.infer(image)) for image in images]
    finally:
        reference.close()
    if problem:
        return Trust(False, problem, reference.description.versions, limits)
    return _compare(outputs, expected, limits, reference.description.versions)


def reference_images(height: int, width: int) -> list[NDArray[np.uint8]]:
    """Four drawn scenes uint8 (height, width, 3), the same on every machine: floor, wall, boxes, grain."""
    return [_scene(height, width, seed) for seed in range(4)]


def _scene(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    horizon = random.uniform(0.3, 0.6)
    floor = (rows > horizon)[..., None]
    shade = (0.5 + 0.5 * rows + 0.2 * np.sin(6 * columns + seed))[..., None]
    image = np.where(floor, random.uniform(60, 160, 3), random.uniform(120, 230, 3)) * shade
    for _ in range(6):
        top, left = random.uniform(0.1, 0.8, 2)
        bottom, right = top + random.uniform(0.1, 0.4), left + random.uniform(0.05, 0.3)
        inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
        image[inside] = random.uniform(20, 235, 3) * (0.6 + 0.4 * rows[inside])[..., None]
    coarse = random.normal(0, 8, (height // _CELL_PX + 1, width // _CELL_PX + 1, 1))
    texture = np.repeat(np.repeat(coarse, _CELL_PX, axis=0), _CELL_PX, axis=1)[:height, :width]
    grain = random.normal(0, 4, (height, width, 3))
    pixels: NDArray[np.uint8] = np.clip(np.rint(image + texture + grain), 0, 255).astype(np.uint8)
    return pixels


def _copied(output: tuple[NDArray[np.float32], NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return output[0].copy(), output[1].copy()


def _impossible(outputs: list[tuple[NDArray[np.float32], NDArray[np.float32]]], bundle: ModelBundle) -> str:
    """What no correct engine of any bundle gives: NaN, depth outside its range, scores that are none."""
    low, high = bundle.depth_range_m
    for depth, scores in outputs:
        wrong = int((~np.isfinite(depth)).sum() + (~np.isfinite(scores)).sum())
        if wrong:
            return f"{wrong} of {depth.size + scores.size} outputs are NaN or infinite"
        if depth.min() < 0.9 * low or depth.max() > 1.1 * high:
            return f"depth {depth.min():.3g} to {depth.max():.3g} m leaves the model's range {low:g} to {high:g} m"
        if scores.min() < -0.01 or scores.sum() > 1.02:
            return f"class scores {np.round(scores, 3).tolist()} are no probabilities"
    return ""


def _compare(
    outputs: list[tuple[NDArray[np.float32], NDArray[np.float32]]],
    expected: list[tuple[NDArray[np.float32], NDArray[np.float32]]],
    limits: Limits,
    reference: str,
) -> Trust:
    depth = np.stack([np.abs(ours[0] - theirs[0]) / theirs[0] for ours, theirs in zip(outputs, expected, strict=True)])
    mean, p99 = float(depth.mean()), float(np.quantile(depth, 0.99))
    score = max(float(np.abs(ours[1] - theirs[1]).max()) for ours, theirs in zip(outputs, expected, strict=True))
    passed = mean <= limits.depth_mean and p99 <= limits.depth_p99 and score <= limits.score
    findings = (
        f"depth differs by {mean:.2%} on average (limit {limits.depth_mean:.1%}), {p99:.2%} at the 99th percentile "
        f"(limit {limits.depth_p99:.1%}), class scores by {score:.4f} (limit {limits.score:g})"
    )
    return Trust(passed, findings, reference, limits)
