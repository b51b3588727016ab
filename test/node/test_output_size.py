"""The small depth has the image's aspect, and never more rows in proportion than the image."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood_depth.node.output_size import published_size

SIDES = st.integers(16, 4096)


@pytest.mark.parametrize(
    ("image", "size"),
    [((480, 640), (120, 160)), ((720, 1280), (90, 160)), ((1080, 1920), (90, 160)), ((1280, 720), (128, 72))],
)
def test_usual_cameras_with_the_bundled_models_size(image: tuple[int, int], size: tuple[int, int]) -> None:
    assert published_size("model", image=image, model=(128, 160)) == size
    assert published_size("camera", image=image, model=(128, 160)) == image


@given(SIDES, SIDES, st.integers(32, 512), st.integers(32, 512))
def test_any_image_and_model(height: int, width: int, model_height: int, model_width: int) -> None:
    rows, columns = published_size("model", image=(height, width), model=(model_height, model_width))
    assert columns <= model_width
    assert rows == 1 or rows * width <= height * columns  # what PointCloudXyzrgb crops the image to is within it
    assert abs(rows - height * columns / width) < 1 or rows == 1
    assert rows <= model_height + height / width + 1
