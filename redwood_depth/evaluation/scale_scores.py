"""How steady the scale of a recording's predictions is: drift, jitter, and whether a fixed factor would mend it."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from redwood_depth.calibration.cross_check import cross_check
from redwood_depth.evaluation.depth_result import FixedFactor
from redwood_depth.evaluation.frame_scores import FrameScores


class ScaleScores(TypedDict, total=False):
    """The entries of DepthSummary that are about scale."""

    scale_drift: float
    scale_jitter: float
    fixed_factor: FixedFactor


def scale_scores(frames: Sequence[FrameScores]) -> ScaleScores:
    """Of one recording's frames, in order of time; of fewer than two frames there are none.

    Drift is the standard deviation of ln(median truth / median prediction) over frames, jitter the 95th percentile of
    its change from one frame to the next.
    """
    ordered = sorted(frames, key=lambda frame: frame.stamp_ns)
    if len(ordered) < 2:
        return {}
    log_scale = np.log([frame.depth.scale for frame in ordered])
    found: ScaleScores = {
        "scale_drift": float(np.std(log_scale)),
        "scale_jitter": float(np.percentile(np.abs(np.diff(log_scale)), 95)),
    }
    check = cross_check([frame.sample for frame in ordered if frame.sample is not None])
    if check is not None:
        scores = check.abs_rel_before, check.abs_rel_after
        found["fixed_factor"] = FixedFactor(*scores, check.median_factor, *check.factor_spread)
    return found
