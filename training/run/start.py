"""The beginning of a run, or of its continuation: what the folder holds must be what is asked for now."""

import hashlib
import json
import platform
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import lightning
import torch
import yaml
from lightning.fabric.utilities.rank_zero import rank_zero_only

from redwood_depth.bundle import ModelBundle
from redwood_depth.files import write_whole
from training.config import TrainConfig, config_from
from training.data.dataset import depth_inside
from training.data.photos import find_photos
from training.data.prepared_data import PreparedData, PreparedScan
from training.errors import TrainingError
from training.run.bundle_start import is_bundle
from training.run.checkpoints import LAST
from training.run.folder import CHECKPOINTS, CONFIG, RUN_INFO, read_json

FREE = {"workers", "accelerator", "strategy", "checkpoint_steps"}  # may change when a run goes on


def is_first_process() -> bool:
    """Whether this process prints and writes: of several that train together one does."""
    return getattr(rank_zero_only, "rank", 0) == 0


def run_scans(config: TrainConfig, data: PreparedData) -> tuple[list[PreparedScan], list[PreparedScan]]:
    """Training and validation scans. Raises TrainingError or ScanError where there is nothing to learn from."""
    scans, checked = data.scans("train"), data.scans("validation")
    for found, purpose in ((scans, "training"), (checked, "validation")):
        if not found:
            raise TrainingError(f"{data.folder} has no scan for {purpose}; prepare more scans")
    run_classes(config, data)
    if not any(depth_inside(scan, config).size for scan in checked):
        low, high = config.depth_range_m
        raise TrainingError(f"no validation scan has depth between {low:g} and {high:g} m")
    if config.class_head == "imagenet" and config.photos:
        find_photos(Path(config.photos), data.classes)
    if config.class_head == "linear" and config.class_loss_weight > 0:
        _check_classes(config, data, {scan.class_index for scan in scans})
    return scans, checked


def run_classes(config: TrainConfig, data: PreparedData) -> tuple[str, ...]:
    """The classes of a run: those of the data, else those of the bundle that it starts from, which stay as they are.

    Raises:
        TrainingError: there are none.
    """
    if data.classes:
        return data.classes
    start = Path(config.start_from)
    if config.start_from and is_bundle(start) and config.encoder_training == "frozen":
        return ModelBundle.load(start).classes
    raise TrainingError(
        "all scans are of class 'none': put them into ROOT/CLASS to learn classes, or begin with start_from=BUNDLE and "
        "a frozen encoder, which keep the bundle's"
    )


def open_run(config: TrainConfig, data: PreparedData, run: Path) -> Path | None:
    """Make the folder, or compare it with what is asked for; returns the checkpoint to go on from.

    Raises:
        TrainingError: the run was begun with another configuration or other data.
    """
    info, last = _run_info(data), run / CHECKPOINTS / LAST
    if (run / CONFIG).exists():
        _check_config(_read_config(run), config, run)
    if last.exists() and (run / RUN_INFO).exists():
        earlier = read_json(run / RUN_INFO).get("data_digest")
        if earlier not in (None, info["data_digest"]):
            raise TrainingError(f"{run} was begun with other data than {data.folder} has now; choose another --output")
    if is_first_process():
        run.mkdir(parents=True, exist_ok=True)
        write_whole(run / CONFIG, yaml.safe_dump(config.to_dict(), sort_keys=False))
        write_whole(run / RUN_INFO, json.dumps(info, indent=2) + "\n")
    return last if last.exists() else None


def _check_classes(config: TrainConfig, data: PreparedData, found: set[int]) -> None:
    if -1 in found and not config.class_background:
        raise TrainingError("class_background: false has no class for the training scans of class 'none'")
    if len(found) < 2:
        only = data.classes[max(found)] if max(found) >= 0 else "none"
        raise TrainingError(
            f"all training scans are of class {only!r}: nothing to tell apart; add scans of other classes or of "
            "none, or learn depth alone with class_loss_weight=0"
        )


def _read_config(run: Path) -> TrainConfig:
    try:
        return config_from(dict(yaml.safe_load((run / CONFIG).read_text("utf-8"))))
    except (OSError, ValueError, TypeError, yaml.YAMLError, TrainingError) as error:
        raise TrainingError(f"{run / CONFIG} cannot be read; choose another --output") from error


def _check_config(earlier: TrainConfig, now: TrainConfig, run: Path) -> None:
    before, after = earlier.to_dict(), now.to_dict()
    changed = [f"{key} {before[key]} -> {after[key]}" for key in after if key not in FREE and before[key] != after[key]]
    if changed:
        more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
        changes = ", ".join(changed[:4]) + more
        raise TrainingError(f"{run} was begun with other settings ({changes}); choose another --output")


def _run_info(data: PreparedData) -> dict[str, Any]:
    """What a result can be traced back to: code, versions, data."""
    scans = Counter(f"{data.splits[scan.name]}: {scan.class_name}" for scan in data.all_scans)
    single = [scan.name.removeprefix("none/") for scan in data.scans("train") if not scan.is_rendered]
    rendered = Counter(scan.class_name for scan in data.scans("train") if scan.is_rendered)
    return {
        "git_revision": _git_revision(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "lightning": lightning.__version__,
        "machine": platform.machine(),
        "data": data.folder.name,
        "data_folder": str(data.folder),
        "data_digest": _data_digest(data),
        "classes": list(data.classes),
        "scans": dict(sorted(scans.items())),
        "trained_on": [*single, *(f"rendered {name} ({count} scans)" for name, count in sorted(rendered.items()))],
    }


def _data_digest(data: PreparedData) -> str:
    """Changes where other frames would be drawn: with the scans of training and validation, their lengths and order."""
    used = [(scan.name, len(scan)) for split in ("train", "validation") for scan in data.scans(split)]
    return hashlib.sha256(json.dumps([data.height, data.width, used]).encode()).hexdigest()[:16]


def _git_revision() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    here = Path(__file__).parent
    done = subprocess.run(
        [git, "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
