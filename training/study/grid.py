"""The study: every cell is a run; finished ones are skipped, failed ones are named, and the results are one file."""

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import timm

from redwood_depth.errors import RedwoodDepthError
from redwood_depth.files import write_whole
from training.config import TrainConfig, config_from
from training.data.prepared_data import PreparedData, PreparedScan
from training.data.scan_preparation import pairing_of
from training.errors import TrainingError
from training.network.encoder import Encoder
from training.run.train_run import train
from training.study.cells import BATCH, PAPER, Cell, encoder_cells, recipe_cells
from training.study.held_out_scores import cell_scores, constant

CELL = "cell.json"  # in a cell's run folder, once it is scored
RESULTS = "study.json"
LEARNING_RATE = 1e-3  # of the encoders' table: within the paper's sweep, and as high as few steps need
DEFAULT_ENCODERS = ("tf_efficientnet_lite0", "densenet169", "resnet50", "tf_efficientnetv2_b0")
CELL_ERRORS = (RedwoodDepthError, RuntimeError, ValueError, OSError, MemoryError)

Step = Callable[[int, int, str, str], None]


@dataclass(frozen=True)
class StudySettings:
    """What a study costs: `steps` of `batch` images in whole epochs at least, for each of `seeds` trainings a cell."""

    steps: int = 300
    seeds: int = 1
    batch: int = BATCH
    tables: tuple[str, ...] = ("recipe", "encoders")
    encoders: tuple[str, ...] = DEFAULT_ENCODERS  # NAME or NAME=FILE with its weights
    trainings: tuple[str, ...] = ("frozen", "partly", "all")


@dataclass
class Results:
    """What the files of a study hold."""

    head: dict[str, Any]
    cells: list[dict[str, Any]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)  # encoder: why
    failed: dict[str, str] = field(default_factory=dict)  # cell: why
    missing: list[str] = field(default_factory=list)  # cells that nobody has trained yet

    def to_json(self) -> dict[str, Any]:
        words = {"skipped": self.skipped, "failed": self.failed, "missing": self.missing}
        return {**self.head, **words, "cells": self.cells}


def study(
    data: dict[str, PreparedData],
    output: Path,
    settings: StudySettings,
    step: Step = lambda *line: None,
    *,
    finished_only: bool = False,
) -> Results:
    """Train and score all cells below `output`, and keep study.json up to date; see training.study.tables for more.

    `data` holds prepared data by its pairing, "stamp" and perhaps "position". All cells are scored on the test scans of
    "stamp". `step` is called before (with "") and after each cell: number, number of all, name, what came out. With
    `finished_only` nothing is trained: the results are those of the cells that are finished.

    Raises:
        TrainingError: no such encoder, no encoder has weights, or the data does not fit the study.
        KeyboardInterrupt: the user stopped a training; the next call goes on with it.
    """
    tests = _check(data)
    encoders, skipped = _encoders(settings.encoders)
    cells = plan(data, encoders, settings)
    output.mkdir(parents=True, exist_ok=True)
    results = Results(_head(data, tests, settings), skipped=skipped)
    for number, cell in enumerate(cells, 1):
        if finished_only and not (output / cell.name / CELL).exists():
            results.missing.append(cell.name)
            continue
        step(number, len(cells), cell.name, "")
        try:
            done = _cell(cell, data[cell.pairing], tests, output / cell.name)
            results.cells.append(done)
            outcome = f"MAE {done['scores']['mae']:.3f} m, AbsRel {done['scores']['abs_rel']:.3f}"
        except CELL_ERRORS as error:
            results.failed[cell.name] = " ".join(str(error).split())[:300]
            outcome = f"failed: {results.failed[cell.name]}"
        _write(output, results)
        step(number, len(cells), cell.name, outcome)
    _write(output, results)
    return results


