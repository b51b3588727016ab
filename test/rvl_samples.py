"""RVL as its paper writes it, number by number: what tests decode."""

import struct

import numpy as np


def encode_rvl(pixels: np.ndarray) -> bytes:
    """Width, height and the code of uint16 (H, W)."""
    values = [int(value) for value in pixels.reshape(-1)]
    nibbles: list[int] = []
    at, before = 0, 0
    while at < len(values):
        zeros = next((i for i in range(at, len(values)) if values[i]), len(values)) - at
        at += zeros
        count = next((i for i in range(at, len(values)) if not values[i]), len(values)) - at
        numbers = [zeros, count]
        for value in values[at : at + count]:
            difference, before = value - before, value
            numbers.append(2 * difference if difference >= 0 else -2 * difference - 1)
        at += count
        for number in numbers:
            nibbles += _nibbles(number)
    nibbles += [0] * (-len(nibbles) % 8)
    words = [int("".join(f"{n:x}" for n in nibbles[i : i + 8]), 16) for i in range(0, len(nibbles), 8)]
    return struct.pack(f"<II{len(words)}I", pixels.shape[1], pixels.shape[0], *words)


def _nibbles(number: int) -> list[int]:
    found = [number & 7]
    while number := number >> 3:
        found[-1] |= 8
        found.append(number & 7)
    return found
