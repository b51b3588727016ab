"""One sentence on a result, in table and report alike: how much better or worse it is than one depth for everything."""

from dataclasses import dataclass

from redwood_depth.evaluation.depth_result import DepthSummary
from redwood_depth.evaluation.result import Summary

_NO_ERROR = 0.0005  # AbsRel that is shown as 0.000
_SCALE_MATTERS = 0.15


@dataclass(frozen=True)
class Verdict:
    """The sentence, and whether what it says is good."""

    good: bool
    text: str


def verdict(summary: Summary) -> Verdict:
    """On depth where it was scored, else on the class."""
    return _of_depth(summary.depth) if summary.depth else _of_class(summary)


def _of_depth(depth: DepthSummary) -> Verdict:
    error, constant = depth.scores.abs_rel, depth.baselines["best_constant"].scores.abs_rel
    if max(error, constant) < _NO_ERROR:
        return Verdict(True, "No error to speak of, nor has the best constant depth any: the ground truth is flat.")
    gain = 1.0 - error / max(constant, 1e-6)
    side = f"{abs(gain):.0%} {'less' if gain > 0 else 'more'} relative error than the best constant depth"
    text = f"{side} ({error:.3f} against {constant:.3f})."
    if gain <= 0:
        text += " A model must beat that baseline to be of any use here."
    by_scale = 1.0 - depth.scaled.abs_rel / error if error else 0.0
    if by_scale > _SCALE_MATTERS:
        text += f" Scaled to each frame's true median it would be {by_scale:.0%} better"
        text += f"; {depth.fixed_factor.sentence()}." if depth.fixed_factor else ": scale is the weak part."
    return Verdict(gain > 0, text)


def _of_class(summary: Summary) -> Verdict:
    accuracy = summary.classes.accuracy if summary.classes else 0.0
    text = f"{accuracy:.1%} of the frames have the right class predicted. Depth was not scored."
    return Verdict(accuracy > 0.5, text)
