"""Buffers of a thread that stay: fresh memory of an image's size costs more than what is computed in it."""

import math
import threading

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
_local = threading.local()


def workspace(name: str, count: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """`count` float32 images of `shape`, (count, *shape), of this thread: what was in those of this name is lost."""
    size = math.prod(shape)
    stores: dict[str, NDArray[np.float32]] = _local.__dict__.setdefault("stores", {})
    store = stores.get(name)
    if store is None or store.size < count * size:
        store = stores[name] = np.empty(count * size, np.float32)
    return store[: count * size].reshape(count, *shape)
