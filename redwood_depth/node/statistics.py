"""What the node counts: frames, drops, latencies. No rclpy."""

import math
import time
from collections import Counter, deque
from collections.abc import Callable

_WINDOW_S = 10.0


class Latencies:
    """Durations of the last ten seconds and their percentiles."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._first_s: float | None = None
        self._entries: deque[tuple[float, float]] = deque(maxlen=2000)

    def add(self, duration_s: float) -> None:
        now_s = self._clock_s()
        self._first_s = now_s if self._first_s is None else self._first_s
        self._entries.append((now_s, duration_s))

    def _recent(self) -> list[float]:
        oldest = self._clock_s() - _WINDOW_S
        return sorted(duration for stamp, duration in list(self._entries) if stamp >= oldest)

    def percentiles_ms(self) -> dict[str, float]:
        """p50, p95 and p99 in milliseconds by the nearest-rank rule; empty without entries in the window."""
        recent = self._recent()
        if not recent:
            return {}
        ranks = {name: recent[math.ceil(share * len(recent)) - 1] for name, share in _SHARES.items()}
        return {name: round(1e3 * duration_s, 2) for name, duration_s in ranks.items()}

    def rate_hz(self) -> float:
        """Entries a second, over the window or, in the first seconds, since the first of them."""
        if self._first_s is None:
            return 0.0
        return len(self._recent()) / min(_WINDOW_S, max(1.0, self._clock_s() - self._first_s))


_SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


class SequenceGaps:
    """Messages that never came, by the gaps in the numbers that one publisher gives its messages."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self.steps_back = 0  # how often a number was not greater than the one before: a restart, or a second publisher

    def missing(self, number: int | None) -> int:
        """How many are missing before the message with this number; 0 for the first, and after a publisher's restart.

        A middleware that does not number messages gives None.
        """
        newest, self._newest = self._newest, number
        if number is None or newest is None:
            return 0
        self.steps_back += number <= newest
        return max(0, number - newest - 1)


class FrameStatistics:
    """Counters since the start, latencies of the last ten seconds.

    The counts `received`, `lost` and `dropped` belong to the thread that receives, `published` and `bad` to the one
    that works; reading from elsewhere may be one frame behind, so nothing here needs a lock.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self.counts: Counter[str] = Counter(received=0, published=0, dropped=0, bad=0, unwatched=0, lost=0)
        self.latency = Latencies(clock_s)
        self.inference = Latencies(clock_s)
        self.last_received_s: float | None = None
        self.last_error = ""
        self.lost_is_counted = True  # False: messages come without numbers

    def frame_received(self) -> float:
        """Count a frame and return its time of arrival on the monotonic clock."""
        self.counts["received"] += 1
        self.last_received_s = self._clock_s()
        return self.last_received_s

    def frame_published(self, received_s: float, inference_s: float) -> None:
        self.counts["published"] += 1
        self.latency.add(self._clock_s() - received_s)
        self.inference.add(inference_s)

    def frame_bad(self, reason: str) -> None:
        self.counts["bad"] += 1
        self.last_error = reason

    def image_age_s(self) -> float | None:
        """Seconds since the newest image arrived; None before the first."""
        return None if self.last_received_s is None else self._clock_s() - self.last_received_s

    def values(self) -> dict[str, object]:
        """All figures under the names that /diagnostics shows."""
        age_s = self.image_age_s()
        values: dict[str, object] = {f"frames {name}": count for name, count in self.counts.items()}
        if not self.lost_is_counted:
            values["frames lost"] = "not counted"
        values["rate (Hz)"] = round(self.latency.rate_hz(), 1)
        for title, latencies in (("latency", self.latency), ("inference", self.inference)):
            values |= {f"{title} {name} (ms)": value for name, value in latencies.percentiles_ms().items()}
        values["age of newest image (s)"] = "no image yet" if age_s is None else round(age_s, 3)
        if self.last_error:
            values["last bad frame"] = self.last_error
        return values
