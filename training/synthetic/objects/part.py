"""What an object is made of: meshes, each with the material of its surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.synthetic.objects.mesh import Floats, Mesh, join

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Material:
    """How a surface reflects light, in the terms of the "principled" model.

    color: linear reflectance of red, green and blue, or a texture of them, (H, W, 3) float32; roughness: 0 mirror to
    1 chalk, or a texture (H, W) float32; metallic: 0 or 1; varnish: strength of a clear coat, 0..1.
    """

    color: Color | NDArray[np.float32]
    roughness: float | NDArray[np.float32] = 0.6
    metallic: float = 0.0
    varnish: float = 0.0


@dataclass(frozen=True)
class Part:
    """A named mesh with one material."""

    name: str
    mesh: Mesh
    material: Material

    def placed(self, *, x: float = 0.0, y: float = 0.0, z: float = 0.0, yaw_deg: float = 0.0) -> Part:
        """The part turned about the upright axis, then shifted by meters."""
        return replace(self, mesh=self.mesh.turned("z", yaw_deg).moved(x, y, z))


def bounds_of(parts: Sequence[Part]) -> tuple[Floats, Floats]:
    """The lowest and highest coordinates of all parts together, each (3,) meters."""
    return join([part.mesh for part in parts]).bounds()


RUBBER = Material((0.034, 0.034, 0.036), roughness=0.75)
BLACK_PLASTIC = Material((0.04, 0.04, 0.042), roughness=0.45)
STEEL = Material((0.62, 0.62, 0.63), roughness=0.28, metallic=1.0)
DARK_INSIDE = Material((0.012, 0.012, 0.013), roughness=0.9)
