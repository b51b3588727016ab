"""The part of a result that is about a node that played along."""

from dataclasses import dataclass

from redwood_depth.evaluation.records import entry


@dataclass(frozen=True)
class LiveScores:
    """What the node made of the recordings' pace, and what it cost. Latency: from image sent to depth received."""

    node: str = entry("its name")
    started: bool = entry("whether it was started for this; false: it ran already")
    rate: float = entry("times the recording's pace")
    sent: int = entry("images sent")
    answered: int = entry("depth images received")
    dropped: int = entry("images without an answer")
    sent_hz: float = entry("images sent a second")
    answered_hz: float = entry("depth images received a second")
    latency_p50_ms: float = entry("median latency, in ms")
    latency_p95_ms: float = entry("95th percentile, in ms")
    latency_p99_ms: float = entry("99th percentile, in ms")
    cpu_percent: float | None = entry("processor time of the node in percent of one core; null: not measured")
    memory_mb: float | None = entry("memory of the node at most, in MB; null: not measured")
    latencies_ms: list[float] = entry("of each depth image, in ms")
    dropped_because: str | None = entry("why images had no answer, as far as it is known", optional=True)

    def percentiles_ms(self) -> dict[str, float]:
        """The three percentiles by name."""
        return {"p50": self.latency_p50_ms, "p95": self.latency_p95_ms, "p99": self.latency_p99_ms}
