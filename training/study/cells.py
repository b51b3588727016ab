"""What the study trains: the paper's recipe turned into ours one by one, and encoders under the paper's mistakes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from training.config import TrainConfig, config_from
from training.data.scan_preparation import PAIRINGS
from training.network.encoder import NORMALIZATIONS, TRAINABLE

BATCH = 16
PAPER: dict[str, Any] = {
    "normalisation": "divide_by_255",
    "depth_output": "linear",
    "decoder_dropout": 0.0,
    "class_head": "linear",
    "depth_loss": "paper",
    "mask_missing": False,
    "sampling": "frames",
    "augment_camera": False,
    "augment_light": False,
    "flip": True,
    "swap_red_green": True,
    "optimizer": "adam_amsgrad",
    "schedule": "constant",
    "learning_rate": 1e-4,
    "encoder_learning_rate": 1e-4,
}
CHANGES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("paired by time stamp", {"pairing": "stamp"}),
    ("missing depth masked", {"mask_missing": True}),
    ("the encoder's own normalization", {"normalisation": "encoder"}),
    ("L1 of log depth, output within the range", {"depth_loss": "log_l1", "depth_output": "log_range"}),
    (
        "AdamW, one cycle up to 2e-3, dropout",
        {
            "optimizer": "adamw",
            "schedule": "one_cycle",
            "learning_rate": 2e-3,
            "decoder_dropout": 0.2,
        },
    ),
    (
        "other cameras and light, no swapped channels",
        {
            "augment_camera": True,
            "augment_light": True,
            "swap_red_green": False,
        },
    ),
    ("scans drawn alike, not frames", {"sampling": "scans"}),
    ("AbsRel itself as the loss", {"depth_loss": "abs_rel"}),
)
RECIPE, ENCODERS = "recipe", "encoders"


@dataclass(frozen=True)
class Cell:
    """One training: its row in a table, how its training data is paired, and every key of its configuration."""

    table: str
    row: str
    pairing: str
    config: TrainConfig
    varied: dict[str, str] = field(default_factory=dict)  # in the table of encoders

    @property
    def name(self) -> str:
        """The run's folder."""
        return f"{re.sub(r'[^a-z0-9_.]+', '-', self.row.lower())}-seed{self.config.seed}"


def recipe_cells(encoder: dict[str, Any], pairings: Sequence[str], **common: Any) -> list[Cell]:
    """The paper's recipe, then one change after another, each kept, until it is ours.

    `encoder` holds the configuration's keys of the encoder. Without data that is paired by position the recipe starts
    from pairing by stamp.
    """
    values: dict[str, Any] = {"pairing": "position", **PAPER, **encoder, **common}
    cells = [_cell(RECIPE, "0 / the paper's recipe", values)]
    for number, (title, change) in enumerate(CHANGES, 1):
        values |= change
        cells.append(_cell(RECIPE, f"{number} / {title}", values))
    return [cell for cell in cells if cell.pairing in pairings] if "position" in pairings else cells[1:]


def encoder_cells(
    encoders: Sequence[dict[str, Any]],
    trainings: Sequence[str],
    pairings: Sequence[str],
    base: dict[str, Any],
    **common: Any,
) -> list[Cell]:
    """Encoders x preprocessing x what of the encoder is trained x pairing; the rest as in `base`."""
    cells = []
    for encoder in encoders:
        for training in (t for t in TRAINABLE if t in trainings):
            for normalisation in NORMALIZATIONS:
                for pairing in (p for p in PAIRINGS if p in pairings):
                    varied = {"encoder_training": training, "normalisation": normalisation, "pairing": pairing}
                    row = f"{encoder['encoder']} / {training} / {normalisation} / {pairing}"
                    shown = {"encoder": encoder["encoder"], **varied}
                    cells.append(_cell(ENCODERS, row, {**base, **encoder, **varied, **common}, shown))
    return cells


def _cell(table: str, row: str, values: dict[str, Any], shown: dict[str, str] | None = None) -> Cell:
    keys = dict(values)
    pairing = keys.pop("pairing")
    return Cell(table, row, pairing, config_from(keys), shown or {})
