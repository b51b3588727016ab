"""The Engine protocol: one image in, depth and class scores out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EngineDescription:
    """What runs: published by the node, printed by the commands."""

    backend: str
    precision: str
    device: str
    versions: str

    def __str__(self) -> str:
        return f"{self.backend} ({self.versions}), {self.precision} on {self.device}"


class Engine(Protocol):
    """Runs a bundle's network. One thread makes, uses and closes it; nothing here is shared between threads."""

    description: EngineDescription

    def infer(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """image uint8 (H, W, 3) RGB, contiguous -> depth_m float32 (H, W), class_scores float32 (C,).

        The arrays may be reused by the next call: copy what must outlive it.

        Raises:
            EngineError: the image is not of the bundle's size, or the backend failed.
        """
        ...

    def close(self) -> None:
        """Give device and memory back. May be called twice."""
        ...
