"""Words that a node says once, whatever number of frames gives the reason for them."""

from typing import Any


class SaidOnce:
    """Warnings of one activation, each key once. (rclpy's own `once` holds for a line of code and for ever.)"""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._said: set[str] = set()

    def warning(self, key: str, text: str) -> None:
        """Warn of `text` unless something was said under `key` before."""
        if key not in self._said:
            self._said.add(key)
            self._log.warning(text)

    def info(self, key: str, text: str) -> None:
        """As `warning`, where nothing is wrong."""
        if key not in self._said:
            self._said.add(key)
            self._log.info(text)
