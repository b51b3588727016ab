"""What a node complains of, from the words that it wrote."""

import re
from pathlib import Path

_COMPLAINT = re.compile(r"\[(?:WARN|ERROR|FATAL)\] \[[\d.]+\] \[[^\]]*\]: (?P<words>.*)")


def complaints(log: Path) -> list[str]:
    """Its warnings and errors, each once, in order; none where it wrote nothing."""
    try:
        lines = log.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    found = (_COMPLAINT.search(line) for line in lines)
    return list(dict.fromkeys(match["words"] for match in found if match))


def why_missing(sent: int, missing: int, words: list[str], latencies_ms: list[float], period_ms: float) -> str | None:
    """Why a node gave no depth for `missing` of `sent` images; None: it gave all.

    `words` are its complaints; where it has none, its pace tells: `period_ms` is the time from image to image.
    """
    if not missing:
        return None
    if words:
        return "; ".join(words[:3])
    median_ms = sorted(latencies_ms)[len(latencies_ms) // 2] if latencies_ms else None
    if median_ms is None:
        return "it said nothing about them"
    pace = f"{median_ms:.0f} ms from image to depth, an image every {period_ms:.0f} ms"
    if median_ms > 0.8 * period_ms:
        return f"a newer image replaced them while the node was at work ({pace}); a lower --rate gives it time"
    return f"not for want of time ({pace}): they were lost on their way, or the node paused; see doctor"
