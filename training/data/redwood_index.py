"""Redwood 3DScan's public index: which scans show which class, which have RGB-D, and where their zips lie."""

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.errors import DownloadError

INDEX_URL = "https://raw.githubusercontent.com/isl-org/redwood-3dscan/HEAD"
SCANS_URL = "https://redwood-3dscan.b-cdn.net/rgbd"
INDEX_FILES = ("categories.json", "rgbds.json")

_SCAN_ID = re.compile(r"[0-9A-Za-z_-]{1,40}")  # ids become file names


@dataclass(frozen=True)
class RedwoodIndex:
    """The scans with RGB-D of each class, by class name."""

    scans: Mapping[str, tuple[str, ...]]

    @classmethod
    def parse(cls, categories: bytes, rgbds: bytes) -> "RedwoodIndex":
        """From categories.json ({class: [scan id, ...]}) and rgbds.json ([scan id, ...]).

        Raises:
            DownloadError: they are not of that form.
        """
        try:
            listed, with_depth = json.loads(categories), json.loads(rgbds)
            known = {scan for scan in with_depth if _SCAN_ID.fullmatch(scan)}
            scans = {str(name): tuple(sorted(known.intersection(ids))) for name, ids in listed.items()}
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise DownloadError(f"the index is not Redwood's: {error}") from error
        return cls(scans)

    def choose(self, class_name: str, count: int, seed: int) -> list[str]:
        """`count` scans of a class, or all where there are fewer; a larger count only adds to a smaller one.

        Raises:
            DownloadError: the index has no such class, or no scan of it with depth.
        """
        if class_name not in self.scans:
            raise DownloadError(f'the index has no class "{class_name}"; {self._offer(class_name)}')
        scans = self.scans[class_name]
        if not scans:
            raise DownloadError(f'no scan of class "{class_name}" has depth')
        return sorted(scans, key=lambda scan: hashlib.sha256(f"{seed}/{scan}".encode()).digest())[:count]

    def _offer(self, class_name: str) -> str:
        wanted = class_name.lower().replace("_", " ")
        close = difflib.get_close_matches(wanted, self.scans, n=3, cutoff=0.5)
        close += sorted(name for name in self.scans if set(wanted.split()) & set(name.split()) and name not in close)
        return f"closest: {', '.join(close[:5])}" if close else f"it has {', '.join(sorted(self.scans))}"


def scan_path(root: Path, class_name: str, scan_id: str) -> Path:
    """Where a scan's zip lies below `root`; a slash in a class name ("toy/statuette/decor") becomes an underscore."""
    return root / class_name.replace("/", "_").lstrip(".") / f"{scan_id}.zip"
