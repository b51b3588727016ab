"""The results as a page of Markdown. Every number comes from the result, none is typed here."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.goals import goals
from bench.steps import STEPS

Row = Sequence[object]
_COUNTS = ("sent", "lost", "received", "dropped", "published")


def document(result: Mapping[str, Any]) -> str:
    """docs/performance.md."""
    parts = [_head(result), _goals(result)]
    for name, write in _SECTIONS.items():
        part = result.get(name)
        if part is None:
            continue
        parts.append(f"*Not measured: {part['error']}*" if "error" in part else write(part))
    return "\n\n".join(parts) + "\n"


def table(head: Row, rows: Sequence[Row]) -> str:
    """A table of Markdown, its columns aligned so that it reads well in a terminal too."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _head(result: Mapping[str, Any]) -> str:
    machine, versions, threads = result["machine"], result["versions"], result["threads"]
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"""# Performance

Written by `make bench` (`make bench MINUTES=10` for long steady runs); the same numbers are in `performance.json`.

Measured on {result["date"]}, commit {result["commit"]}: {machine["processor"]}, {machine["cores"]} cores,
{machine["memory_gb"]:g} GB memory, GPU: {machine["gpu"]}, {machine["system"]}.
Before it began {machine["busy_percent_before"]:.0f} % of the processor was busy.
{packages}.
Threads of the node: ONNX Runtime {threads["onnxruntime"]} without spinning, OpenCV {threads["opencv"]}.
Frames are those of the sample bag at 640x480, rgb8, between processes over Fast DDS with `config/fastdds.xml`.
**Read the ratios**: both sides of each were measured in turn in one run, so they hold on other machines better than the
milliseconds do."""


def _goals(result: Mapping[str, Any]) -> str:
    found = goals(result)
    rows = [(goal.aim, goal.measured, "met" if goal.met else "**missed**") for goal in found]
    lines = [f"- {goal.aim}: {goal.measured}. {goal.why[:1].upper()}{goal.why[1:]}." for goal in found if not goal.met]
    text = "## Goals\n\n" + table(("goal", "measured", ""), rows)
    if lines:
        text += "\n\n**What fell short, and what stands behind it in the numbers of this run:**\n\n" + "\n".join(lines)
    return text


def _node(part: Any) -> str:
    text = """## Node against the bare engine

A frame goes through the node, then one through `engine.infer` alone in another process, and so on in turn. "Node" is
from the node's callback to the last of its outputs published; "camera to depth" is from before the camera's `publish`
to the depth image's arrival at a subscriber: DDS on both sides, and the conversion for the node's callback."""
    for row in part:
        sizes = [("bare engine", row["engine"]), ("node", row["node"]), ("camera to depth", row["camera_to_depth"])]
        rows = [(name, *_three(times)) for name, times in sizes]
        rows += [("**node / engine**", f"**{row['ratio_p50']:.2f}**", "", f"**{row['ratio_p99']:.2f}**")]
        steps = [
            (name, STEPS[name], f"{step['p50_ms']:.2f}", f"{step['p99_ms']:.2f}", f"{step['of_engine']:.1%}")
            for name, step in row["steps"].items()
        ]
        text += f"\n\n### {row['model']}: {row['encoder']}, {row['width']}x{row['height']}\n\n"
        text += f"{row['pairs']} pairs; {row['engine_description']}; the node holds {row['memory_mb']:.0f} MB.\n"
        text += f"Processor time a frame: engine {row['engine_cpu_ms']:.1f} ms, node {row['node_cpu_ms']:.1f} ms.\n\n"
        text += table(("ms", "p50", "p95", "p99"), rows)
        text += "\n\n" + table(("step in the node", "", "p50 ms", "p99 ms", "of the engine"), steps)
    return text


def _sustained(part: Any) -> str:
    head = (
        *("", "rate Hz", "min", *_COUNTS, "latency p50", "p99", "last / first fifth"),
        *("CPU ms a frame", "core %", "MB before", "MB after"),
    )
    rows = []
    for row in part:
        for name, run in (("steady", row["steady"]), ("twice its most", row["overload"])):
            counts = [run.get(key, "") for key in _COUNTS]
            latency = [f"{run['latency'][key]:.1f}" for key in ("p50_ms", "p99_ms")]
            cost = f"{run['cpu_ms_per_frame']:.1f}", f"{run['cpu_percent']:.0f}"
            memory = f"{run['memory_before_mb']:.0f}", f"{run['memory_mb']:.0f}"
            label, minutes = f"{row['model']}, {name}", f"{run['seconds'] / 60:.1f}"
            grown = f"{run['last_to_first']:.2f}"
            rows.append((label, f"{run['rate_hz']:.1f}", minutes, *counts, *latency, grown, *cost, *memory))
    most = ", ".join(f"{row['model']} {row['most_hz']:.0f}" for row in part)
    return f"""## Sustained, and above what it can do

Latency in ms from the camera's `publish` to the depth's arrival. Lost: replaced by a newer image in DDS before the
node took it (depth 1, best effort), by the node's own count. Dropped: replaced while it waited for the worker. Most
frames a second, where there is always one waiting: {most}.

{table(head, rows)}"""


