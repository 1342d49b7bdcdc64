"""The seam between the transformer and whatever finds faces."""

from abc import ABC, abstractmethod
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from transformer.picture import Pixels

Floats = NDArray[np.float32]

SMALLEST = 24  # pixels of a first look: near smaller faces there may be some that it can't see
REACH = 0.5  # of the picture, how far beyond it a box may go: a network's size may be anything


class Detector(ABC):
    """Finds faces. Safe to call from one thread at a time; each worker has its own."""

    name: str
    min_score: float  # the detector's own; what a score means differs between them
    doubt: float  # lowest score at which a first look makes a second one worth its time
    runtime: str  # what runs the network, and its version
    precision: str  # what it computes in: "bf16" or "f32"

    @abstractmethod
    def __init__(self, path: Path, side: int, min_score: float, first_look: int = 0):
        self.side = side
        self.min_score = min_score
        self.first_look = first_look

    def detect(self, pixels: Pixels) -> tuple[Floats, Floats]:
        """Find the faces of a picture `[H,W,3]` RGB: boxes `[F,4]` and scores `[F]`.

        Boxes are (x0, y0, x1, y1) in pixels of the picture, best score first. Of a face that the
        border cuts they reach beyond it, by half the picture at most: the crop is placed about
        the whole face. The picture is searched at a long side of at most `side` pixels; with
        `first_look` at that side before, and again only where that may bring something.
        """
        height, width = pixels.shape[:2]
        if 0 < self.first_look < min(self.side, max(height, width)):
            low = min(self.doubt, self.min_score)
            boxes, scores = self.search_scaled(pixels, self.first_look, low)
            least = SMALLEST * max(height, width) / self.first_look
            if (scores >= self.min_score).all() and (measure_sizes(boxes) >= least).all():
                return boxes, scores
        return self.search_scaled(pixels, self.side, self.min_score)

    def search_scaled(self, pixels: Pixels, side: int, min_score: float) -> tuple[Floats, Floats]:
        """Search a picture at a long side of at most `side` pixels."""
        height, width = pixels.shape[:2]
        small, scale = shrink(pixels, side)
        boxes, scores = self.search(small, min_score)
        boxes *= np.tile(scale, 2)
        extent = np.array([width, height] * 2, np.float32)
        boxes = np.clip(boxes, -REACH * extent, (1 + REACH) * extent)
        order = np.argsort(-scores, kind="stable")
        return boxes[order], scores[order]

    @abstractmethod
    def search(self, rgb: Pixels, min_score: float) -> tuple[Floats, Floats]:
        """Search a picture `[h,w,3]` RGB as it is: boxes `[F,4]` and scores `[F]`, both our own."""


def shrink(pixels: Pixels, side: int) -> tuple[Pixels, Floats]:
    """Shrink a picture `[H,W,3]` to a long side of at most `side`: it, and by how much in x and y.

    Whole factors are averages of areas; what is left, less than 2, is interpolated. An average
    of areas for that as well takes as long as the network: 5.5 ms from 1024 to 640, not 0.9.
    """
    height, width = pixels.shape[:2]
    ratio = max(height, width) / side
    if ratio <= 1:
        return np.asarray(pixels, np.uint8), np.ones(2, np.float32)
    size = max(1, round(width / ratio)), max(1, round(height / ratio))
    factor = min(int(ratio), height, width)
    if factor > 1:
        size_of_areas = width // factor, height // factor
        width, height = size_of_areas[0] * factor, size_of_areas[1] * factor
        pixels = cv2.resize(
            pixels[:height, :width], size_of_areas, interpolation=cv2.INTER_AREA
        ).astype(np.uint8, copy=False)
    if size != pixels.shape[1::-1]:
        pixels = cv2.resize(pixels, size).astype(np.uint8, copy=False)
    return pixels, np.array([width / size[0], height / size[1]], np.float32)


def measure_sizes(boxes: Floats) -> Floats:
    """Measure the geometric mean of each box's sides, `[F]`."""
    return np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1))
