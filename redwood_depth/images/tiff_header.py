"""The sizes that a TIFF image claims, read without decoding it (Adobe, "TIFF 6.0", section 2)."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Orientation (tag 274, section 8) -> how to bring what OpenCV turned by it back to what is stored.
_BACK: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: np.rot90,
    7: lambda pixels: np.rot90(pixels.swapaxes(0, 1), 2),
    8: lambda pixels: np.rot90(pixels, -1),
}
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_WIDTH, _HEIGHT, _ORIENTATION, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 274, 322, 323
_TYPES = {3: "H", 4: "I"}  # SHORT, LONG: what sizes are written in
_ENTRY_BYTES = 12


def is_tiff(data: NDArray[np.uint8]) -> bool:
    """Whether the bytes begin as a TIFF's do. (BigTIFF is for files above 4 GB.)"""
    return data[:4].tobytes() in _BYTE_ORDERS


def tiff_sizes(data: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """(height, width) of the first image and, where it is tiled, of a tile; ValueError where they cannot be found."""
    order, view = _BYTE_ORDERS[data[:4].tobytes()], memoryview(data.data)
    try:
        fields = dict(_fields(view, order))
        sizes = [(fields[_HEIGHT], fields[_WIDTH])]
    except (struct.error, KeyError) as error:
        raise ValueError(f"a TIFF without sizes: {error}") from error
    if _TILE_WIDTH in fields or _TILE_HEIGHT in fields:
        sizes.append((fields.get(_TILE_HEIGHT, 1), fields.get(_TILE_WIDTH, 1)))
    return sizes


def as_stored(pixels: NDArray[Any], data: NDArray[np.uint8]) -> NDArray[Any]:
    """What OpenCV made of a TIFF, its rows and columns as in the file.

    OpenCV (4.10 to 5.0) turns a TIFF by its orientation whatever its flags say; JPEG and PNG it can leave alone.
    """
    orientation = dict(_fields(memoryview(data.data), _BYTE_ORDERS[data[:4].tobytes()])).get(_ORIENTATION, 1)
    back = _BACK.get(orientation)
    return np.ascontiguousarray(back(pixels)) if back else pixels


def _fields(view: Any, order: str) -> list[tuple[int, int]]:
    """(tag, value) of the first directory's single numbers."""
    (at,) = struct.unpack_from(f"{order}I", view, 4)
    (count,) = struct.unpack_from(f"{order}H", view, at)
    found = []
    for entry in range(at + 2, at + 2 + count * _ENTRY_BYTES, _ENTRY_BYTES):
        tag, kind, values = struct.unpack_from(f"{order}HHI", view, entry)
        if kind in _TYPES and values == 1:
            found.append((tag, struct.unpack_from(f"{order}{_TYPES[kind]}", view, entry + 8)[0]))
    return found
