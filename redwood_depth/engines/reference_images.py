"""The images that engines are compared on: drawn, so that no picture has to be shipped or licensed."""

import numpy as np
from numpy.typing import NDArray

_CELL_PX = 16  # finest structure of the drawn backgrounds
_EXPOSURES = (1.0, 0.35, 1.5, 0.7)  # unlike frames: an engine can give each of them another scale


def reference_images(height: int, width: int) -> list[NDArray[np.uint8]]:
    """Four drawn scenes uint8 (height, width, 3): floor, wall, boxes, grain; in usual, dim, glaring and dull light."""
    return [_scene(height, width, seed, exposure) for seed, exposure in enumerate(_EXPOSURES)]


def _scene(height: int, width: int, seed: int, exposure: float) -> NDArray[np.uint8]:
    random = np.random.RandomState(seed)  # its numbers stay the same in every NumPy, Generator's do not
    rows, columns = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    horizon = random.uniform(0.3, 0.6)
    floor = (rows > horizon)[..., None]
    shade = (0.5 + 0.5 * rows + 0.2 * np.sin(6 * columns + seed))[..., None]
    image = np.where(floor, random.uniform(60, 160, 3), random.uniform(120, 230, 3)) * shade
    for _ in range(6):
        top, left = random.uniform(0.1, 0.8, 2)
        bottom, right = top + random.uniform(0.1, 0.4), left + random.uniform(0.05, 0.3)
        inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
        image[inside] = random.uniform(20, 235, 3) * (0.6 + 0.4 * rows[inside])[..., None]
    coarse = random.normal(0, 8, (height // _CELL_PX + 1, width // _CELL_PX + 1, 1))
    texture = np.repeat(np.repeat(coarse, _CELL_PX, axis=0), _CELL_PX, axis=1)[:height, :width]
    grain = random.normal(0, 4, (height, width, 3))
    pixels: NDArray[np.uint8] = np.clip(np.rint(exposure * (image + texture) + grain), 0, 255).astype(np.uint8)
    return pixels
