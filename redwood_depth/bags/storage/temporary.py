"""A temporary folder for copies of files that cannot be read where they lie."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from redwood_depth.errors import BagError

_SPARE_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 20


class TemporaryFolder:
    """Made when it is first needed, removed by `close`."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def write(self, name: str, blocks: Iterable[bytes]) -> Path:
        """A new file of this name. Raises BagError where there is no room for it; OSError of reading goes through."""
        folder = Path(tempfile.mkdtemp(dir=self._path()))
        with (folder / name).open("xb") as file:
            for block in blocks:
                if shutil.disk_usage(folder).free < len(block) + _SPARE_BYTES:
                    raise BagError(
                        f"no room for {name} in {folder.parent.parent}: set TMPDIR to a folder of a larger disk"
                    )
                file.write(block)
        return folder / name

    def copy(self, path: Path) -> Path:
        """A copy of the file. Raises BagError where there is no room for it, OSError."""
        with path.open("rb") as file:
            return self.write(path.name, iter(lambda: file.read(_BLOCK_BYTES), b""))

    def close(self) -> None:
        if self._folder:
            self._folder.cleanup()

    def _path(self) -> str:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="redwood_depth_")
        return self._folder.name