def _peer(part: Any) -> str:
    text = """## Against the usual way

`bench/peer_node.py` is the node that people write first: PyTorch eager, a full-size copy as cv_bridge makes, a reliable
subscription with a queue of ten, inference in the callback of a single-threaded executor, `tobytes()` assigned to
`Image.data`. Its weights are those of the bundle: `bench/torch_graph.py` makes PyTorch layers of the ONNX graph (folded
batch normalization stays folded, to its advantage). Both get the same frames from the same camera, in turns. Latency
in ms, camera to depth. Above the rate that it holds, the usual node's queue of ten fills up, and every image waits for
nine others; ours answers the newest and drops the rest. Below it only the networks' speed and the copies differ."""
    return "\n\n".join([text, *map(_against_one_peer, part)])


def _against_one_peer(part: Any) -> str:
    tried = ", ".join(f"{name}: {ms:.0f} ms" for name, ms in part["peer_threads_tried_ms"].items())
    rows = [
        ("one at a time", *_pair(part["one_at_a_time"]), f"**{part['one_at_a_time']['ratio_p50']:.1f}**", *[""] * 6)
    ]
    for row in part["at_rate"]:
        ours, peer = row["ours"], row["peer"]
        answered = f"{ours['answered_hz']:.1f}", f"{peer['answered_hz']:.1f}"
        grown = f"{ours['last_to_first']:.2f}", f"{peer['last_to_first']:.2f}"
        cpu = f"{ours['cpu_ms_per_frame']:.0f}", f"{peer['cpu_ms_per_frame']:.0f}"
        pair = _pair({"ours": ours["latency"], "peer": peer["latency"]})
        rows.append((f"{row['rate_hz']:.1f} Hz", *pair, f"**{row['ratio_p50']:.1f}**", *answered, *grown, *cpu))
    last = part["at_rate"][-1]
    head = (
        "",
        "ours p50",
        "p99",
        "usual p50",
        "p99",
        "ratio p50",
        "ours answers Hz",
        "usual",
        "ours last / first fifth",
        *("usual", "ours CPU ms a frame", "usual"),
    )
    return f"""### {part["model"]}

{part["peer"]}, the better of its settings ({tried}). Depth of the two differs by at most
{part["largest_difference"]:.1g} of its value.

{table(head, rows)}

Resident memory: ours {last["ours"]["memory_mb"]:.0f} MB, the usual node {last["peer"]["memory_mb"]:.0f} MB."""


def _cost(part: Any) -> str:
    idle, unwatched = part["idle"]["without_images"], part["idle"]["unwatched"]
    head = (
        "cameras",
        "sent Hz",
        "answered Hz",
        "slowest node Hz",
        "latency p50",
        "p99",
        "CPU ms a frame",
        "core %",
        "MB",
    )
    rows = [
        (
            *(row["cameras"], f"{row['sent_hz']:.0f}", f"{row['answered_hz']:.1f}", f"{row['least_hz']:.1f}"),
            *(f"{row['latency']['p50_ms']:.1f}", f"{row['latency']['p99_ms']:.1f}", f"{row['cpu_ms_per_frame']:.1f}"),
            *(f"{row['cpu_percent']:.0f}", f"{row['memory_mb']:.0f}"),
        )
        for row in part["several"]
    ]
    return f"""## What nodes cost

A node without images takes {idle["cpu_percent"]:.1f} % of a core and {idle["memory_mb"]:.0f} MB. With images at
{unwatched["rate_hz"]:.0f} Hz that nobody wants the results of it takes {unwatched["cpu_percent"]:.1f} % of a core
({unwatched["cpu_ms_per_frame"]:.2f} ms a frame: DDS and rclpy's conversion).

Several nodes on this machine, each with a camera of its own at 30 Hz (the cameras and subscribers take processor time
too, which is not counted):

{table(head, rows)}"""


def _training(part: Any) -> str:
    prepare, loader = part["prepare"], part["loader"]
    rows = [
        ("prepare on one core: 640x480 -> 96x128, with reading and writing", f"{prepare['prepare_frames_per_s']:.0f}"),
        ("decoding JPEG and PNG alone, on one core", f"{prepare['decode_frames_per_s']:.0f}"),
        ("loader with augmentation, 96x128, in the training process", f"{loader['loader_one_process_per_s']:.0f}"),
        (f"the same with {loader['workers']} worker processes", f"{loader['loader_with_workers_per_s']:.0f}"),
        (f"a training step consumes, batches of {loader['batch_size']}, all cores", f"{loader['step_per_s']:.1f}"),
    ]
    by_scans = [(row["scans"], row["frames"], f"{row['seconds']:.1f}") for row in part["epochs"]]
    few, many = part["epochs"][0], part["epochs"][-1]
    per_s = (many["frames"] - few["frames"]) / (many["seconds"] - few["seconds"])
    return f"""## Training side

The step is forward, loss, backward and optimizer of the default network with its encoder frozen.

{table(("", "frames a second"), rows)}

A training of one epoch, every frame once, with its start, one validation and its checkpoints; each further frame takes
1/{per_s:.0f} s:

{table(("scans", "frames", "seconds"), by_scans)}"""


def _three(times: Mapping[str, float]) -> tuple[str, str, str]:
    return f"{times['p50_ms']:.2f}", f"{times['p95_ms']:.2f}", f"{times['p99_ms']:.2f}"


def _pair(sides: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{sides[side][key]:.1f}" for side in ("ours", "peer") for key in ("p50_ms", "p99_ms"))


_SECTIONS = {
    "node_against_engine": _node,
    "sustained": _sustained,
    "against_peer": _peer,
    "cost": _cost,
    "training": _training,
}
