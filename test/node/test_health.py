"""What diagnostics say of each state: only a node that answers images is well."""

import pytest

from redwood_depth.node.health import health


@pytest.mark.parametrize(
    ("state", "problem", "image_age_s", "level", "words"),
    [
        ("active", "", 0.1, 0, "running"),
        ("active", "", None, 1, "no image yet"),
        ("active", "", 7.4, 1, "no image for 7 s"),
        ("inactive", "", None, 0, "inactive"),
        ("unconfigured", "", 0.1, 0, "unconfigured"),
        ("unconfigured", "cannot configure: no model", None, 2, "cannot configure: no model"),
        ("finalized", "", 0.1, 1, "finalized: it was shut down"),
        ("finalized", "cannot shut down: stuck", None, 2, "cannot shut down: stuck"),
    ],
)
def test_level_and_words(state: str, problem: str, image_age_s: float | None, level: int, words: str) -> None:
    found_level, summary = health(state=state, problem=problem, image_age_s=image_age_s)
    assert found_level == level
    assert summary.startswith(words)
