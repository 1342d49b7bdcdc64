"""Turn pixels upright by what EXIF says about how the camera was held."""

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

UPRIGHT = 1


def read_orientation(image: Image.Image) -> int:
    """Read the EXIF orientation, 1 to 8; what is none or makes no sense is upright."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except Exception:  # broken EXIF does not make the picture broken
        return UPRIGHT
    return orientation if orientation in range(1, 9) else UPRIGHT


def turn_upright(pixels: NDArray, orientation: int) -> NDArray:
    """Turn stored pixels `[H,W,...]`; from 5 on they lie on their side, `[W,H,...]` after it."""
    if orientation == UPRIGHT:
        return pixels
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
