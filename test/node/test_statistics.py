"""Counters and percentiles on a clock that the test turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood_depth.node.statistics import FrameStatistics, Latencies, SequenceGaps


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@given(st.lists(st.floats(0, 10), min_size=1, max_size=300))
def test_percentiles_are_measured_values_in_order(durations_s: list[float]) -> None:
    latencies = Latencies(Clock())
    for duration_s in durations_s:
        latencies.add(duration_s)
    p50, p95, p99 = latencies.percentiles_ms().values()
    assert p50 <= p95 <= p99 <= round(1e3 * max(durations_s), 2)
    assert p50 in [round(1e3 * duration_s, 2) for duration_s in durations_s]


def test_what_is_older_than_ten_seconds_is_forgotten() -> None:
    clock = Clock()
    latencies = Latencies(clock)
    latencies.add(5.0)
    clock.now_s += 9.0
    latencies.add(0.010)
    clock.now_s += 2.0
    assert latencies.percentiles_ms() == {"p50": 10.0, "p95": 10.0, "p99": 10.0}
    assert latencies.rate_hz() == 0.1
    clock.now_s += 20.0
    assert latencies.percentiles_ms() == {}


def test_the_rate_is_right_from_the_first_seconds_on() -> None:
    clock = Clock()
    latencies = Latencies(clock)
    assert latencies.rate_hz() == 0.0
    for _ in range(90):
        latencies.add(0.01)
        clock.now_s += 1 / 30
    assert latencies.rate_hz() == pytest.approx(30, rel=0.05)
    for _ in range(900):
        latencies.add(0.01)
        clock.now_s += 1 / 30
    assert latencies.rate_hz() == pytest.approx(30, rel=0.05)


def test_frames_are_counted_and_timed() -> None:
    clock = Clock()
    statistics = FrameStatistics(clock)
    assert statistics.values()["age of newest image (s)"] == "no image yet"
    received_s = statistics.frame_received()
    clock.now_s += 0.020
    statistics.frame_published(received_s, inference_s=0.015)
    statistics.frame_received()
    statistics.frame_bad("too short")
    clock.now_s += 0.5
    values = statistics.values()
    assert values["frames received"] == 2
    assert values["frames published"] == 1
    assert values["frames bad"] == 1
    assert values["last bad frame"] == "too short"
    assert values["latency p50 (ms)"] == 20.0
    assert values["inference p99 (ms)"] == 15.0
    assert values["age of newest image (s)"] == 0.5


def test_gaps_in_a_publishers_numbers_are_messages_that_never_came() -> None:
    gaps = SequenceGaps()
    numbers = (7, 8, 11, 12, 3, 4, 6, None, 9, 10)  # from 12 to 3: the publisher was started again
    assert [gaps.missing(number) for number in numbers] == [0, 0, 2, 0, 0, 0, 1, 0, 0, 0]
