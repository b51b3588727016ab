"""The part of a result that is about depth: scores, baselines, errors by distance."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from redwood_depth.calibration.cross_check import fixed_factor_sentence
from redwood_depth.evaluation.records import entry


@dataclass(frozen=True)
class DepthScores:
    """Means over frames of the scores of depth. Units: m where said, else none."""

    abs_rel: float = entry("mean of \\|p - t\\| / t")
    sq_rel: float = entry("mean of (p - t)² / t, in m")
    rmse: float = entry("root of the mean of (p - t)², in m")
    rmse_log: float = entry("the same of natural logarithms")
    log10: float = entry("mean of \\|log10 p - log10 t\\|")
    silog: float = entry("100 times the standard deviation of ln p - ln t")
    mae: float = entry("mean of \\|p - t\\|, in m")
    delta1: float = entry("share of pixels within a factor of 1.25 of the ground truth")
    delta2: float = entry("within 1.25²")
    delta3: float = entry("within 1.25³")
    coverage: float | None = entry("share of the valid pixels that have a usable prediction", optional=True)
    ssim: float | None = entry("structural similarity, over windows without a hole", optional=True)

    @classmethod
    def of(cls, scores: Mapping[str, float]) -> "DepthScores":
        """From scores by name, as metrics.depth_scores gives them."""
        return cls(**{one.name: scores[one.name] for one in fields(cls) if one.name in scores})

    def by_name(self) -> dict[str, float]:
        """The scores that there are, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Baseline:
    """One depth for every pixel, and its scores."""

    depth_m: float = entry("the depth, in m")
    scores: DepthScores = entry("its scores", flat=True)


@dataclass(frozen=True)
class DistanceBin:
    """Errors over all pixels of a range of true distance."""

    from_m: float = entry("lower edge, in m")
    to_m: float = entry("upper edge, in m")
    share: float = entry("share of the valid pixels that lie in it")
    mae: float = entry("mean of \\|p - t\\|, in m")
    abs_rel: float = entry("mean of \\|p - t\\| / t")
    bias_m: float = entry("mean of p - t, in m: negative is too near")
    constant_abs_rel: float = entry("abs_rel of the best constant depth")


@dataclass(frozen=True)
class PaperScores:
    """Scores at 96x128 without a mask, as Nayak, Du and Portmann report them."""

    mae: float = entry("in m")
    ssim: float = entry("structural similarity")


@dataclass(frozen=True)
class FixedFactor:
    """Whether one factor for all frames would help: fitted on stretches of time, scored on the others."""

    abs_rel_before: float = entry("AbsRel of the held-out frames as they are")
    abs_rel_after: float = entry("the same with the factor that the other stretches ask for")
    median_factor: float = entry("what the median frame alone asks for")
    low_factor: float = entry("5th percentile of what single frames ask for")
    high_factor: float = entry("95th percentile")

    def sentence(self) -> str:
        """What it means, for a person."""
        scores = self.abs_rel_before, self.abs_rel_after
        return fixed_factor_sentence(*scores, self.median_factor, self.low_factor, self.high_factor)


@dataclass(frozen=True)
class DepthSummary:
    """Scores of depth beside what no model at all would score."""

    scores: DepthScores = entry("scores of the prediction as it is", flat=True)
    scaled: DepthScores = entry("scores after each frame is multiplied to the ground truth's median")
    baselines: dict[str, Baseline] = entry(
        "`best_constant` for these very frames; `training_median` of the model's data"
    )
    by_distance: list[DistanceBin] = entry("errors by true distance; bins without a pixel are skipped")
    paper: PaperScores | None = entry("with `--protocol paper`", optional=True)
    scale_drift: float | None = entry(
        "of one recording: standard deviation over frames of ln(median ratio of truth and prediction)", optional=True
    )
    scale_jitter: float | None = entry(
        "of one recording: 95th percentile of that logarithm's change from frame to frame", optional=True
    )
    fixed_factor: FixedFactor | None = entry("of one recording: whether one factor would mend the scale", optional=True)

    def columns(self) -> dict[str, DepthScores]:
        """The columns of a table: the model raw, median-scaled, and the baselines."""
        return {
            "model": self.scores,
            "scaled": self.scaled,
            **{name: baseline.scores for name, baseline in self.baselines.items()},
        }
