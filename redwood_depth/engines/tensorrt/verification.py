"""May a fresh engine be believed? Its outputs against the bundle's reference outputs, frame by frame."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redwood_depth.bundle import ModelBundle
from redwood_depth.engines.engine import Engine
from redwood_depth.engines.reference import Reference, reference_of, sampled
from redwood_depth.engines.reference_images import reference_images
from redwood_depth.errors import EngineError

Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Limits:
    """Largest error that is accepted in any frame.

    Of depth relative to the reference: mean, 99th percentile, and scale, the median ratio; of a class score.
    """

    depth_mean: float
    depth_p99: float
    scale: float
    score: float


# The bundled model in half precision differs from fp32 by 0.1 % on average, 0.3 % at the 99th percentile; an fp32
# engine multiplies with TF32, whose mantissa is as short. The limits leave five times that, and find what is broken.
# In int8 roundings tip over: three ways of computing the bundled model in float differ by up to 1.4 % of the scale.
LIMITS = {
    "fp32": Limits(0.005, 0.02, 0.004, 0.01),
    "fp16": Limits(0.01, 0.04, 0.008, 0.02),
    "int8": Limits(0.03, 0.15, 0.03, 0.05),
}


@dataclass(frozen=True)
class Verification:
    """The result of the check, stored with the engine."""

    passed: bool
    findings: str
    reference: str
    limits: Limits

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any] | None, precision: str) -> "Verification | None":
        """A stored result; None where there is none, or where it was made with other limits."""
        try:
            verification = cls(**{**(stored or {}), "limits": Limits(**(stored or {})["limits"])})
        except (KeyError, TypeError):
            return None
        return verification if verification.limits == LIMITS[precision] else None


def verify_engine(engine: Engine, bundle: ModelBundle, precision: str) -> Verification:
    """Run `engine` over the reference images and compare with the bundle's reference outputs.

    Where the bundle has none and ONNX Runtime is missing, only what must hold of every output is checked, and the
    result says so.

    Raises:
        BundleError: the reference outputs are damaged.
        EngineError: the engine failed to run.
    """
    limits = LIMITS[precision]
    try:
        reference = reference_of(bundle)
    except EngineError as error:
        outputs = _outputs(engine, reference_images(bundle.height, bundle.width))
        problem = _impossible(outputs, bundle)
        findings = problem or f"outputs are finite and in range, but were not compared: {error}"
        return Verification(not problem, findings, "none", limits)
    outputs = _outputs(engine, reference.images)
    problem = _impossible(outputs, bundle)
    return Verification(False, problem, reference.source, limits) if problem else _compare(outputs, reference, limits)


def _outputs(engine: Engine, images: Iterable[NDArray[np.uint8]]) -> Outputs:
    """depth_m (N, H, W) and class_scores (N, C) of `images`; copies, an engine may reuse its arrays."""
    depths, scores = zip(*((depth.copy(), score.copy()) for depth, score in map(engine.infer, images)), strict=True)
    return np.stack(depths), np.stack(scores)


def _impossible(outputs: Outputs, bundle: ModelBundle) -> str:
    """What no correct engine of any bundle gives: NaN, depth outside its range, scores that are none."""
    low, high = bundle.depth_range_m
    for depth, scores in zip(*outputs, strict=True):
        wrong = int((~np.isfinite(depth)).sum() + (~np.isfinite(scores)).sum())
        if wrong:
            return f"{wrong} of {depth.size + scores.size} outputs are NaN or infinite"
        if depth.min() < 0.9 * low or depth.max() > 1.1 * high:
            return f"depth {depth.min():.3g} to {depth.max():.3g} m leaves the model's range {low:g} to {high:g} m"
        if scores.min() < -0.01 or scores.sum() > 1.02:
            return f"class scores {np.round(scores, 3).tolist()} are not probabilities"
    return ""


def _compare(outputs: Outputs, reference: Reference, limits: Limits) -> Verification:
    """Every frame is held to the limits by itself: an engine can give each another scale, which a mean hides."""
    ours_m, scores = sampled(outputs[0]), outputs[1]
    errors = (np.abs(ours_m - reference.depth_m) / reference.depth_m).reshape(len(ours_m), -1)
    mean, p99 = float(errors.mean(axis=1).max()), float(np.quantile(errors, 0.99, axis=1).max())
    scales = np.median((ours_m / reference.depth_m).reshape(len(ours_m), -1), axis=1)
    scale = float(np.abs(scales - 1).max())
    score = float(np.abs(scores - reference.class_scores).max())
    passed = mean <= limits.depth_mean and p99 <= limits.depth_p99 and scale <= limits.scale and score <= limits.score
    findings = (
        f"depth differs by {mean:.2%} on average (limit {limits.depth_mean:.1%}), {p99:.2%} at the 99th percentile "
        f"(limit {limits.depth_p99:.1%}), its scale by {scales.min() - 1:+.2%} to {scales.max() - 1:+.2%} "
        f"(limit {limits.scale:.1%}) in the worst of {len(ours_m)} frames, class scores by {score:.4f} "
        f"(limit {limits.score:g})"
    )
    return Verification(passed, findings, reference.source, limits)
