"""The training side, in the environment that has torch: python -m bench.training SCAN prints JSON.

Each measurement is a function that takes the scan and returns a dictionary, so that more can stand beside these.
"""

import contextlib
import itertools
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from redwood_depth.errors import RedwoodDepthError
from training.config import TrainConfig
from training.data.dataset import DrawSampler, FrameSamples
from training.data.preparation_speed import measure
from training.data.prepared_data import SPLITS_FILE, PreparedData, PreparedScan, write_index
from training.data.scan_preparation import PrepareSettings, ScanFailure, prepare_scan
from training.data.scan_sources import ScanSource
from training.data.splits import write_splits
from training.run.lightning_module import DepthClassModule
from training.run.train_run import train

HEIGHT, WIDTH = 96, 128
_SECONDS = 8.0
_SCANS = (4, 16, 64)
_CONFIG = TrainConfig(height=HEIGHT, width=WIDTH, encoder_weights="none", samples_per_epoch=1_000_000)


def epochs(scan: Path) -> list[dict[str, float]]:
    """Seconds of a training of one epoch, every frame once, by the number of scans; all are copies of one."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        prepared = _prepared(scan, Path(folder))
        for count in _SCANS:
            data = _copies(prepared, count, Path(folder) / f"data{count}")
            config = replace(_CONFIG, sampling="frames", epochs=1, class_loss_weight=0.0)
            started_s = time.monotonic()
            with contextlib.redirect_stdout(sys.stderr):
                train(config, data, Path(folder) / f"run{count}")
            rows.append({"scans": count, "frames": count * len(prepared), "seconds": time.monotonic() - started_s})
    return rows


def _copies(scan: PreparedScan, count: int, folder: Path) -> PreparedData:
    """`count` training scans and one for validation that are all `scan`, by links."""
    records = [replace(scan.record, name=f"car/{number:05d}") for number in range(count + 1)]
    for record in records:
        (folder / record.name).parent.mkdir(parents=True, exist_ok=True)
        (folder / record.name).symlink_to(scan.folder)
    write_index(folder, (HEIGHT, WIDTH), records, {})
    first, *others = records
    write_splits(folder / SPLITS_FILE, 0, {first.name: "validation"} | {other.name: "train" for other in others})
    return PreparedData.load(folder)


def prepare(scan: Path) -> dict[str, float]:
    """Frames a second on one core: scans -> 96x128 with reading and writing, and decoding alone."""
    result = measure(scan, PrepareSettings(height=HEIGHT, width=WIDTH, frames_per_scan=0))
    return {**result, "share_of_decoding": result["prepare_frames_per_s"] / result["decode_frames_per_s"]}


def loader(scan: Path) -> dict[str, float]:
    """Augmented samples a second that the loader gives, with and without worker processes, and that a step consumes.

    The step is forward, loss and backward of the default network (encoder frozen, so the hungriest) on all cores.
    """
    with tempfile.TemporaryDirectory() as folder:
        scans = [_prepared(scan, Path(folder))]
        samples = FrameSamples(scans, _CONFIG, augment=True)
        alone = _loaded_per_s(samples, scans, 0)
        with_workers = _loaded_per_s(samples, scans, _CONFIG.workers)
        consumed = _consumed_per_s(samples, scans)
    return {
        "workers": _CONFIG.workers,
        "batch_size": _CONFIG.batch_size,
        "loader_one_process_per_s": alone,
        "loader_with_workers_per_s": with_workers,
        "step_per_s": consumed,
        "loader_to_step": with_workers / consumed,
    }


def _prepared(scan: Path, data: Path) -> PreparedScan:
    source = ScanSource(scan, "car", "scan")
    record = prepare_scan(source, data, PrepareSettings(height=HEIGHT, width=WIDTH, frames_per_scan=0))
    if isinstance(record, ScanFailure):
        raise RedwoodDepthError(f"{scan}: {record.reason}")
    return PreparedScan(data / source.name, record, 0, HEIGHT, WIDTH)


def _loaded_per_s(samples: FrameSamples, scans: list[PreparedScan], workers: int) -> float:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    sampler = DrawSampler(scans, _CONFIG)
    batches = iter(DataLoader(samples, _CONFIG.batch_size, sampler=sampler, num_workers=workers))
    for batch in itertools.islice(batches, 4):  # processes start, files are opened
        assert len(batch["label"]) == _CONFIG.batch_size
    count, started_s = 0, time.monotonic()
    while time.monotonic() - started_s < _SECONDS:
        next(batches)
        count += _CONFIG.batch_size
    took_s = time.monotonic() - started_s
    torch.set_num_threads(threads)
    return count / took_s


def _consumed_per_s(samples: FrameSamples, scans: list[PreparedScan]) -> float:
    batch = next(iter(DataLoader(samples, _CONFIG.batch_size, sampler=DrawSampler(scans, _CONFIG))))
    module = DepthClassModule(_CONFIG.to_dict(), ["car"])
    module.model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad])
    image = batch["image"].float().contiguous(memory_format=torch.channels_last)
    count, started_s = 0, 0.0
    for step in itertools.count():
        optimizer.zero_grad()
        torch.stack(list(module.loss_parts(module.model(image), batch).values())).sum().backward()
        optimizer.step()
        if step == 1:  # the first steps choose their algorithms
            started_s = time.monotonic()
        elif step > 1:
            count += _CONFIG.batch_size
            if time.monotonic() - started_s > _SECONDS:
                break
    return count / (time.monotonic() - started_s)


MEASUREMENTS: dict[str, Any] = {"prepare": prepare, "loader": loader, "epochs": epochs}


def main() -> int:
    """Entry point. Returns the exit code."""
    scan = Path(sys.argv[1])
    print(json.dumps({name: measurement(scan) for name, measurement in MEASUREMENTS.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
