"""The seam between the transformer and whatever finds faces."""

from abc import ABC, abstractmethod

import cv2
import numpy as np
from numpy.typing import NDArray

from pictures.read import Pixels

Floats = NDArray[np.float32]

REACH = 0.5  # of the picture, how far beyond it a box may go: a network's size may be anything


class Detector(ABC):
    """Finds faces. Safe to call from one thread at a time; each worker has its own."""

    name: str

    def __init__(self, side: int, min_score: float):
        self.side = side
        self.min_score = min_score

    def detect(self, pixels: Pixels) -> tuple[Floats, Floats]:
        """Find the faces of a picture `[H,W,3]` RGB: boxes `[F,4]` and scores `[F]`.

        Boxes are (x0, y0, x1, y1) in pixels of the picture, best score first. Of a face that the
        border cuts they reach beyond it, by half the picture at most: the crop is placed about
        the whole face. The picture is searched at a long side of at most `side` pixels.
        """
        height, width = pixels.shape[:2]
        scale = min(1.0, self.side / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = pixels if scale == 1 else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        boxes, scores = self.search(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), np.uint8))
        boxes *= np.array([width / size[0], height / size[1]] * 2, np.float32)
        extent = np.array([width, height] * 2, np.float32)
        boxes = np.clip(boxes, -REACH * extent, (1 + REACH) * extent)
        order = np.argsort(-scores, kind="stable")
        return boxes[order], scores[order]

    @abstractmethod
    def search(self, bgr: Pixels) -> tuple[Floats, Floats]:
        """Search a picture `[h,w,3]` BGR as it is: boxes `[F,4]` and scores `[F]`."""
