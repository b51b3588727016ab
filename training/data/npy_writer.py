"""A .npy file that grows: written item by item, memory-mapped afterwards."""

from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt


class NpyWriter:
    """Writes arrays of one shape and type as one array with a leading axis; a context manager.

    Ordinary writes, not a memory map: on a full disk a write is an OSError, a store into a map kills the process.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self.count = 0
        self._shape = shape
        self._dtype = np.dtype(dtype)
        self._file = path.open("wb")
        self._header_bytes = self._write_header()

    def append(self, item: npt.NDArray[np.generic]) -> None:
        """Write one item of the shape and type that the file has. Raises OSError where there is no room."""
        if item.shape != self._shape or item.dtype != self._dtype:
            raise ValueError(f"{item.dtype} {item.shape} does not fit {self._dtype} {self._shape}")
        self._file.write(np.ascontiguousarray(item).data)
        self.count += 1

    def close(self) -> None:
        """Write the final length into the header; NumPy leaves room for it there."""
        with self._file:
            self._file.seek(0)
            if self._write_header() != self._header_bytes:
                raise ValueError("this NumPy's array header does not keep its length")

    def _write_header(self) -> int:
        descr = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": descr, "fortran_order": False, "shape": (self.count, *self._shape)}
        np.lib.format.write_array_header_1_0(self._file, header)
        return self._file.tell()

    def __enter__(self) -> "NpyWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
