"""From watched frames and arrivals to plain numbers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Record = Mapping[str, float]
# What a frame goes through in the node, in order; everything between receive and publish, without a gap.
STEPS = {
    "hand over": "from the callback to the worker's thread",
    "convert": "message -> view of its pixels",
    "resize": "to the network's size",
    "run": "the network, inside the node",
    "check, resize back": "finite? focal correction, depth to the camera's size",
    "encode": "depth -> message, whose pixels it was written to",
    "other messages": "camera_info, classification",
    "publish": "three messages into DDS",
    "rest": "calibration, statistics, subscribers counted",
}


def percentiles(values_ms: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 of milliseconds; empty where there are no values."""
    if not len(values_ms):
        return {}
    p50, p95, p99 = (float(value) for value in np.percentile(values_ms, (50, 95, 99)))
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}


def read_records(file: Path, first: int = 0) -> list[dict[str, float]]:
    """What bench.timed_node wrote, from frame number `first` on."""
    records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [record for record in records if record["number"] >= first]


def receive_to_publish_ms(records: Sequence[Record]) -> list[float]:
    return [1e3 * (record["ended_s"] - record["received_s"]) for record in records]


def step_times_ms(record: Record) -> dict[str, float]:
    """Each of STEPS of one frame, in milliseconds; they sum up to the frame's receive-to-publish latency."""
    took = {name: record.get(name, 0.0) for name in ("convert", "predict", "resize", "infer", "outputs", "encode")}
    publish = record.get("publish", 0.0)
    whole = record["ended_s"] - record["received_s"]
    steps = {
        "hand over": record["begun_s"] - record["received_s"],
        "convert": took["convert"],
        "resize": took["resize"],
        "run": took["infer"],
        "check, resize back": took["predict"] - took["resize"] - took["infer"],
        "encode": took["encode"],
        "other messages": took["outputs"] - took["encode"] - publish,
        "publish": publish,
    }
    steps["rest"] = whole - sum(steps.values())
    return {name: 1e3 * seconds for name, seconds in steps.items()}


def step_table(records: Sequence[Record], engine_p50_ms: float) -> dict[str, dict[str, float]]:
    """For each of STEPS: p50, p95, p99 and its median's share of the bare engine's."""
    times = [step_times_ms(record) for record in records]
    table = {name: percentiles([time[name] for time in times]) for name in STEPS}
    return {name: {**row, "of_engine": row["p50_ms"] / engine_p50_ms} for name, row in table.items()}


def growth(latencies: Sequence[tuple[float, float]], parts: int = 5) -> dict[str, Any]:
    """How latency develops: the median of each part of the run, and the last against the first.

    `latencies` are (second, ms), in order of time.
    """
    values = np.array([latency_ms for _, latency_ms in latencies])
    medians = [float(np.median(part)) for part in np.array_split(values, parts) if len(part)]
    if not medians:
        return {}
    return {"p50_by_fifth_ms": medians, "last_to_first": medians[-1] / medians[0]}
