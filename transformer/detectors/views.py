"""Parts of a picture, each with its pixels at one scale."""

from dataclasses import dataclass

import cv2
import numpy as np

from transformer.detectors.base import Floats
from transformer.detectors.scales import Tile, fit_size
from transformer.pictures.picture import ENOUGH, Picture, Pixels, find_scale

AREA = cv2.INTER_AREA


@dataclass(frozen=True, slots=True)
class View:
    """A part of a picture: how it looks, and where it lies in pixels of the picture."""

    pixels: Pixels  # [h, w, 3]
    left: float
    top: float
    width: float
    height: float

    def map_to_picture(self, corners: Floats) -> Floats:
        """Map boxes `[F,4]` in pixels of the view to pixels of the picture."""
        height, width = self.pixels.shape[:2]
        scale = self.width / width, self.height / height
        return (corners * (scale * 2) + (self.left, self.top) * 2).astype(np.float32)

    def shrink(self, pixels: int) -> "View":
        """Shrink it to so many pixels or a few more; a smaller one stays as it is."""
        height, width = self.pixels.shape[:2]
        return self.resize(fit_size(width, height, pixels))

    def resize(self, size: tuple[int, int]) -> "View":
        """Shrink it to a size (width, height).

        Whole factors are averages of areas; what is left, less than 2, is interpolated. An average
        of areas for that as well takes as long as the network: 5.5 ms from 1024 to 640, not 0.9.
        """
        small = self.pixels
        height, width = small.shape[:2]
        factor = max(1, min(width // size[0], height // size[1]))
        x, y = width // factor * factor, height // factor * factor
        if factor > 1:
            areas = x // factor, y // factor
            small = np.asarray(cv2.resize(small[:y, :x], areas, interpolation=AREA), np.uint8)
        if size != small.shape[1::-1]:
            small = np.asarray(cv2.resize(small, size), np.uint8)
        return View(small, self.left, self.top, self.width * x / width, self.height * y / height)

    def cut(self, tile: Tile, size: tuple[int, int]) -> "View":
        """Cut out a tile of the view as it would be at a size (width, height)."""
        height, width = self.pixels.shape[:2]
        across, down = width / size[0], height / size[1]
        x0, y0 = int(tile[0] * across), int(tile[1] * down)
        x1, y1 = -int(-tile[2] * across // 1), -int(-tile[3] * down // 1)
        across, down = self.width / width, self.height / height
        part = self.pixels[y0:y1, x0:x1]
        left, top = self.left + x0 * across, self.top + y0 * down
        cut = View(part, left, top, (x1 - x0) * across, (y1 - y0) * down)
        return cut.resize((tile[2] - tile[0], tile[3] - tile[1]))


def view_picture(picture: Picture, pixels: int) -> View:
    """View the whole of a picture at three quarters of so many pixels or more, if it has them."""
    area = picture.width * picture.height
    shown, scale = picture.read(find_scale(lambda s: area >= ENOUGH * pixels * s**2))
    height, width = shown.shape[:2]
    return View(shown, *picture.find_origin(scale), width * scale, height * scale)


def measure_scale(picture: Picture, pixels: int) -> float:
    """Measure how many pixels of the picture's side are one where it has so many."""
    return float((picture.width * picture.height / pixels) ** 0.5)
