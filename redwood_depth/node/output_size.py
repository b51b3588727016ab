"""The size of the published depth."""

import math

Size = tuple[int, int]  # (height, width) in pixels


def published_size(output_size: str, *, image: Size, model: Size) -> Size:
    """The image's size, or with `output_size` "model" about the model's in the image's aspect, in whole pixels.

    The model sees the image squeezed to its own aspect. Depth that stays so has pixels that are not square, which no
    consumer expects: depth_image_proc's PointCloudXyzrgb 5.0 and older end with an exception where the depth is taller
    in proportion than the image, so the height is rounded down.
    """
    if output_size == "camera":
        return image
    height, width = image
    model_height, model_width = model
    small_width = min(model_width, math.ceil(model_height * width / height))
    return max(1, small_width * height // width), small_width