def plan(data: dict[str, PreparedData], encoders: Sequence[dict[str, Any]], settings: StudySettings) -> list[Cell]:
    """All cells, in the order in which they are trained."""
    stamped = data["stamp"]
    frames = sum(map(len, stamped.scans("train")))
    per_epoch = max(1, frames // settings.batch)
    cells = []
    for seed in range(settings.seeds):
        common = {
            "epochs": max(1, round(settings.steps / per_epoch)),
            "batch_size": settings.batch,
            "seed": seed,
            "height": stamped.height,
            "width": stamped.width,
            "workers": 0,
        }
        if "recipe" in settings.tables:
            cells += recipe_cells(encoders[0], list(data), **common)
        if "encoders" in settings.tables:
            base = {**PAPER, "mask_missing": True, "learning_rate": LEARNING_RATE}
            cells += encoder_cells(encoders, settings.trainings, list(data), base, **common)
    return cells


def _write(output: Path, results: Results) -> None:
    write_whole(output / RESULTS, json.dumps(results.to_json(), indent=1) + "\n")


def _cell(cell: Cell, data: PreparedData, tests: Sequence[PreparedScan], run: Path) -> dict[str, Any]:
    """Train and score, or read what an earlier call has found."""
    if (earlier := _finished(run / CELL, cell.config)) is not None:
        return earlier
    start_s = time.monotonic()
    if not train(cell.config, data, run):
        raise KeyboardInterrupt
    done = {
        "table": cell.table,
        "row": cell.row,
        "seed": cell.config.seed,
        "pairing": cell.pairing,
        "varied": cell.varied,
        "scores": cell_scores(run, tests),
        "seconds": round(time.monotonic() - start_s, 1),
        "config": cell.config.to_dict(),
    }
    write_whole(run / CELL, json.dumps(done, indent=1) + "\n")
    return done


def _finished(path: Path, config: TrainConfig) -> dict[str, Any] | None:
    try:
        done = json.loads(path.read_text("utf-8"))
        same = config_from(done["config"]) == config  # keys that are new since then have their defaults
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not same:
        raise TrainingError(f"{path.parent} was trained with other settings; choose another --output")
    return dict(done)


def _check(data: dict[str, PreparedData]) -> list[PreparedScan]:
    """The test scans. Raises TrainingError where the folders are not what the study takes them for."""
    stamped = data["stamp"]
    for wanted, prepared in data.items():
        for scan in prepared.all_scans:
            if pairing_of(scan.folder) != wanted:
                raise TrainingError(
                    f"{scan.folder} is not paired by {wanted}; run python -m training prepare --pairing {wanted}"
                )
        trained = {scan.name for scan in prepared.scans("train")}
        if trained != {scan.name for scan in stamped.scans("train")}:
            raise TrainingError(
                f"{prepared.folder} has other training scans than {stamped.folder}; copy its splits.json there and "
                "prepare again"
            )
        if (prepared.height, prepared.width) != (stamped.height, stamped.width):
            raise TrainingError(f"{prepared.folder} and {stamped.folder} are of different sizes")
    tests = stamped.scans("test")
    if not tests:
        raise TrainingError(f"{stamped.folder} has no test scan: prepare more scans")
    return tests


def _encoders(given: Sequence[str]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Configuration keys of the encoders whose weights can be had, and why the others are skipped."""
    found: list[dict[str, Any]] = []
    skipped = {}
    for text in given:
        name, _, file = text.partition("=")
        if not timm.is_model(name):
            raise TrainingError(f"timm has no encoder {name!r}")
        try:
            Encoder(name, file or "imagenet")
        except TrainingError as error:
            skipped[name] = str(error)
        else:
            found.append({"encoder": name, "encoder_weights": file or "imagenet"})
    if not found:
        raise TrainingError(f"no encoder can be had: {'; '.join(skipped.values())}")
    return found, skipped


def _head(data: dict[str, PreparedData], tests: Sequence[PreparedScan], settings: StudySettings) -> dict[str, Any]:
    stamped = data["stamp"]
    return {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "size": [stamped.height, stamped.width],
        "steps": settings.steps,
        "batch": settings.batch,
        "seeds": settings.seeds,
        "pairings": list(data),
        "training": {"scans": len(stamped.scans("train")), "frames": sum(map(len, stamped.scans("train")))},
        "wrong_pairs": {name: _wrong_pairs(prepared) for name, prepared in data.items()},
        "test": {"scans": len(tests), "frames": sum(map(len, tests))},
        "best_constant": constant(tests),
    }


def _wrong_pairs(data: PreparedData, gap_us: int = 20_000) -> int:
    """Training frames whose color and depth are further apart in time than `prepare` allows by stamp."""
    return sum(
        abs(color - depth) > gap_us
        for scan in data.scans("train")
        for color, depth in zip(scan.record.color_stamps_us, scan.record.depth_stamps_us, strict=True)
    )
