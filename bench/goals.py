"""What was aimed at, beside what was measured."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

NODE_P50, NODE_P99, STEP_SHARE = 1.25, 2.0, 0.10
PEER_RATIO, IDLE_PERCENT, PREPARE_HZ = 4.0, 2.0, 150.0
KEPT_SHARE, FLAT = 0.99, 1.2
_NEEDED = ("run", "rest")


class Goal(NamedTuple):
    """`why` says what stands behind a miss, in the numbers of the same run."""

    aim: str
    measured: str
    met: bool
    why: str = ""


def goals(result: Mapping[str, Any]) -> list[Goal]:
    """Every goal whose measurement is there."""
    found: list[Goal] = []
    for name, check in _CHECKS.items():
        part = result.get(name)
        if part and "error" not in part:
            found += check(part)
    return found


def _node(part: Any) -> Iterator[Goal]:
    for row in part:
        model, engine, node = row["model"], row["engine"], row["node"]
        extra = sorted(((step["p50_ms"], name) for name, step in row["steps"].items() if name != "run"), reverse=True)
        run = row["steps"]["run"]
        why = "; ".join(f"{name} {p50_ms:.2f} ms" for p50_ms, name in extra[:3])
        why += f"; the network itself took {run['p50_ms'] / engine['p50_ms']:.2f} times the bare engine's time"
        tail = ", ".join(
            f"{name} {step['p99_ms']:.1f} ms"
            for name, step in sorted(row["steps"].items(), key=lambda item: -item[1]["p99_ms"])[:3]
        )
        ratios = (("p50", NODE_P50, why), ("p99", NODE_P99, f"99th percentiles: {tail}"))
        for name, limit, reason in ratios:
            ratio = row[f"ratio_{name}"]
            aim = f"{model}: node at most {limit:g} times the bare engine, {name}"
            times = f"{ratio:.2f} ({node[f'{name}_ms']:.1f} / {engine[f'{name}_ms']:.1f} ms)"
            yield Goal(aim, times, ratio <= limit, reason)
        large = {
            name: step["of_engine"]
            for name, step in row["steps"].items()
            if name not in _NEEDED and step["of_engine"] > STEP_SHARE
        }
        most = max((step["of_engine"], name) for name, step in row["steps"].items() if name not in _NEEDED)
        reasons = "; ".join(_REASONS[name] for name in large)
        aim = f"{model}: no step above {STEP_SHARE:.0%} of the engine's time"
        yield Goal(aim, f"largest: {most[1]}, {most[0]:.1%}", not large, reasons)


_REASONS = {
    "hand over": "hand over: a thread wakes and waits for the interpreter",
    "convert": "convert: this encoding needs arithmetic on every pixel",
    "resize": "resize: averages every pixel of the camera's image by area, as in training",
    "check, resize back": "resize back: depth for every pixel of the camera's image; output_size: model leaves it out",
    "encode": "encode: nothing is copied",
    "other messages": "other messages: many small Python objects",
    "publish": "publish: Fast DDS copies the depth image three times; output_size: model makes it small",
}


def _sustained(part: Any) -> Iterator[Goal]:
    for row in part:
        steady, above = row["steady"], row["overload"]
        kept = steady["published"] / steady["sent"]
        where = (
            f"lost before the node {steady['sent'] - steady['received']}, replaced while waiting {steady['dropped']}"
        )
        minutes = steady["seconds"] / 60
        aim = f"{row['model']}: {steady['rate_hz']:.0f} Hz for {minutes:.1f} min, at least {KEPT_SHARE:.0%} answered"
        yield Goal(aim, f"{kept:.1%} ({steady['answered_hz']:.1f} Hz)", kept >= KEPT_SHARE, where)
        for name, run in (("steady", steady), ("twice what it can do", above)):
            grown = run["last_to_first"]
            medians = ", ".join(f"{p50_ms:.0f}" for p50_ms in run["p50_by_fifth_ms"])
            reason = f"p50 of the fifths: {medians} ms"
            yield Goal(f"{row['model']}, {name}: latency does not grow", f"{grown:.2f} times", grown <= FLAT, reason)
        counts = f"{above['received']} = {above['published']} + {above['dropped']} + {above['bad']}"
        agree = above["counts_agree"] and steady["counts_agree"]
        aim = f"{row['model']}, above its rate: received = published + dropped + bad"
        yield Goal(aim, f"{counts}; {above['sent']} sent, {above.get('lost', 0)} lost before it", agree)


def _peer(part: Any) -> Iterator[Goal]:
    for pair in part:
        model = pair["model"]
        for row in pair["at_rate"]:
            latencies = (row["peer"]["latency"]["p50_ms"], row["ours"]["latency"]["p50_ms"])
            measured = f"{row['ratio_p50']:.1f} ({latencies[0]:.0f} / {latencies[1]:.0f} ms)"
            aim = f"{model}: the usual node at {row['rate_hz']:.1f} Hz: at least {PEER_RATIO:g} times our p50 latency"
            why = (
                "where the usual node holds the rate nothing queues, and only the faster network and fewer copies count"
            )
            yield Goal(aim, measured, row["ratio_p50"] >= PEER_RATIO, why)
        last = pair["at_rate"][-1]
        grown = f"ours {last['ours']['last_to_first']:.2f}, the usual node {last['peer']['last_to_first']:.2f} times"
        aim = f"{model}: at {last['rate_hz']:.0f} Hz ours stays flat"
        yield Goal(aim, grown, last["ours"]["last_to_first"] <= FLAT)


def _cost(part: Any) -> Iterator[Goal]:
    percent = part["idle"]["without_images"]["cpu_percent"]
    yield Goal(f"idle node below {IDLE_PERCENT:g} % of a core", f"{percent:.1f} %", percent < IDLE_PERCENT)
    single, most = part["several"][0], part["several"][-1]
    aim = f"{most['cameras']} nodes: a frame costs no more processor time than with one, within {FLAT - 1:.0%}"
    ratio = most["cpu_ms_per_frame"] / single["cpu_ms_per_frame"]
    yield Goal(aim, f"{ratio:.2f} times", ratio <= FLAT)


def _training(part: Any) -> Iterator[Goal]:
    prepare = part["prepare"]
    rate = prepare["prepare_frames_per_s"]
    measured = f"{rate:.0f} ({prepare['share_of_decoding']:.0%} of decoding alone)"
    why = f"decoding alone reaches {prepare['decode_frames_per_s']:.0f} here"
    yield Goal(f"prepare: at least {PREPARE_HZ:.0f} frames a second and core", measured, rate >= PREPARE_HZ, why)
    ratio = part["loader"]["loader_to_step"]
    yield Goal("loader: faster than the training step consumes", f"{ratio:.1f} times", ratio > 1.0)


_CHECKS = {
    "node_against_engine": _node,
    "sustained": _sustained,
    "against_peer": _peer,
    "cost": _cost,
    "training": _training,
}
