"""The shapes that objects are made of: lofts, boxes with rounded edges, turned profiles, tubes, rings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from training.synthetic.objects.mesh import Floats, Mesh


def surface(points: Floats, *, around: bool = False, along: bool = False) -> Mesh:
    """A sheet of quads over a grid of points, (rows, columns, 3); `around` closes the columns, `along` the rows.

    It looks towards (direction of the columns) x (direction of the rows). uv is the grid's own, 0..1.
    """
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    if around:
        index = np.concatenate([index, index[:, :1]], axis=1)
    if along:
        index = np.concatenate([index, index[:1]], axis=0)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    return Mesh(points.reshape(-1, 3).astype(np.float64), faces, np.stack([u, v], -1).reshape(-1, 2))


def loft(outlines: Floats, *, caps: bool = True) -> Mesh:
    """A closed body through outlines, (levels, points, 3), each outline a closed loop; it always looks outwards."""
    levels, count = outlines.shape[:2]
    body = surface(outlines, around=True)
    if not caps:
        return body
    centers = np.stack([outlines[0].mean(axis=0), outlines[-1].mean(axis=0)])
    ring = np.arange(count)
    following = np.roll(ring, -1)
    last = (levels - 1) * count
    bottom = np.stack([following, ring, np.full(count, levels * count)], -1)
    top = np.stack([last + ring, last + following, np.full(count, levels * count + 1)], -1)
    mesh = Mesh(
        np.concatenate([body.vertices, centers]),
        np.concatenate([body.faces, bottom, top]),
        np.concatenate([body.uv, [[0.5, 0.0], [0.5, 1.0]]]),
    )
    return mesh if mesh.volume_m3() > 0 else mesh.flipped()


def rounded_rectangle(width: float, depth: float, radius: float, steps: int = 5) -> Floats:
    """The outline of a rectangle with round corners about the origin, (4 steps, 2) meters, counter-clockwise."""
    radius = min(radius, width / 2, depth / 2)
    angles = np.linspace(0, np.pi / 2, steps)
    arc = radius * np.stack([np.cos(angles), np.sin(angles)], -1)
    corners = []
    for turn, (sx, sy) in enumerate([(1, 1), (-1, 1), (-1, -1), (1, -1)]):
        quarter = np.array(
            [
                [np.cos(turn * np.pi / 2), -np.sin(turn * np.pi / 2)],
                [np.sin(turn * np.pi / 2), np.cos(turn * np.pi / 2)],
            ]
        )
        corners.append(arc @ quarter.T + np.array([sx * (width / 2 - radius), sy * (depth / 2 - radius)]))
    return np.concatenate(corners)


def at_height(outline: Floats, z: float) -> Floats:
    """A flat outline, (N, 2), as points at one height, (N, 3)."""
    return np.column_stack([outline, np.full(len(outline), z)])


def box(x: float, y: float, z: float, edge: float = 0.0, *, corner: float | None = None) -> Mesh:
    """A box of the given size about the origin; `edge` rounds its edges, `corner` only the upright ones."""
    corner = edge if corner is None else corner
    outline = rounded_rectangle(x, y, corner, 4 if corner > 0 else 1)
    if edge <= 0:
        return loft(np.stack([at_height(outline, -z / 2), at_height(outline, z / 2)]))
    levels = []
    for angle in np.linspace(-np.pi / 2, np.pi / 2, 8):
        inset = edge * (1 - np.cos(angle))
        shrink = np.array([(x - 2 * inset) / x, (y - 2 * inset) / y])
        levels.append(at_height(outline * shrink, np.sign(angle) * (z / 2 - edge) + edge * np.sin(angle)))
    return loft(np.stack(levels))


def turned_profile(profile: ArrayLike, segments: int = 32) -> Mesh:
    """A profile of (radius, z) pairs turned about z; closed when it starts and ends at radius 0 or meets itself."""
    points = np.asarray(profile, dtype=np.float64)
    angles = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], -1)
    rings = np.concatenate(
        [points[:, None, :1] * circle[None], np.broadcast_to(points[:, None, 1:], (len(points), segments, 1))], -1
    )
    mesh = surface(rings, around=True)
    return mesh if mesh.volume_m3() > 0 else mesh.flipped()


def tube(path: ArrayLike, radius: float | Sequence[float], segments: int = 10, *, closed: bool = False) -> Mesh:
    """A round tube along a path, (P, 3), with one radius or one for each point; a closed path has no ends."""
    points = np.asarray(path, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(points),))
    ahead = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    if not closed:
        ahead[0], ahead[-1] = points[1] - points[0], points[-1] - points[-2]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    side = np.cross(ahead[0], [0.0, 0.0, 1.0] if abs(ahead[0][2]) < 0.9 else [1.0, 0.0, 0.0])
    angles = np.linspace(0, 2 * np.pi, segments, endpoint=False)[:, None]
    rings = []
    for point, direction, size in zip(points, ahead, radii, strict=True):
        side = side - direction * (side @ direction)  # carried along the path, so that the tube does not twist
        side /= np.linalg.norm(side)
        rings.append(point + size * (np.cos(angles) * side + np.sin(angles) * np.cross(direction, side)))
    if not closed:
        return loft(np.stack(rings))
    mesh = surface(np.stack(rings), around=True, along=True)
    return mesh if mesh.volume_m3() > 0 else mesh.flipped()


def ring(radius: float, thickness: float, segments: int = 48, around: int = 10) -> Mesh:
    """A torus about the z axis: the radius of its center line and of its tube."""
    angles = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    return tube(
        np.stack([radius * np.cos(angles), radius * np.sin(angles), 0 * angles], -1), thickness, around, closed=True
    )


def ellipsoid(x: float, y: float, z: float, segments: int = 20) -> Mesh:
    """An ellipsoid about the origin with the given half axes."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 1)
    return turned_profile(np.stack([np.cos(angles), np.sin(angles)], -1), segments).scaled(x, y, z)


def sheet(x: float, y: float, tile_m: float = 1.0) -> Mesh:
    """A horizontal rectangle about the origin, looking up; its texture repeats every `tile_m` meters."""
    corners = np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]], dtype=np.float64) / 2
    return Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]), corners[:, :2] / tile_m)
