"""Files that ship beside the Python package: launch/ and config/."""

from pathlib import Path


def shared_file(name: str) -> Path | None:
    """Path of a shipped file such as "config/fastdds.xml", in a checkout or installed; None: it is not there."""
    for parent in Path(__file__).resolve().parents:
        for candidate in (parent / name, parent / "share" / "redwood_depth" / name):
            if candidate.is_file():
                return candidate
    return None
