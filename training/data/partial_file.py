"""A file that is being downloaded: NAME.part, and beside it NAME.part.json, which says of what it is a part."""

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-\d{1,18}|\*)/(\d{1,18})")


class StaleRange(Exception):
    """The server's file is not the one that the part is of; the part has been dropped."""


class PartialFile:
    """What has arrived of a file; `received` hears of every byte that comes, and of those that are dropped."""

    def __init__(self, path: Path, received: Callable[[int], None]) -> None:
        self._target = path
        self.path = path.with_name(f"{path.name}.part")
        self._validator_path = path.with_name(f"{path.name}.part.json")
        self._received = received
        self.size = self.path.stat().st_size if self.path.exists() else 0

    def request_headers(self) -> dict[str, str]:
        """Ask for the rest, but only of the same file; for all where nothing is here or nothing is known of it."""
        known = self._validator()
        if not self.size or not known:
            return {}
        validator = known.get("validator")
        return {"Range": f"bytes={self.size}-", **({"If-Range": str(validator)} if validator else {})}

    def begin(self, status: int, headers: Mapping[str, str]) -> int | None:
        """Fit the part to an answer (200 whole, 206 rest, 416 nothing left): the whole file's size, None if unknown.

        Raises:
            StaleRange: the answer is about another file, or another place in it.
        """
        match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        if status == 200:
            return self._start_afresh(headers)
        start, total = (int(match[1] or self.size), int(match[2])) if match else (-1, -1)
        if start != self.size or total != (self._validator().get("size") or total):
            self.clear()
            raise StaleRange(f"HTTP {status} with an unfitting Content-Range {headers.get('Content-Range')!r}")
        return total

    def open(self) -> BinaryIO:
        return self.path.open("ab")

    def write(self, file: BinaryIO, data: bytes) -> None:
        """Append to the open part. Raises OSError where there is no room."""
        file.write(data)
        self.size += len(data)
        self._received(len(data))

    def clear(self) -> None:
        """Drop what has arrived."""
        self._received(-self.size)
        self.size = 0
        self.path.write_bytes(b"")

    def finish(self, path: Path | None = None) -> None:
        """Give the whole file its name, or `path`; a crash before leaves the part, after it the file."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(path or self._target)
        self._validator_path.unlink(missing_ok=True)

    def _start_afresh(self, headers: Mapping[str, str]) -> int | None:
        self.clear()
        length = headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() else None
        etag = headers.get("ETag", "")
        validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
        self._validator_path.write_text(json.dumps({"validator": validator, "size": size}), "utf-8")
        return size

    def _validator(self) -> dict[str, object]:
        """ETag or date, and size, of the file that the part is of."""
        try:
            data = json.loads(self._validator_path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}
