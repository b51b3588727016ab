"""Triangle meshes as NumPy arrays: moving, joining, measuring, and normals with creases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WELD_M = 1e-5  # corners nearer than this are the same point


@dataclass(frozen=True)
class Mesh:
    """Triangles in meters, z up, counter-clockwise seen from outside.

    vertices: (V, 3) meters; faces: (F, 3) indices into vertices; uv: (V, 2), v = 0 at a texture's first row.
    """

    vertices: Floats
    faces: NDArray[np.int64]
    uv: Floats

    def corners(self) -> Floats:
        """The three corners of every face, (F, 3, 3)."""
        return self.vertices[self.faces]

    def face_normals(self) -> Floats:
        """Normals whose length is twice the area of the face, (F, 3)."""
        a, b, c = np.moveaxis(self.corners(), 1, 0)
        return np.cross(b - a, c - a)

    def volume_m3(self) -> float:
        """Signed volume of a closed mesh; positive when the faces look outwards."""
        a, b, c = np.moveaxis(self.corners(), 1, 0)
        return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6.0)

    def bounds(self) -> tuple[Floats, Floats]:
        """The lowest and highest coordinates, each (3,)."""
        return self.vertices.min(axis=0), self.vertices.max(axis=0)

    def flipped(self) -> Mesh:
        """The same surface, facing the other way."""
        return replace(self, faces=self.faces[:, ::-1].copy())

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        """The mesh shifted by meters."""
        return replace(self, vertices=self.vertices + np.array([x, y, z]))

    def turned(self, axis: str, degrees: float) -> Mesh:
        """The mesh rotated about the x, y or z axis through the origin, right-handed."""
        return self.transformed(rotation(axis, degrees))

    def scaled(self, x: float, y: float, z: float) -> Mesh:
        """The mesh stretched about the origin; a mirrored one keeps looking outwards."""
        result = self.transformed(np.diag([x, y, z]).astype(np.float64))
        return result.flipped() if x * y * z < 0 else result

    def transformed(self, matrix: Floats) -> Mesh:
        """The mesh with every vertex multiplied by a (3, 3) matrix."""
        return replace(self, vertices=self.vertices @ matrix.T)


def rotation(axis: str, degrees: float) -> Floats:
    """The (3, 3) right-handed rotation about `axis` ("x", "y" or "z")."""
    angle = np.deg2rad(degrees)
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


def join(meshes: Sequence[Mesh]) -> Mesh:
    """All meshes as one, without welding them."""
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]),
        np.concatenate([mesh.uv for mesh in meshes]),
    )


def mirrored_pair(mesh: Mesh) -> Mesh:
    """The mesh and its mirror image on the other side of the plane y = 0."""
    return join([mesh, mesh.scaled(1, -1, 1)])


def point_ids(mesh: Mesh) -> NDArray[np.int64]:
    """For every face corner, (F, 3), the number of the point it lies on: equal where corners coincide."""
    grid = np.round(mesh.vertices / WELD_M).astype(np.int64)
    _, ids = np.unique(grid, axis=0, return_inverse=True)
    return ids.reshape(-1)[mesh.faces]


def open_edge_share(mesh: Mesh) -> float:
    """The share of edges that do not belong to exactly two faces: 0 for a closed mesh."""
    ids = point_ids(mesh)
    ids = ids[(ids[:, 0] != ids[:, 1]) & (ids[:, 1] != ids[:, 2]) & (ids[:, 2] != ids[:, 0])]  # no slivers
    edges = np.sort(np.concatenate([ids[:, [0, 1]], ids[:, [1, 2]], ids[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    return float(np.mean(counts != 2))


def corner_normals(mesh: Mesh, crease_deg: float = 38.0) -> Floats:
    """Unit normals of the face corners, (F, 3, 3): smooth across edges flatter than the crease, sharp across others."""
    areas = mesh.face_normals()
    corner_area = np.repeat(areas, 3, axis=0)
    unit = corner_area / np.maximum(np.linalg.norm(corner_area, axis=1, keepdims=True), 1e-12)
    ids = point_ids(mesh).reshape(-1)
    order = np.argsort(ids, kind="stable")
    ids, unit_sorted, area_sorted = ids[order], unit[order], corner_area[order]
    total = area_sorted.copy()
    for step in range(1, int(np.bincount(ids).max())):
        near = np.einsum("ci,ci->c", unit_sorted[:-step], unit_sorted[step:]) > np.cos(np.deg2rad(crease_deg))
        near &= ids[:-step] == ids[step:]
        total[:-step][near] += area_sorted[step:][near]
        total[step:][near] += area_sorted[:-step][near]
    normals = np.empty_like(total)
    normals[order] = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return normals.reshape(-1, 3, 3)
