"""The progress line: for terminals only."""

import io

import pytest

from redwood_depth.commands.shared import progress_bar
from redwood_depth.commands.shared.progress_bar import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(progress_bar.sys, "stderr", terminal)
    with Progress("scoring", 3) as bar:
        for _ in range(3):
            bar.advance("0 late")
    assert "3/3 0 late" in terminal.getvalue()
    assert terminal.getvalue().endswith("\n")


def test_a_total_may_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(progress_bar.sys, "stderr", terminal)
    with Progress("scoring") as bar:
        bar.advance()
    assert "scoring 1 " in terminal.getvalue()


def test_a_file_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(progress_bar.sys, "stderr", log)
    with Progress("scoring", 1) as bar:
        bar.advance()
    assert log.getvalue() == ""
