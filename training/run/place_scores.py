"""Scores over places: a network that knows one room well is no help in the next, so each place counts once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.data.prepared_data import is_rendered


@dataclass(frozen=True)
class PlaceScores:
    """AbsRel over real scans, each counting once however long it is."""

    places: int
    mean: float
    median: float
    worst: float
    worst_place: str
    scaled_mean: float
    constant_mean: float
    better_than_constant: int

    def to_json(self) -> dict[str, Any]:
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in vars(self).items()}


def place_scores(scans: Mapping[str, Mapping[str, Any]]) -> PlaceScores | None:
    """From the scores of each scan by name, as `evaluate` gives them; None without a real scan that has depth."""
    rows = {name: row for name, row in scans.items() if not is_rendered(name) and "abs_rel" in row}
    if not rows:
        return None
    raw = np.array([row["abs_rel"] for row in rows.values()])
    constant = np.array([row["best_constant"]["abs_rel"] for row in rows.values()])
    return PlaceScores(
        places=len(rows),
        mean=float(raw.mean()),
        median=float(np.median(raw)),
        worst=float(raw.max()),
        worst_place=list(rows)[int(raw.argmax())],
        scaled_mean=float(np.mean([row["scaled"]["abs_rel"] for row in rows.values()])),
        constant_mean=float(constant.mean()),
        better_than_constant=int((raw < constant).sum()),
    )


def place_lines(scores: PlaceScores) -> list[str]:
    """Two lines that people read."""
    return [
        f"over {scores.places} real places AbsRel {scores.mean:.3f} on average, {scores.median:.3f} at the median "
        f"place, {scores.worst:.3f} at the worst ({scores.worst_place})",
        f"median-scaled {scores.scaled_mean:.3f}; each place's best constant {scores.constant_mean:.3f}, "
        f"bettered in {scores.better_than_constant} of {scores.places}",
    ]
