"""RVL, the lossless code for 16-bit depth images that compressed_depth_image_transport knows beside PNG.

A. D. Wilson, "Fast Lossless Depth Image Compression", SIGCHI 2017. Numbers are written three bits a nibble, lowest
first, the nibble's highest bit saying that more follow; nibbles fill 32-bit words from the top. The numbers are, in
turn: how many pixels are 0, how many are not, and of each of these the difference to the one before, zigzag.
"""

import numpy as np
from numpy.typing import NDArray

from redwood_depth.errors import ImageError
from redwood_depth.images.compressed import check_size

_HEADER_BYTES = 8  # width and height
_MAX_NIBBLES = 9  # of one number: 27 bits hold any count of pixels and any difference
_DAMAGED = "a damaged RVL image"


def decode_rvl(data: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """uint16 (H, W) of width and height (two little-endian uint32) and the code behind them.

    Raises:
        ImageError: an absurd size, or code that does not make an image of it.
    """
    if data.size < _HEADER_BYTES:
        raise ImageError(f"{_DAMAGED}: {data.size} bytes")
    width, height = (int(side) for side in data[:_HEADER_BYTES].view("<u4"))
    check_size(height, width)
    numbers = _numbers(data[_HEADER_BYTES:])
    heads, zeros, counts = _runs(numbers, height * width)
    is_difference = np.ones(numbers.size, bool)
    is_difference[heads] = is_difference[heads + 1] = False
    if heads.size:
        is_difference[heads[-1] + 2 + counts[-1] :] = False
    zigzag = numbers[is_difference]
    values = np.cumsum((zigzag >> 1) ^ -(zigzag & 1)).astype(np.uint16)
    pixels = np.zeros(height * width, np.uint16)
    pixels[np.repeat(np.tile([False, True], heads.size), np.column_stack((zeros, counts)).reshape(-1))] = values
    return pixels.reshape(height, width)


def _numbers(code: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The numbers that whole words of nibbles hold."""
    swapped = code[: code.size // 4 * 4].reshape(-1, 4)[:, ::-1].reshape(-1)
    nibbles = np.empty(2 * swapped.size, np.uint8)
    nibbles[0::2], nibbles[1::2] = swapped >> 4, swapped & 0xF
    ends = np.flatnonzero(nibbles < 8)
    if not ends.size:
        return np.zeros(0, np.int64)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    numbers = (nibbles[starts] & 7).astype(np.int64)
    for place in range(1, min(int(lengths.max()), _MAX_NIBBLES)):
        longer = np.flatnonzero(lengths > place)
        numbers[longer] |= (nibbles[starts[longer] + place] & 7).astype(np.int64) << 3 * place
    return numbers


def _runs(numbers: NDArray[np.int64], pixels: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each run: where its head lies in `numbers`, how many pixels are 0, how many follow that are not."""
    heads, zeros, counts = [], [], []
    view, at = memoryview(numbers.data), 0
    while pixels > 0:
        if at + 1 >= len(view):
            raise ImageError(f"{_DAMAGED}: its code ends {pixels} pixels early")
        heads.append(at)
        zeros.append(view[at])
        counts.append(view[at + 1])
        if not zeros[-1] + counts[-1]:
            raise ImageError(f"{_DAMAGED}: a run of nothing")
        at += 2 + counts[-1]
        pixels -= zeros[-1] + counts[-1]
    if pixels < 0 or at > len(view):
        raise ImageError(f"{_DAMAGED}: its code does not fit its size")
    return np.array(heads, np.int64), np.array(zeros, np.int64), np.array(counts, np.int64)
