"""Storage files that were compressed as a whole: decompressed into a temporary file, for they are read at any place."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from redwood_depth.bags.decompression import DECOMPRESSION_ERRORS, open_decompressed
from redwood_depth.bags.storage.temporary import TemporaryFolder

SUFFIXES = (".zstd", ".zst", ".lz4")
_BLOCK_BYTES = 256 << 10


def decompressed_copy(path: Path, temporary: TemporaryFolder) -> tuple[Path, str | None]:
    """A temporary file of what is in it, and what is wrong with it: of one that is cut off, what comes before.

    Raises:
        BagError: there is no room for it.
        OSError: it cannot be read.
    """
    damage: list[str] = []
    with path.open("rb") as file, open_decompressed(file) as content:
        copy = temporary.write(_inner_name(path), _blocks(content, path.name, damage))
    return copy, damage[0] if damage else None


def _inner_name(path: Path) -> str:
    return path.stem if path.suffix in SUFFIXES else path.name


def _blocks(content: BinaryIO, name: str, damage: list[str]) -> Iterator[bytes]:
    while True:
        try:
            block = content.read(_BLOCK_BYTES)
        except DECOMPRESSION_ERRORS as error:
            damage.append(f"{name} is cut off or damaged: {error}")
            return
        if not block:
            return
        yield block
